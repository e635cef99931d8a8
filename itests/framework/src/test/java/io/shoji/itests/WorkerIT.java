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

import io.shoji.accelerator.Accelerator;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelPackage;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.VersionPolicy;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
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
import org.osgi.framework.BundleEvent;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;

/** A driver that moves to a process of its own and back, on this framework. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class WorkerIT {
  private static final String LIBRARY = "libonnxruntime.so";

  @Inject private BundleContext context;
  @Inject private InferenceService inference;
  @Inject private ModelCatalog catalog;
  @Inject private Operations operations;

  @Configuration
  public Option[] configuration() {
    return Stack.withWorkers();
  }

  @Test
  public void shouldAnswerTheSameWhenTheDriverMovesToAProcessOfItsOwnAndBack() throws Exception {
    // On TensorFlow Lite the model would stay while ONNX Runtime moves.
    ModelPolicy onnxRuntime =
        new ModelPolicy(VersionPolicy.latest(), List.of("cpu:cpu0"), true, OptionalLong.empty());
    operations.configure(
        new OperationsPolicy(Map.of(OperationsPolicy.OTHERS, onnxRuntime), Map.of()));
    Waiting.until("served in the gateway", () -> serves() && hostedBy("io.shoji.driver.cpu"));
    Tensor inside = infer();
    try {
      host("cpu=worker");
      Waiting.until("served by a worker", () -> serves() && hostedBy("io.shoji.worker"));
      assertEquals(inside.data(), infer().data());
      assertEquals(Bundle.ACTIVE, driver().getState());
      Waiting.until("the library leaves the gateway", () -> !mapped(ProcessHandle.current().pid()));
      List<ProcessHandle> workers = ProcessHandle.current().children().toList();
      assertTrue(workers.stream().anyMatch(worker -> mapped(worker.pid())));
    } finally {
      host("cpu=in-process");
    }
    Waiting.until("served in the gateway again", () -> serves() && hostedBy("io.shoji.driver.cpu"));
    assertEquals(inside.data(), infer().data());
    Waiting.until(
        "the worker ends",
        () -> ProcessHandle.current().children().noneMatch(worker -> mapped(worker.pid())));
    assertFalse(hostedBy("io.shoji.worker"));
  }

  @Test
  public void shouldRunADriverInAWorkerWhenItStartedBeforeWorkersDid() throws Exception {
    Bundle driver = bundle("io.shoji.driver.edgetpu");
    assertTrue(driver.getBundleId() < bundle("io.shoji.worker").getBundleId());
    Waiting.until("runs in a worker", () -> hostedBy("io.shoji.worker", "tflite0"));
    assertEquals(Bundle.ACTIVE, driver.getState());
    assertFalse(hostedBy("io.shoji.driver.edgetpu", "tflite0"));
  }

  @Test
  public void shouldMoveTheDriverWhenWorkersStartAfterItAndItsStartLevelIsNotMetOnTheWay()
      throws Exception {
    Waiting.until("starts in the gateway", () -> hostedBy("io.shoji.driver.cpu"));
    BundleStartLevel level = driver().adapt(BundleStartLevel.class);
    int before = level.getStartLevel();
    AtomicBoolean raised = new AtomicBoolean();
    SynchronousBundleListener raise =
        event -> {
          if (event.getType() == BundleEvent.STOPPED
              && event.getBundle().equals(driver())
              && raised.compareAndSet(false, true)) {
            // As if the framework's level went down at this moment.
            level.setStartLevel(
                context.getBundle(0).adapt(FrameworkStartLevel.class).getStartLevel() + 1);
          }
        };
    bundle("io.shoji.worker").stop(Bundle.STOP_TRANSIENT);
    try {
      host("cpu=worker");
      context.addBundleListener(raise);
      bundle("io.shoji.worker").start();
      Waiting.until("is stopped and not met", raised::get);
      Waiting.until("it was tried to start it", WorkerIT::hostingIsIdle);
      assertEquals(Bundle.RESOLVED, driver().getState());
      assertFalse(hostedBy("io.shoji.worker"));

      level.setStartLevel(before);

      Waiting.until("served by a worker", () -> serves() && hostedBy("io.shoji.worker"));
      assertEquals(Bundle.ACTIVE, driver().getState());
      assertFalse(hostedBy("io.shoji.driver.cpu"));
    } finally {
      context.removeBundleListener(raise);
      level.setStartLevel(before);
      host("cpu=in-process");
    }
    Waiting.until("served in the gateway again", () -> serves() && hostedBy("io.shoji.driver.cpu"));
  }

  /** Whether the thread that moves drivers has nothing to do. */
  private static boolean hostingIsIdle() {
    return Thread.getAllStackTraces().entrySet().stream()
        .filter(entry -> entry.getKey().getName().equals("shoji-worker-hosting"))
        .allMatch(
            entry ->
                Stream.of(entry.getValue()).anyMatch(f -> f.getMethodName().equals("getTask")));
  }

  private Bundle driver() {
    return bundle("io.shoji.driver.cpu");
  }

  private Bundle bundle(String symbolicName) {
    return Stream.of(context.getBundles())
        .filter(bundle -> bundle.getSymbolicName().equals(symbolicName))
        .findFirst()
        .orElseThrow();
  }

  /** ConfigurationAdmin is another bundle's class here: asked by name. */
  private void host(String... rules) throws Exception {
    ServiceReference<?> reference =
        context.getServiceReference("org.osgi.service.cm.ConfigurationAdmin");
    Object admin = context.getService(reference);
    Method get = admin.getClass().getMethod("getConfiguration", String.class, String.class);
    get.setAccessible(true);
    Object configuration = get.invoke(admin, "io.shoji.worker", "?");
    Hashtable<String, Object> settings = new Hashtable<>();
    settings.put("hosting", rules);
    Method update = configuration.getClass().getMethod("update", Dictionary.class);
    update.setAccessible(true);
    update.invoke(configuration, settings);
    context.ungetService(reference);
  }

  private boolean hostedBy(String bundle) {
    return hostedBy(bundle, "cpu0");
  }

  private boolean hostedBy(String bundle, String device) {
    try {
      return context
          .getServiceReferences(Accelerator.class, "(shoji.device=" + device + ")")
          .stream()
          .anyMatch(reference -> reference.getBundle().getSymbolicName().equals(bundle));
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private boolean serves() {
    return inference
        .model(ModelRef.latest("bearing"))
        .flatMap(ModelStatus::serving)
        .filter(generation -> generation.device().equals("cpu0"))
        .isPresent();
  }

  private Tensor infer() throws Exception {
    ModelPackage modelPackage =
        catalog.packages().stream()
            .filter(each -> each.description().name().equals("bearing"))
            .findFirst()
            .orElseThrow();
    try (ModelPackage.Lease<Path> golden = modelPackage.acquireGolden()) {
      InferenceResult result =
          inference.infer(
              ModelRef.latest("bearing"),
              List.of(new GoldenSamples(golden.get()).input("window", 0)),
              InferenceService.deadlineIn(10_000));
      return result.outputs().get(0);
    }
  }

  private static boolean mapped(long pid) {
    try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "maps"))) {
      return lines.anyMatch(line -> line.contains(LIBRARY));
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }
}
