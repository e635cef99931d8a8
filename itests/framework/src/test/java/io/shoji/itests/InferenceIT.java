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
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Pipeline;
import io.shoji.inference.PipelineService;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Sample;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelPackage;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.VersionPolicy;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import javax.inject.Inject;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;

/**
 * The main road on the real ONNX Runtime: the sample models answer, and bad requests are told what
 * is wrong.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class InferenceIT {
  @Inject private InferenceService inference;
  @Inject private PipelineService pipelines;
  @Inject private ModelCatalog catalog;
  @Inject private Operations operations;

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

  private ModelPackage modelPackage(String name) {
    return catalog.packages().stream()
        .filter(candidate -> candidate.description().name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static long soon() {
    return InferenceService.deadlineIn(10_000);
  }

  @Test
  public void shouldReachTheAcceptanceOfThePackageOnItsGoldenSamples() throws Exception {
    assertAccurate("digits", "image");
    assertAccurate("bearing", "window");
  }

  private void assertAccurate(String model, String input) throws Exception {
    ModelPackage modelPackage = modelPackage(model);
    try (ModelPackage.Lease<Path> golden = modelPackage.acquireGolden()) {
      GoldenSamples samples = new GoldenSamples(golden.get());
      int right = 0;
      for (int i = 0; i < samples.count(); i++) {
        InferenceResult result =
            inference.infer(ModelRef.latest(model), List.of(samples.input(input, i)), soon());
        assertEquals("cpu", result.provenance().accelerator());
        right += best(result.outputs().get(0)) == samples.label(i) ? 1 : 0;
      }
      double accuracy = (double) right / samples.count();
      double minimum = modelPackage.description().acceptance().orElseThrow().minimum();
      assertTrue(model + " right=" + right + " of=" + samples.count(), accuracy >= minimum);
    }
  }

  private static int best(Tensor scores) {
    int best = 0;
    for (int i = 1; i < scores.elementCount(); i++) {
      if (scores.getFloat(i) > scores.getFloat(best)) {
        best = i;
      }
    }
    return best;
  }

  @Test
  public void shouldGiveTheSameAnswersOnEveryWay() throws Exception {
    try (ModelPackage.Lease<Path> golden = modelPackage("digits").acquireGolden();
        PreparedInference prepared = inference.prepare(ModelRef.latest("digits"), 1, soon())) {
      GoldenSamples samples = new GoldenSamples(golden.get());
      for (int i = 0; i < 20; i++) {
        Tensor image = samples.input("image", i);
        Tensor direct =
            inference.infer(ModelRef.latest("digits"), List.of(image), soon()).outputs().get(0);
        Tensor later =
            inference
                .inferAsync(ModelRef.latest("digits"), List.of(image), soon())
                .get(10, TimeUnit.SECONDS)
                .outputs()
                .get(0);
        prepared.inputs().get(0).copyFrom(image);
        prepared.run(soon());
        assertEquals(direct.data(), later.data());
        assertEquals(direct.data(), prepared.outputs().get(0).data());
      }
    }
  }

  @Test
  public void shouldRunBatchesOfAnySize() throws Exception {
    for (int batch : new int[] {1, 2, 7, 64}) {
      Tensor images = Tensor.allocate(ElementType.FLOAT32, Shape.of(batch, 1, 8, 8));
      InferenceResult result = inference.infer(ModelRef.latest("digits"), List.of(images), soon());
      assertEquals(Shape.of(batch, 10), result.outputs().get(0).shape());
    }
  }

  @Test
  public void shouldPassASignalThroughItsPipeline() throws Exception {
    try (Pipeline pipeline = pipelines.open(ModelRef.latest("bearing"), soon())) {
      float[] values = new float[2048 + 3 * 1024];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(i * 0.05) + 0.1f * (i % 7);
      }
      var predictions = pipeline.process(Sample.Signal.of(values), soon());
      assertEquals(4, predictions.size());
      for (var prediction : predictions) {
        double sum = prediction.ranking().stream().mapToDouble(ranked -> ranked.score()).sum();
        assertTrue("probabilities sum=" + sum, sum > 0.5 && sum < 1.0001);
      }
    }
  }

  @Test
  public void shouldSayWhatIsWrongWithARequest() {
    assertRefused(
        Code.INVALID_INPUT, "asked=", Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 64)));
    assertRefused(
        Code.INVALID_INPUT, "image", Tensor.allocate(ElementType.UINT8, Shape.of(1, 1, 8, 8)));
    assertRefused(
        Code.INVALID_INPUT,
        "[1, 1, 8, 9]",
        Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 1, 8, 9)));
    assertRefused(Code.INVALID_INPUT, "");
    Tensor image = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 1, 8, 8));
    assertRefused(Code.INVALID_INPUT, "", image, image);
    InferenceException late =
        assertThrows(
            InferenceException.class,
            () ->
                inference.infer(ModelRef.latest("digits"), List.of(image), System.nanoTime() - 1));
    assertEquals(Code.DEADLINE_EXCEEDED, late.code());
    InferenceException unknown =
        assertThrows(
            InferenceException.class,
            () -> inference.infer(ModelRef.latest("digit"), List.of(image), soon()));
    assertEquals(Code.UNKNOWN_MODEL, unknown.code());
    assertTrue(unknown.getMessage(), unknown.getMessage().contains("digits"));
    InferenceException version =
        assertThrows(
            InferenceException.class,
            () -> inference.infer(ModelRef.of("digits", "[2,3)"), List.of(image), soon()));
    assertEquals(Code.UNKNOWN_MODEL, version.code());
    assertThrows(
        IllegalArgumentException.class,
        () -> Tensor.wrap(ElementType.FLOAT32, Shape.of(1, 1, 8, 8), ByteBuffer.allocate(256)));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            Tensor.wrap(ElementType.FLOAT32, Shape.of(1, 1, 8, 8), ByteBuffer.allocateDirect(256)));
  }

  private void assertRefused(Code code, String part, Tensor... inputs) {
    InferenceException refused =
        assertThrows(
            InferenceException.class,
            () -> inference.infer(ModelRef.latest("digits"), List.of(inputs), soon()));
    assertEquals(refused.getMessage(), code, refused.code());
    assertTrue(refused.getMessage(), refused.getMessage().contains(part));
  }

  @Test
  public void shouldTakeNanAndInfinitiesAsData() throws Exception {
    Tensor image = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 1, 8, 8));
    for (int i = 0; i < image.elementCount(); i++) {
      image.setFloat(i, i % 2 == 0 ? Float.NaN : Float.POSITIVE_INFINITY);
    }
    InferenceResult result = inference.infer(ModelRef.latest("digits"), List.of(image), soon());
    assertTrue(Float.isNaN(result.outputs().get(0).getFloat(0)));
  }

  @Test
  public void shouldCountEveryRequest() throws Exception {
    var before = inference.model(ModelRef.latest("digits")).orElseThrow().metrics();
    Tensor image = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 1, 8, 8));
    for (int i = 0; i < 25; i++) {
      inference.infer(ModelRef.latest("digits"), List.of(image), soon());
    }
    assertRefused(Code.INVALID_INPUT, "", Tensor.allocate(ElementType.INT8, Shape.of(1)));
    var after = inference.model(ModelRef.latest("digits")).orElseThrow().metrics();
    assertEquals(26, after.requests() - before.requests());
    assertEquals(25, after.answered() - before.answered());
    assertEquals(25, after.latency().count() - before.latency().count());
    assertTrue(
        after.latency().p50Nanos() > 0 && after.latency().p50Nanos() <= after.latency().p99Nanos());
    assertFalse(after.latency().histogram().isEmpty());
  }
}
