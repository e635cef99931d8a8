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
import io.shoji.accelerator.VendorLibraries;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
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
import org.osgi.framework.BundleException;
import org.osgi.framework.ServiceReference;

/** The driver of TensorFlow Lite models on the real library, beside the one of ONNX models. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class TfliteIT {
  private static final String DRIVER = "io.shoji.driver.edgetpu";
  private static final String DEVICE = "tflite0";
  private static final String LIBRARY = "libtensorflowlite_c.so";

  @Inject private BundleContext context;
  @Inject private InferenceService inference;
  @Inject private VendorLibraries libraries;

  @Configuration
  public Option[] configuration() {
    Path folder = Path.of(System.getProperty("shoji.platform")).resolve("models");
    ModelBundles.write(folder);
    List<Option> options = new ArrayList<>(Arrays.asList(Stack.options()));
    options.add(systemProperty("shoji.models").value(folder.toString()));
    return options.toArray(new Option[0]);
  }

  @Test
  public void shouldServeATensorFlowLiteModelAndLeaveNothingWhenTheDriverGoes() throws Exception {
    Bundle model = install("lite");
    try {
      awaitServing("at first");
      Accelerator accelerator = context.getService(accelerator().orElseThrow());
      assertEquals("tensorflowlite", accelerator.info().runtime());
      assertEquals("2.21.0", accelerator.info().runtimeVersion());
      Tensor first = infer();

      Bundle driver = bundle(DRIVER);
      driver.stop();
      Waiting.until("the accelerator goes", () -> accelerator().isEmpty());
      Waiting.until("the library is unmapped", () -> !mapped());
      assertFalse(
          libraries.mapped().toString(),
          libraries.mapped().stream().anyMatch(library -> !library.open()));

      driver.start();
      awaitServing("after the driver came back");
      assertEquals(first.data(), infer().data());
    } finally {
      model.uninstall();
    }
  }

  @Test
  public void shouldSayWhyAFileThatIsCutOffIsNotServed() throws Exception {
    Bundle model = install("lite-truncated");
    try {
      Waiting.until(
          "the engine says why",
          () ->
              status("lite-truncated")
                  .map(status -> status.toString())
                  .filter(text -> text.contains("INVALID_MODEL") && text.contains("cut off"))
                  .isPresent());
    } finally {
      model.uninstall();
    }
  }

  private Tensor infer() throws Exception {
    Tensor input = Tensor.ofFloats(Shape.of(1, 4), 1, 2, 3, 4);
    InferenceResult result =
        inference.infer(
            ModelRef.latest("lite"), List.of(input), InferenceService.deadlineIn(10_000));
    assertEquals(DEVICE, result.provenance().device());
    assertEquals(Shape.of(1, 2), result.outputs().get(0).shape());
    return result.outputs().get(0);
  }

  private void awaitServing(String when) throws InterruptedException {
    Waiting.until(
        "lite serves " + when + ", but: " + status("lite"),
        () -> status("lite").filter(s -> s.state() == ModelStatus.State.SERVING).isPresent());
  }

  private Optional<ModelStatus> status(String model) {
    return inference.model(ModelRef.latest(model));
  }

  private Optional<ServiceReference<Accelerator>> accelerator() {
    try {
      Collection<ServiceReference<Accelerator>> found =
          context.getServiceReferences(Accelerator.class, "(shoji.device=" + DEVICE + ")");
      assertTrue(found.toString(), found.size() <= 1);
      return found.stream().findFirst();
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean mapped() {
    try {
      return Files.readString(Path.of("/proc/self/maps")).contains(LIBRARY);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private Bundle bundle(String name) {
    return Arrays.stream(context.getBundles())
        .filter(bundle -> bundle.getSymbolicName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private Bundle install(String name) throws BundleException {
    Bundle bundle =
        context.installBundle(
            Path.of(System.getProperty("shoji.models"), name + ".jar").toUri().toString());
    bundle.start();
    return bundle;
  }
}
