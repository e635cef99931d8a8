/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import static io.shoji.pipeline.TestModels.f32;
import static io.shoji.pipeline.TestModels.image;
import static io.shoji.pipeline.TestModels.model;
import static io.shoji.pipeline.TestModels.signal;
import static io.shoji.pipeline.TestModels.step;
import static io.shoji.pipeline.TestModels.tensors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Pipeline;
import io.shoji.inference.Prediction;
import io.shoji.inference.Sample;
import io.shoji.model.ModelDescription;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ModelPipelineTest {
  private static final ModelRef REF = ModelRef.latest("m");

  private final FakeEngine engine = new FakeEngine();
  private final ModelPipelines service = new ModelPipelines(engine);

  private static long soon() {
    return InferenceService.deadlineIn(10_000);
  }

  private static float[] ramp(int from, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = from + i;
    }
    return values;
  }

  private static ModelDescription windows(String version, int size, int hop, Step... post) {
    return model(
        version,
        List.of(f32("x", -1, 1, size)),
        List.of(f32("y", -1, 2)),
        List.of(),
        signal(
            List.of("a"),
            List.of(step("window", "size", size, "hop", hop), step("to-tensor", "layout", "NCW")),
            post));
  }

  /** Answers with the first and the last value of the window. */
  private static void ends(List<Tensor> inputs, List<Tensor> outputs) {
    Tensor in = inputs.get(0);
    outputs.get(0).setFloat(0, in.getFloat(0));
    outputs.get(0).setFloat(1, in.getFloat(in.elementCount() - 1));
  }

  private static List<Float> ends(Prediction prediction) {
    Tensor out = prediction.outputs().get(0);
    return List.of(out.getFloat(0), out.getFloat(1));
  }

  @Test
  void shouldAnswerAsTheDigitsPackageDeclaresWhenAPictureComes() throws Exception {
    engine.serve(
        model(
            "1.0.0",
            List.of(f32("x", -1, 1, 8, 8)),
            List.of(f32("y", -1, 10)),
            List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "nine"),
            image(
                List.of(
                    step("decode-image", "color", "gray"),
                    step("resize", "width", 8, "height", 8, "method", "bilinear"),
                    step(
                        "normalize",
                        "scale",
                        0.00392156862745098,
                        "mean",
                        List.of(0.3),
                        "std",
                        List.of(0.38)),
                    step("to-tensor", "layout", "NCHW")),
                step("softmax"),
                step("top-k", "k", 3))),
        (in, out) -> {
          out.get(0).setFloat(9, 3);
          out.get(0).setFloat(4, 2);
          out.get(0).setFloat(1, 1);
        });
    byte[] pixels = new byte[64];
    pixels[0] = (byte) 255;
    try (Pipeline pipeline = service.open(REF, soon())) {
      List<Prediction> predictions =
          pipeline.process(
              new Sample.RawImage(8, 8, Sample.PixelOrder.GRAY, ByteBuffer.wrap(pixels)), soon());
      assertThat(predictions).hasSize(1);
      Prediction prediction = predictions.get(0);
      assertThat(prediction.ranking())
          .extracting(Prediction.Ranked::index)
          .containsExactly(9, 4, 1);
      assertThat(prediction.best().orElseThrow().label()).isEqualTo("nine");
      double sum = Math.exp(3) + Math.exp(2) + Math.exp(1) + 7;
      assertThat(prediction.best().orElseThrow().score())
          .isCloseTo((float) (Math.exp(3) / sum), within(1e-6f));
      assertThat(prediction.provenance().modelVersion()).isEqualTo("1.0.0");
      assertThat(prediction.outputs().get(0).getFloat(9)).isEqualTo(3);
      assertThat(prediction.boxes()).isEmpty();
      assertThat(prediction.anomaly()).isEmpty();
      assertThat(prediction.alarm()).isEmpty();
    }
    assertThat(engine.seen.get(0).get(0)).isCloseTo((1f - 0.3f) / 0.38f, within(1e-6f));
    assertThat(engine.seen.get(0).get(1)).isCloseTo(-0.3f / 0.38f, within(1e-6f));
    assertThat(engine.closed).isEqualTo(engine.prepared);
  }

  @Test
  void shouldSeeEveryWindowInOrderWhenPiecesHaveAnyLength() throws Exception {
    Random random = new Random(21);
    for (int round = 0; round < 60; round++) {
      int size = 2 + random.nextInt(20);
      int hop = 1 + random.nextInt(30);
      int channels = 1 + random.nextInt(3);
      boolean last = random.nextBoolean();
      engine.seen.clear();
      List<String> names = List.of("a", "b", "c").subList(0, channels);
      engine.serve(
          model(
              List.of(last ? f32("x", 1, size, channels) : f32("x", 1, channels, size)),
              List.of(f32("y", 1, 2)),
              signal(
                  names,
                  List.of(
                      step("window", "size", size, "hop", hop),
                      step("to-tensor", "layout", last ? "NWC" : "NCW")))),
          (in, out) -> {});
      int total = 300;
      try (Pipeline pipeline = service.open(REF, soon())) {
        int at = 0;
        while (at < total) {
          int count = Math.min(total - at, random.nextInt(60));
          List<FloatBuffer> piece = new ArrayList<>();
          for (int c = 0; c < channels; c++) {
            FloatBuffer buffer = FloatBuffer.allocate(count + 5);
            buffer.position(3);
            buffer.put(ramp(1000 * c + at, count));
            buffer.flip().position(3);
            piece.add(random.nextBoolean() ? buffer : buffer.asReadOnlyBuffer());
          }
          pipeline.process(new Sample.Signal(piece), soon());
          assertThat(piece).allMatch(b -> b.position() == 3 && b.remaining() == count);
          at += count;
        }
      }
      List<List<Float>> expected = new ArrayList<>();
      for (int start = 0; start + size <= total; start += hop) {
        Float[] window = new Float[size * channels];
        for (int c = 0; c < channels; c++) {
          for (int i = 0; i < size; i++) {
            window[last ? i * channels + c : c * size + i] = 1000f * c + start + i;
          }
        }
        expected.add(List.of(window));
      }
      assertThat(engine.seen).isEqualTo(expected);
    }
  }

  @Test
  void shouldKeepEachPredictionsOutputsWhenAPieceHoldsManyWindows() throws Exception {
    engine.serve(windows("1.0.0", 4, 2), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      for (int round = 0; round < 3; round++) {
        pipeline.reset();
        List<Prediction> predictions = pipeline.process(Sample.Signal.of(ramp(0, 64)), soon());
        assertThat(predictions).hasSize(31);
        for (int i = 0; i < predictions.size(); i++) {
          assertThat(ends(predictions.get(i))).containsExactly(2f * i, 2f * i + 3);
        }
      }
    }
  }

  @Test
  void shouldForgetWindowsWhenReset() throws Exception {
    engine.serve(windows("1.0.0", 4, 2), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      assertThat(pipeline.process(Sample.Signal.of(ramp(0, 3)), soon())).isEmpty();
      pipeline.reset();
      assertThat(pipeline.process(Sample.Signal.of(ramp(10, 3)), soon())).isEmpty();
      assertThat(pipeline.process(Sample.Signal.of(13), soon()))
          .singleElement()
          .satisfies(p -> assertThat(ends(p)).containsExactly(10f, 13f));
    }
  }

  @Test
  void shouldStandWhereItWouldHaveStoodWhenACallFailed() throws Exception {
    engine.serve(windows("1.0.0", 4, 2), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      engine.before.add(() -> {});
      engine.before.add(
          () -> {
            throw new InferenceException(Code.OVERLOADED, "full");
          });
      assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(ramp(0, 17)), soon()))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.OVERLOADED));
      assertThat(pipeline.process(Sample.Signal.of(ramp(17, 1)), soon()))
          .singleElement()
          .satisfies(p -> assertThat(ends(p)).containsExactly(14f, 17f));
    }
  }

  @Test
  void shouldGoOverToTheNewStepsWhenAnotherVersionAnswers() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      assertThat(pipeline.process(Sample.Signal.of(ramp(0, 6)), soon())).hasSize(1);
      ModelDescription second =
          model(
              "1.1.0",
              List.of(f32("x", -1, 1, 4)),
              List.of(f32("y", -1, 2)),
              List.of(),
              signal(
                  List.of("a"),
                  List.of(
                      step("window", "size", 4, "hop", 4),
                      step("scale", "factor", 100),
                      step("to-tensor", "layout", "NCW"))));
      engine.serve(second, ModelPipelineTest::ends);
      // The window 4..7 fills: the old steps made it, the new version answers, it is thrown away.
      List<Prediction> predictions = pipeline.process(Sample.Signal.of(ramp(6, 4)), soon());
      assertThat(pipeline.model().version()).hasToString("1.1.0");
      assertThat(predictions)
          .singleElement()
          .satisfies(
              p -> {
                assertThat(ends(p)).containsExactly(600f, 900f);
                assertThat(p.provenance().modelVersion()).isEqualTo("1.1.0");
              });
      assertThat(pipeline.process(Sample.Signal.of(ramp(10, 4)), soon())).hasSize(1);
    }
    assertThat(engine.closed).isEqualTo(engine.prepared).isEqualTo(2);
  }

  @Test
  void shouldGiveTheRestToTheNewVersionWhenItComesWithinAPiece() throws Exception {
    engine.serve(windows("1.0.0", 4, 2), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      engine.before.add(() -> {});
      engine.before.add(() -> {});
      engine.before.add(() -> engine.serve(windows("2.0.0", 3, 3), ModelPipelineTest::ends));
      List<Prediction> predictions = pipeline.process(Sample.Signal.of(ramp(0, 14)), soon());
      assertThat(predictions)
          .extracting(p -> p.provenance().modelVersion())
          .containsExactly("1.0.0", "1.0.0", "2.0.0", "2.0.0");
      // The old version answered up to value 5; the new one begins with value 6.
      assertThat(predictions)
          .extracting(ModelPipelineTest::ends)
          .containsExactly(List.of(0f, 3f), List.of(2f, 5f), List.of(6f, 8f), List.of(9f, 11f));
      assertThat(pipeline.process(Sample.Signal.of(14), soon()))
          .singleElement()
          .satisfies(p -> assertThat(ends(p)).containsExactly(12f, 14f));
    }
  }

  @Test
  void shouldGoOverWhenTheSameVersionComesWithOtherContents() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      pipeline.process(Sample.Signal.of(ramp(0, 4)), soon());
      engine.serve(windows("1.0.0", 4, 3), ModelPipelineTest::ends);
      assertThat(pipeline.process(Sample.Signal.of(ramp(4, 7)), soon())).hasSize(2);
    }
  }

  @Test
  void shouldKeepTheOldStepsWhenTheOldModelAnswersForAReplacedPackage() throws Exception {
    ModelDescription old = windows("1.0.0", 4, 4);
    engine.serve(old, ModelPipelineTest::ends);
    ModelDescription replacement =
        model(
            "1.0.0",
            "01",
            old.inputs(),
            old.outputs(),
            List.of(),
            signal(
                List.of("a"),
                List.of(
                    step("window", "size", 4, "hop", 4),
                    step("scale", "factor", 10),
                    step("to-tensor", "layout", "NCW"))));
    try (Pipeline pipeline = service.open(REF, soon())) {
      engine.replaceListed(replacement);
      assertThat(pipeline.process(Sample.Signal.of(ramp(0, 4)), soon()))
          .singleElement()
          .satisfies(p -> assertThat(ends(p)).containsExactly(0f, 3f));
      engine.serve(replacement, ModelPipelineTest::ends);
      assertThat(pipeline.process(Sample.Signal.of(ramp(4, 4)), soon()))
          .singleElement()
          .satisfies(p -> assertThat(ends(p)).containsExactly(40f, 70f));
    }
  }

  @Test
  void shouldGoOnWhenThePackageHasGoneButWhatWasLoadedAnswers() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      engine.forget();
      assertThat(pipeline.process(Sample.Signal.of(ramp(0, 8)), soon())).hasSize(2);
      assertThatThrownBy(() -> service.open(REF, InferenceService.deadlineIn(30)))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_READY))
          .hasMessageContaining("is being exchanged");
    }
    assertThat(engine.closed).isEqualTo(engine.prepared);
  }

  @Test
  void shouldPrepareAgainWhenAnotherVersionTakesOtherShapes() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      engine.before.add(
          () -> {
            throw new InferenceException(Code.INVALID_INPUT, "the content is refused");
          });
      assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(ramp(0, 4)), soon()))
          .hasMessageContaining("the content is refused");
      engine.serve(windows("2.0.0", 3, 3), ModelPipelineTest::ends);
      assertThat(pipeline.process(Sample.Signal.of(ramp(4, 6)), soon()))
          .extracting(ModelPipelineTest::ends)
          .containsExactly(List.of(4f, 6f), List.of(7f, 9f));
    }
  }

  @Test
  void shouldMakeTheSameInputWhenAPictureIsEncodedOrRaw() throws Exception {
    byte[] pixels = new byte[5 * 4 * 3];
    new Random(5).nextBytes(pixels);
    int[] samples = new int[pixels.length];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = pixels[i] & 0xff;
    }
    byte[] png = TestPng.file(5, 4, 8, TestPng.RGB, samples);
    for (String layout : List.of("NCHW", "NHWC", "NC")) {
      Shape shape =
          switch (layout) {
            case "NCHW" -> Shape.of(1, 3, 4, 5);
            case "NHWC" -> Shape.of(1, 4, 5, 3);
            default -> Shape.of(1, 60);
          };
      engine.serve(
          model(
              List.of(TensorSpec.of("x", ElementType.UINT8, shape)),
              List.of(f32("y", 1, 2)),
              image(
                  List.of(
                      step("decode-image", "color", "bgr"), step("to-tensor", "layout", layout)))),
          ModelPipelineTest::ends);
      engine.seen.clear();
      try (Pipeline pipeline = service.open(REF, soon())) {
        ByteBuffer encoded = ByteBuffer.allocateDirect(png.length + 9).position(4).put(png);
        encoded.flip().position(4);
        pipeline.process(new Sample.EncodedImage(encoded.asReadOnlyBuffer()), soon());
        assertThat(encoded.position()).isEqualTo(4);
        pipeline.process(
            new Sample.RawImage(5, 4, Sample.PixelOrder.RGB, ByteBuffer.wrap(pixels)), soon());
        assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(1), soon()))
            .hasMessageContaining("asked=EncodedImage|RawImage found=Signal");
      }
      for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 5; x++) {
          for (int c = 0; c < 3; c++) {
            int at = layout.equals("NCHW") ? (c * 4 + y) * 5 + x : (y * 5 + x) * 3 + c;
            float expected = samples[(y * 5 + x) * 3 + 2 - c];
            assertThat(engine.seen.get(0).get(at)).isEqualTo(expected);
          }
        }
      }
      assertThat(engine.seen.get(1)).isEqualTo(engine.seen.get(0));
    }
  }

  @Test
  void shouldKeepWindowsWhenOnlyTheGenerationChanges() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      pipeline.process(Sample.Signal.of(ramp(0, 6)), soon());
      engine.nextGeneration();
      int listings = engine.listings;
      assertThat(pipeline.process(Sample.Signal.of(ramp(6, 2)), soon()))
          .singleElement()
          .satisfies(p -> assertThat(ends(p)).containsExactly(4f, 7f));
      pipeline.process(Sample.Signal.of(ramp(8, 40)), soon());
      assertThat(engine.listings - listings).isEqualTo(1);
      assertThat(engine.prepared).isEqualTo(1);
    }
  }

  @Test
  void shouldReturnToTheOldVersionWhenTheNewOnesStepsDoNotFit() throws Exception {
    ModelDescription good = windows("1.0.0", 4, 4);
    engine.serve(good, ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      engine.serve(windows("2.0.0", 4, 0), ModelPipelineTest::ends);
      assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(ramp(0, 5)), soon()))
          .isInstanceOf(InferenceException.class)
          .hasMessageContaining("the pipeline does not fit")
          .hasMessageContaining("parameter=hop")
          .hasMessageContaining("m 2.0.0");
      engine.serve(good, ModelPipelineTest::ends);
      assertThat(pipeline.process(Sample.Signal.of(ramp(5, 3)), soon()))
          .singleElement()
          .satisfies(p -> assertThat(ends(p)).containsExactly(4f, 7f));
    }
  }

  @Test
  void shouldGiveUpWhenVersionsChangeWithEachRun() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      for (int i = 0; i < 10; i++) {
        String version = "2." + i + ".0";
        engine.before.add(() -> engine.serve(windows(version, 4, 4), ModelPipelineTest::ends));
      }
      assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(ramp(0, 4)), soon()))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_READY))
          .hasMessageContaining("changes=5");
    }
    assertThat(engine.closed).isEqualTo(engine.prepared);
  }

  @Test
  void shouldRefuseTheAnswerWhenItsPackageHasGone() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      engine.before.add(
          () -> {
            engine.serve(windows("2.0.0", 4, 4), ModelPipelineTest::ends);
            engine.forget();
          });
      assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(ramp(0, 4)), soon()))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_READY))
          .hasMessageContaining("found=m 2.0.0");
    }
  }

  @Test
  void shouldRefuseWhenTheSampleIsNotOfTheSourcesKind() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    Sample picture = new Sample.EncodedImage(ByteBuffer.allocate(4));
    Sample twoChannels =
        new Sample.Signal(List.of(FloatBuffer.allocate(1), FloatBuffer.allocate(1)));
    try (Pipeline pipeline = service.open(REF, soon())) {
      assertThatThrownBy(() -> pipeline.process(picture, soon()))
          .hasMessageContaining("asked=Signal of the channels [a] found=EncodedImage");
      assertThatThrownBy(() -> pipeline.process(twoChannels, soon()))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_INPUT))
          .hasMessageContaining("asked=1 [a] found=2");
      // Nothing of the refused samples was kept.
      assertThat(pipeline.process(Sample.Signal.of(ramp(0, 4)), soon())).hasSize(1);
    }
    engine.serve(
        model(
            List.of(f32("x", 1, 2, 4)),
            List.of(f32("y", 1, 2)),
            signal(
                List.of("a", "b"),
                List.of(step("window", "size", 4, "hop", 4), step("to-tensor", "layout", "NCW")))),
        ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      assertThatThrownBy(
              () ->
                  pipeline.process(
                      new Sample.Signal(List.of(FloatBuffer.allocate(3), FloatBuffer.allocate(2))),
                      soon()))
          .hasMessageContaining("different lengths a=3 b=2");
    }
  }

  @Test
  void shouldRefuseWhenThePackageDeclaresNoPipeline() {
    engine.serve(
        model("1.0.0", List.of(f32("x", 1)), List.of(f32("y", 1)), List.of(), null),
        (in, out) -> {});
    assertThatThrownBy(() -> service.open(REF, soon()))
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_INPUT))
        .hasMessageContaining("the package declares no pipeline")
        .hasMessageContaining("model=m 1.0.0");
  }

  @Test
  void shouldSayUnknownModelWhenNothingIsInstalled() {
    assertThatThrownBy(() -> service.open(REF, soon()))
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.UNKNOWN_MODEL));
  }

  @Test
  void shouldWaitWhenTheModelIsBeingLoaded() throws Exception {
    ModelDescription model = windows("1.0.0", 4, 4);
    engine.install(model);
    engine.onPrepare =
        () -> {
          engine.onPrepare = null;
          engine.serve(model, ModelPipelineTest::ends);
        };
    try (Pipeline pipeline = service.open(REF, soon())) {
      assertThat(pipeline.process(Sample.Signal.of(ramp(0, 4)), soon())).hasSize(1);
    }
  }

  @Test
  void shouldServeTheVersionThatServesWhenANewerOneIsOnlyInstalled() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    engine.install(windows("2.0.0", 8, 8));
    try (Pipeline pipeline = service.open(REF, soon())) {
      assertThat(pipeline.model().version()).hasToString("1.0.0");
      assertThat(pipeline.process(Sample.Signal.of(ramp(0, 4)), soon())).hasSize(1);
    }
  }

  @Test
  void shouldSayShuttingDownWhenTheServiceHasStopped() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      service.stop();
      assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(1), soon()))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.SHUTTING_DOWN));
      assertThatThrownBy(() -> service.open(REF, soon()))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.SHUTTING_DOWN));
    }
  }

  @Test
  void shouldLetGoOnceWhenClosedTwice() throws Exception {
    engine.serve(windows("1.0.0", 4, 4), ModelPipelineTest::ends);
    Pipeline pipeline = service.open(REF, soon());
    pipeline.close();
    pipeline.close();
    assertThat(engine.closed).isEqualTo(1);
    assertThatThrownBy(() -> pipeline.process(Sample.Signal.of(1), soon()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void shouldHandTensorsOnWhenTheSourceIsTensors() throws Exception {
    engine.serve(
        model(
            List.of(f32("x", -1, 2), TensorSpec.of("n", ElementType.INT64, Shape.of(-1))),
            List.of(f32("y", -1, 1)),
            tensors(step("sigmoid"))),
        (in, out) -> out.get(0).setFloat(0, in.get(0).getFloat(1) + in.get(1).getLong(0)));
    try (Pipeline pipeline = service.open(REF, soon())) {
      Tensor x = Tensor.ofFloats(Shape.of(1, 2), 5, 7);
      Tensor n = Tensor.allocate(ElementType.INT64, Shape.of(1));
      n.setLong(0, 3);
      List<Prediction> predictions = pipeline.process(new Sample.Tensors(List.of(x, n)), soon());
      assertThat(predictions.get(0).outputs().get(0).getFloat(0)).isEqualTo(10);
      assertThatThrownBy(() -> pipeline.process(new Sample.Tensors(List.of(x)), soon()))
          .hasMessageContaining("asked=2 found=1");
      assertThatThrownBy(() -> pipeline.process(new Sample.Tensors(List.of(n, x)), soon()))
          .hasMessageContaining("wrong element type");
      Tensor batch = Tensor.allocate(ElementType.FLOAT32, Shape.of(2, 2));
      assertThatThrownBy(() -> pipeline.process(new Sample.Tensors(List.of(batch, n)), soon()))
          .hasMessageContaining("batches of one name=x asked=1 found=2");
    }
  }

  @Test
  void shouldRunWithoutPreparationWhenShapesDependOnTheSample() throws Exception {
    engine.serve(
        model(
            List.of(f32("x", -1, 1, -1, -1)),
            List.of(f32("y", 1, 2)),
            image(
                List.of(
                    step("decode-image", "color", "gray"), step("to-tensor", "layout", "NCHW")))),
        ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      for (int width : new int[] {2, 5, 2}) {
        byte[] pixels = new byte[width * 3];
        pixels[0] = 1;
        pixels[pixels.length - 1] = (byte) width;
        List<Prediction> predictions =
            pipeline.process(
                new Sample.RawImage(width, 3, Sample.PixelOrder.GRAY, ByteBuffer.wrap(pixels)),
                soon());
        assertThat(ends(predictions.get(0))).containsExactly(1f, (float) width);
        assertThat(engine.seen.get(engine.seen.size() - 1)).hasSize(width * 3);
      }
    }
    assertThat(engine.prepared).isZero();
  }

  @Test
  void shouldRunWithoutPreparationWhenOutputsDependOnTheData() throws Exception {
    engine.unpreparable = true;
    engine.serve(windows("1.0.0", 4, 2), ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      List<Prediction> predictions = pipeline.process(Sample.Signal.of(ramp(0, 8)), soon());
      assertThat(predictions)
          .extracting(ModelPipelineTest::ends)
          .containsExactly(List.of(0f, 3f), List.of(2f, 5f), List.of(4f, 7f));
    }
  }

  @Test
  void shouldRefuseWhenAPictureHasNotTheSizeOfTheInput() throws Exception {
    engine.serve(
        model(
            List.of(f32("x", 1, 1, 4, 4)),
            List.of(f32("y", 1, 2)),
            image(
                List.of(
                    step("decode-image", "color", "gray"), step("to-tensor", "layout", "NCHW")))),
        ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      assertThatThrownBy(
              () ->
                  pipeline.process(
                      new Sample.RawImage(4, 3, Sample.PixelOrder.GRAY, ByteBuffer.allocate(12)),
                      soon()))
          .hasMessageContaining("add a resize step asked=[1, 1, 4, 4] found=[1, 1, 3, 4]");
    }
  }

  @Test
  void shouldRefuseWhenARawPicturesBytesAreNotItsSize() throws Exception {
    engine.serve(
        model(
            List.of(f32("x", 1, 1, 4, 4)),
            List.of(f32("y", 1, 2)),
            image(
                List.of(
                    step("decode-image", "color", "gray"),
                    step("resize", "width", 4, "height", 4),
                    step("to-tensor", "layout", "NCHW")))),
        ModelPipelineTest::ends);
    int[][] sizes = {{4, 4}, {0, 5}, {-1, -12}, {65_536, 65_536}, {Integer.MAX_VALUE, 4}};
    try (Pipeline pipeline = service.open(REF, soon())) {
      for (int[] size : sizes) {
        assertThatThrownBy(
                () ->
                    pipeline.process(
                        new Sample.RawImage(
                            size[0], size[1], Sample.PixelOrder.RGB, ByteBuffer.allocate(12)),
                        soon()))
            .isInstanceOfSatisfying(
                InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_INPUT))
            .hasMessageContaining("bytes=12");
      }
    }
  }

  @Test
  void shouldHoldTheAlarmBetweenOnAndOffWhenAThresholdWatches() throws Exception {
    engine.serve(
        windows("1.0.0", 2, 2, step("threshold", "on", 10, "off", 5, "index", 1)),
        ModelPipelineTest::ends);
    try (Pipeline pipeline = service.open(REF, soon())) {
      float[] ends = {9, 10, 6, 5, 4.9f, 9, Float.NaN, 11, Float.NaN, 12};
      Boolean[] alarms = {false, true, true, true, false, false, false, true, true, true};
      float[] values = new float[2 * ends.length];
      for (int i = 0; i < ends.length; i++) {
        values[2 * i + 1] = ends[i];
      }
      assertThat(pipeline.process(Sample.Signal.of(values), soon()))
          .extracting(p -> p.alarm().orElseThrow())
          .containsExactly(alarms);
      pipeline.reset();
      assertThat(pipeline.process(Sample.Signal.of(0, 7), soon()).get(0).alarm()).contains(false);
    }
  }
}
