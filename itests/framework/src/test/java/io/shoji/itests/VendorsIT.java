/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.ops4j.pax.exam.CoreOptions.systemProperty;

import io.shoji.accelerator.Accelerator;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.SimulatedOpenVino;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import javax.inject.Inject;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/**
 * The drivers of libraries that a machine brings, made by the declarative services of this
 * framework. OpenVINO's is simulated, HailoRT's and TensorRT's are not there.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class VendorsIT {
  private static final String HAILO = "io.shoji.driver.hailo";
  private static final String OPENVINO = "io.shoji.driver.openvino";
  private static final String TENSORRT = "io.shoji.driver.tensorrt";
  private static final String RELEASE = "2026.1.0";

  @Inject private BundleContext context;
  @Inject private InferenceService inference;

  @Configuration
  public Option[] configuration() throws IOException {
    Path platform = Path.of(System.getProperty("shoji.platform"));
    Path models = platform.resolve("models");
    ModelBundles.write(models);
    Path library =
        SimulatedOpenVino.in(
                platform.resolveSibling("openvino-" + System.getProperty("shoji.stack")), RELEASE)
            .library();
    List<Option> options = new ArrayList<>(Arrays.asList(Stack.withVendors()));
    options.add(systemProperty("shoji.models").value(models.toString()));
    options.add(systemProperty("shoji.openvino").value(library.toString()));
    return options.toArray(new Option[0]);
  }

  @Test
  public void shouldStartAndDescribeTheirSettingsWhereKuraLooksForThem() throws Exception {
    for (String name : List.of(HAILO, OPENVINO, TENSORRT)) {
      assertEquals(name, Bundle.ACTIVE, bundle(name).getState());
      assertEquals(new TreeSet<>(List.of(name)), BundlesIT.described(bundle(name)));
    }
  }

  @Test
  public void shouldServeByOpenVinoAndLeaveNothingWhenTheDriverGoes() throws Exception {
    configure(OPENVINO, "libraryPath", System.getProperty("shoji.openvino"), "devices", "CPU");
    Bundle model =
        context.installBundle(
            Path.of(System.getProperty("shoji.models"), "openvino.jar").toUri().toString());
    model.start();
    try {
      awaitServing("at first");
      Accelerator accelerator = context.getService(accelerator().orElseThrow());
      assertEquals("openvino", accelerator.info().runtime());
      assertEquals(RELEASE, accelerator.info().runtimeVersion());
      assertTrue(accelerator.info().toString(), accelerator.info().simulated());
      Tensor first = infer();

      bundle(OPENVINO).stop();
      Waiting.until("the accelerator goes", () -> accelerator().isEmpty());
      Waiting.until("the library is unmapped", () -> !mapped());

      bundle(OPENVINO).start();
      awaitServing("after the driver came back");
      assertEquals(first.data(), infer().data());
    } finally {
      model.uninstall();
    }
  }

  private Tensor infer() throws Exception {
    Tensor input = Tensor.ofFloats(Shape.of(1, 4), 1, 2, 3, 4);
    InferenceResult result =
        inference.infer(
            ModelRef.latest("openvino"), List.of(input), InferenceService.deadlineIn(10_000));
    assertEquals("CPU", result.provenance().device());
    Tensor output = result.outputs().get(0);
    assertEquals(Shape.of(1, 2), output.shape());
    assertFalse(output.toString(), output.getFloat(0) == output.getFloat(1));
    return output;
  }

  private void awaitServing(String when) throws InterruptedException {
    Waiting.until(
        "openvino serves " + when + ", but: " + status(),
        () -> status().filter(s -> s.state() == ModelStatus.State.SERVING).isPresent());
  }

  private Optional<ModelStatus> status() {
    return inference.model(ModelRef.latest("openvino"));
  }

  private Optional<ServiceReference<Accelerator>> accelerator() {
    try {
      return context.getServiceReferences(Accelerator.class, "(shoji.kind=openvino)").stream()
          .findFirst();
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean mapped() {
    try {
      return Files.readString(Path.of("/proc/self/maps"))
          .contains(System.getProperty("shoji.openvino"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Bundle bundle(String name) {
    return Arrays.stream(context.getBundles())
        .filter(bundle -> bundle.getSymbolicName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** ConfigurationAdmin is another bundle's class here: asked by name. */
  private void configure(String pid, String... settings) throws Exception {
    ServiceReference<?> reference =
        context.getServiceReference("org.osgi.service.cm.ConfigurationAdmin");
    Object admin = context.getService(reference);
    Method get = admin.getClass().getMethod("getConfiguration", String.class, String.class);
    get.setAccessible(true);
    Object configuration = get.invoke(admin, pid, "?");
    Hashtable<String, Object> all = new Hashtable<>();
    for (int i = 0; i < settings.length; i += 2) {
      all.put(settings[i], settings[i + 1]);
    }
    Method update = configuration.getClass().getMethod("update", Dictionary.class);
    update.setAccessible(true);
    update.invoke(configuration, all);
    context.ungetService(reference);
  }
}
