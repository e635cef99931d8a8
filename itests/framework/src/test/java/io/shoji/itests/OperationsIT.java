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
import static org.junit.Assert.assertTrue;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelCatalog;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.BenchResult;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.Progress;
import io.shoji.operations.Verification;
import io.shoji.operations.VersionPolicy;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Version;

/** What an operator does, on the sample models and the real ONNX Runtime. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class OperationsIT {
  private static final Version NEXT = new Version("7.0.0");

  @Inject private BundleContext context;
  @Inject private InferenceService inference;
  @Inject private Operations operations;
  @Inject private ModelCatalog catalog;

  @Configuration
  public Option[] configuration() {
    return Stack.options();
  }

  @Before
  public void awaitModels() throws Exception {
    // On TensorFlow Lite the models run in bytes; here their answers are those of the training.
    ModelPolicy onnxRuntime =
        new ModelPolicy(VersionPolicy.latest(), List.of("cpu:cpu0"), true, OptionalLong.empty());
    operations.configure(
        new OperationsPolicy(Map.of(OperationsPolicy.OTHERS, onnxRuntime), Map.of()));
    Waiting.until("both models serve", () -> serves("digits") && serves("bearing"));
  }

  private boolean serves(String model) {
    return inference
        .model(ModelRef.latest(model))
        .flatMap(ModelStatus::serving)
        .filter(generation -> generation.device().equals("cpu0"))
        .isPresent();
  }

  private ModelOverview digits() {
    return operations.models().stream()
        .filter(m -> m.name().equals("digits"))
        .findFirst()
        .orElseThrow();
  }

  private void awaitAnswering(Version version) throws InterruptedException {
    Waiting.until(
        "answered by " + version, () -> digits().answering().equals(Optional.of(version)));
  }

  @Test
  public void shouldVerifyAndMeasureTheSampleModels() throws Exception {
    for (String model : List.of("digits", "bearing")) {
      Verification found = operations.verify(model, Progress.NONE);
      assertTrue(model + ": " + found.problems(), found.passed());
      assertTrue(model, found.samples() >= 100);
      assertTrue(model, found.value().orElse(0) >= found.minimum().orElse(1));
      assertTrue(model, found.maxDifference().orElse(1) < 1e-3);
    }

    BenchResult result = operations.bench("digits", new BenchOptions(200, 2, 10), Progress.NONE);

    assertEquals(200, result.latency().count());
    assertTrue(result.throughputPerSecond() > 0);
    assertEquals("digits", result.generation().model());
  }

  @Test
  public void shouldFailNoRequestWhenUpdatedInPlaceRolledBackAndRefused() throws Exception {
    Bundle bundle =
        Stream.of(context.getBundles())
            .filter(b -> b.getSymbolicName().equals("io.shoji.model.digits"))
            .findFirst()
            .orElseThrow();
    Version first = digits().answering().orElseThrow();
    byte[] original = jar(bundle, UnaryOperator.identity());
    byte[] next = jar(bundle, text -> text.replace('"' + first.toString() + '"', "\"7.0.0\""));
    byte[] broken = jar(bundle, text -> text.replace("\"sha256\"", "\"sha1\""));
    ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    AtomicLong answers = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    Thread caller = new Thread(() -> ask(stop, answers, failures), "caller");
    caller.start();
    try {
      bundle.update(new ByteArrayInputStream(next));
      awaitAnswering(NEXT);
      Waiting.until("the version before is kept", () -> digits().versions().size() == 2);
      assertEquals(ModelOverview.State.RETAINED, digits().versions().get(1).state());
      assertTrue(digits().versions().get(1).origin().endsWith(" retained"));

      assertEquals(first, operations.rollback("digits"));
      awaitAnswering(first);
      assertTrue(operations.verify("digits", Progress.NONE).passed());
      operations.reload("digits", Progress.NONE);
      assertTrue(operations.collectGarbage().packages().isEmpty());

      operations.unpin("digits");
      awaitAnswering(NEXT);
      bundle.update(new ByteArrayInputStream(broken));
      Waiting.until("refused", () -> catalog.refusals().size() == 1);
      assertTrue(catalog.refusals().get(0).reasons().size() > 1);
      try {
        Waiting.until(
            "the last good contents are served",
            () ->
                digits().answering().equals(Optional.of(NEXT))
                    && digits().versions().stream()
                        .anyMatch(v -> v.state() == ModelOverview.State.REFUSED));
      } catch (AssertionError e) {
        throw new AssertionError(
            e.getMessage() + " found=" + digits() + " events=" + operations.events(0), e);
      }

      bundle.update(new ByteArrayInputStream(original));
      awaitAnswering(first);
      Waiting.until("the version after is kept", () -> digits().versions().size() == 2);
    } finally {
      stop.set(true);
      caller.join(20_000);
    }
    assertTrue(failures.toString(), failures.isEmpty());
    assertTrue(answers.get() > 100);
    List<EngineEvent.Type> types = operations.events(0).stream().map(EngineEvent::type).toList();
    assertTrue(types.toString(), types.contains(EngineEvent.Type.MODEL_SWAPPED));
    assertTrue(types.toString(), types.contains(EngineEvent.Type.MODEL_ROLLED_BACK));
    assertTrue(types.toString(), types.contains(EngineEvent.Type.MODEL_REFUSED));
    Waiting.until(
        "given up", () -> catalog.packages().stream().noneMatch(p -> p.retained()) || collected());
  }

  private boolean collected() {
    try {
      return !operations.collectGarbage().packages().isEmpty();
    } catch (io.shoji.operations.OperationException e) {
      throw new AssertionError(e);
    }
  }

  private void ask(AtomicBoolean stop, AtomicLong answers, ConcurrentLinkedQueue<String> failures) {
    Tensor input = Tensor.ofFloats(Shape.of(1, 1, 8, 8), new float[64]);
    while (!stop.get()) {
      try {
        var unused =
            inference.infer(
                ModelRef.latest("digits"), List.of(input), InferenceService.deadlineIn(30_000));
        answers.incrementAndGet();
      } catch (InferenceException | RuntimeException e) {
        failures.add(e.toString());
      }
    }
  }

  /** The bundle's contents, with changes to texts: its manifest's capability and its model.json. */
  private static byte[] jar(Bundle bundle, UnaryOperator<String> change) throws IOException {
    Manifest manifest = new Manifest();
    Collections.list(bundle.getHeaders().keys())
        .forEach(
            key ->
                manifest
                    .getMainAttributes()
                    .putValue(
                        key,
                        key.equals("Provide-Capability")
                            ? change.apply(bundle.getHeaders().get(key))
                            : bundle.getHeaders().get(key)));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      for (URL entry : Collections.list(bundle.findEntries("SHOJI-INF", "*", true))) {
        if (entry.getPath().endsWith("/")) {
          continue;
        }
        jar.putNextEntry(new JarEntry(entry.getPath().substring(1)));
        try (InputStream in = entry.openStream()) {
          byte[] content = in.readAllBytes();
          jar.write(
              entry.getPath().endsWith("model.json")
                  ? change
                      .apply(new String(content, StandardCharsets.UTF_8))
                      .getBytes(StandardCharsets.UTF_8)
                  : content);
        }
        jar.closeEntry();
      }
    }
    return bytes.toByteArray();
  }
}
