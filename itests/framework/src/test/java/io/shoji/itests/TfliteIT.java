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
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
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
import org.osgi.service.cm.ConfigurationAdmin;

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
  @Inject private ConfigurationAdmin configurations;

  @Configuration
  public Option[] configuration() {
    Path folder = Path.of(System.getProperty("shoji.platform")).resolve("models");
    ModelBundles.write(folder);
    List<Option> options = new ArrayList<>(Arrays.asList(Stack.options()));
    options.add(systemProperty("shoji.models").value(folder.toString()));
    options.add(
        systemProperty("shoji.coral")
            .value(
                ModelBundles.withEdgeTpu(
                        folder, folder.resolveSibling("coral-" + System.getProperty("shoji.stack")))
                    .toString()));
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

  /** A USB Coral that resets: nobody who asks meanwhile goes without an answer. */
  @Test
  public void shouldAnswerOnTheProcessorWhileTheEdgeTpuIsGoneAndReturnToIt() throws Exception {
    String coral = System.getProperty("shoji.coral");
    org.osgi.service.cm.Configuration settings = configurations.getConfiguration(DRIVER, "?");
    settings.update(
        new Hashtable<>(
            Map.of(
                "edgeTpuLibraryPath",
                coral,
                "edgeTpuTensorFlow",
                "2.16.1",
                "edgeTpuLockFolder",
                Path.of(coral).getParent().toString(),
                "edgeTpuPollMs",
                100)));
    Bundle model = install("coral");
    AtomicBoolean ended = new AtomicBoolean();
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> callers = new ArrayList<>();
    try {
      Waiting.until("the Edge TPU serves", () -> "usb0".equals(answeredBy()));
      for (int i = 0; i < 2; i++) {
        Thread caller =
            new Thread(
                () -> {
                  while (!ended.get() && failures.isEmpty()) {
                    try {
                      ask();
                    } catch (Exception | AssertionError e) {
                      failures.add(e);
                    }
                  }
                });
        caller.start();
        callers.add(caller);
      }
      tape(coral, "no device");
      Waiting.until("the processor serves", () -> DEVICE.equals(answeredBy()));
      tape(coral, "# it is there again");
      Waiting.until("the Edge TPU serves again", () -> "usb0".equals(answeredBy()));
      ended.set(true);
      for (Thread caller : callers) {
        caller.join();
      }
      assertTrue(failures.toString(), failures.isEmpty());
    } finally {
      ended.set(true);
      model.uninstall();
      settings.delete();
    }
  }

  /** The device that answered; empty if none did. */
  private String answeredBy() {
    try {
      return ask();
    } catch (InferenceException e) {
      return "";
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private String ask() throws Exception {
    InferenceResult result =
        inference.infer(
            ModelRef.latest("coral"),
            List.of(Tensor.ofFloats(Shape.of(1, 32), new float[32])),
            InferenceService.deadlineIn(30_000));
    assertEquals(Shape.of(1, 10), result.outputs().get(0).shape());
    return result.provenance().device();
  }

  private static void tape(String library, String line) throws IOException {
    Path fresh = Path.of(library + ".tape.new");
    Files.writeString(fresh, line + "\n");
    Files.move(fresh, Path.of(library + ".tape"), StandardCopyOption.ATOMIC_MOVE);
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
