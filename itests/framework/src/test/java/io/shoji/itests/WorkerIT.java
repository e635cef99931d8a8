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
import org.osgi.framework.ServiceReference;

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
    return Stack.options();
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

  private Bundle driver() {
    return Stream.of(context.getBundles())
        .filter(bundle -> bundle.getSymbolicName().equals("io.shoji.driver.cpu"))
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
    try {
      return context.getServiceReferences(Accelerator.class, "(shoji.device=cpu0)").stream()
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
