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
import static io.shoji.pipeline.TestModels.model;
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
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PostStepTest {
  private static final TensorSpec PICTURE = f32("x", 1, 3, 100, 200).withLayout(Layout.NCHW);

  private static long soon() {
    return InferenceService.deadlineIn(10_000);
  }

  /** Puts outputs through the steps of a model that answers with them. */
  private static Prediction predicted(ModelDescription model, List<float[]> outputs)
      throws InferenceException {
    FakeEngine engine = new FakeEngine();
    engine.serve(
        model,
        (in, out) -> {
          for (int o = 0; o < outputs.size(); o++) {
            for (int i = 0; i < outputs.get(o).length; i++) {
              out.get(o).setFloat(i, outputs.get(o)[i]);
            }
          }
        });
    List<Tensor> inputs =
        model.inputs().stream()
            .map(s -> Tensor.allocate(s.type(), s.shape().withDynamicAs(1)))
            .toList();
    for (int i = 0; i < inputs.get(0).elementCount(); i++) {
      inputs.get(0).setFloat(i, i);
    }
    try (Pipeline pipeline = new ModelPipelines(engine).open(ModelRef.latest("m"), soon())) {
      return pipeline.process(new Sample.Tensors(inputs), soon()).get(0);
    }
  }

  private static Prediction predicted(float[] output, List<String> labels, Step... post)
      throws InferenceException {
    return predicted(
        model(
            "1.0.0",
            List.of(f32("x", 1, 3)),
            List.of(f32("y", -1, output.length)),
            labels,
            tensors(post)),
        List.of(output));
  }

  @Test
  void shouldAddUpToOneWhenLogitsAreLarge() throws Exception {
    float[] logits = {1000, 999, -1000, 1000};
    Prediction p = predicted(logits, List.of(), step("softmax"), step("top-k", "k", 4));
    double sum = 2 + Math.exp(-1);
    assertThat(p.ranking()).extracting(Prediction.Ranked::index).containsExactly(0, 3, 1, 2);
    assertThat(p.ranking().get(0).score()).isCloseTo((float) (1 / sum), within(1e-6f));
    assertThat(p.ranking().get(2).score()).isCloseTo((float) (Math.exp(-1) / sum), within(1e-6f));
    assertThat(p.ranking().get(3).score()).isZero();
  }

  @Test
  void shouldMatchTheDefinitionWhenSoftmaxIsTakenOfAnyLogits() throws Exception {
    Random random = new Random(31);
    for (int round = 0; round < 50; round++) {
      int n = 1 + random.nextInt(30);
      float[] logits = new float[n];
      double sum = 0;
      for (int i = 0; i < n; i++) {
        logits[i] = (float) (5 * random.nextGaussian());
        sum += Math.exp(logits[i]);
      }
      Prediction p = predicted(logits, List.of(), step("softmax"), step("top-k", "k", n));
      assertThat(p.ranking()).hasSize(n);
      for (int i = 0; i < n; i++) {
        Prediction.Ranked ranked = p.ranking().get(i);
        assertThat(ranked.score())
            .isCloseTo((float) (Math.exp(logits[ranked.index()]) / sum), within(1e-5f));
        assertThat(ranked.label()).isEqualTo(Integer.toString(ranked.index()));
        if (i > 0) {
          assertThat(ranked.score()).isLessThanOrEqualTo(p.ranking().get(i - 1).score());
        }
      }
    }
  }

  @Test
  void shouldPutNaNLastAndEqualScoresByIndexWhenRanked() throws Exception {
    float[] scores = {
      Float.NaN, -0f, 0f, Float.NEGATIVE_INFINITY, 7, Float.POSITIVE_INFINITY, 7, -3
    };
    Prediction p = predicted(scores, List.of(), step("top-k", "k", 8));
    assertThat(p.ranking())
        .extracting(Prediction.Ranked::index)
        .containsExactly(5, 4, 6, 1, 2, 7, 3, 0);
  }

  @Test
  void shouldUseThePackagesLabelsWhenItHasThem() throws Exception {
    Prediction p = predicted(new float[] {-1, 2, 0}, List.of("a", "b", "c"), step("top-k", "k", 2));
    assertThat(p.ranking())
        .containsExactly(new Prediction.Ranked(1, "b", 2), new Prediction.Ranked(2, "c", 0));
  }

  @Test
  void shouldStayBetweenZeroAndOneWhenSigmoidIsTaken() throws Exception {
    float[] values = {-1000, -2, 0, 3, 1000, Float.NaN};
    Prediction p = predicted(values, List.of(), step("sigmoid"), step("top-k", "k", 6));
    for (Prediction.Ranked r : p.ranking()) {
      double expected = 1 / (1 + Math.exp(-values[r.index()]));
      assertThat(Float.compare(r.score(), (float) expected)).isZero();
    }
  }

  @Test
  void shouldReadRealValuesWhenOutputsAreDequantized() throws Exception {
    TensorSpec perTensor =
        TensorSpec.of("y", ElementType.UINT8, Shape.of(1, 3))
            .withQuantization(Quantization.perTensor(0.5f, 128));
    Prediction p =
        predicted(
            model(
                List.of(f32("x", 1, 1)),
                List.of(perTensor),
                tensors(step("dequantize"), step("top-k", "k", 3))),
            List.of(new float[] {128, 130, 0}));
    assertThat(p.ranking()).extracting(Prediction.Ranked::score).containsExactly(1f, 0f, -64f);
    TensorSpec perAxis =
        TensorSpec.of("y", ElementType.INT8, Shape.of(1, 3))
            .withQuantization(
                Quantization.perAxis(1, new float[] {1, 0.5f, 10}, new int[] {0, 1, 2}));
    p =
        predicted(
            model(
                List.of(f32("x", 1, 1)),
                List.of(perAxis),
                tensors(step("dequantize"), step("top-k", "k", 3))),
            List.of(new float[] {5, 5, 5}));
    assertThat(p.ranking()).extracting(Prediction.Ranked::score).containsExactly(30f, 5f, 2f);
    assertThat(p.outputs().get(0).getLong(2)).isEqualTo(5);
  }

  @Test
  void shouldScoreTheMeanSquareWhenAReconstructionDiffers() throws Exception {
    // The input is 0, 1, 2.
    Prediction p =
        predicted(
            new float[] {1, 1, 4},
            List.of(),
            step("anomaly-score", "type", "reconstruction-mse"),
            step("threshold", "on", 1.6));
    assertThat(p.anomaly().orElseThrow()).isCloseTo(5.0 / 3, within(1e-12));
    assertThat(p.alarm()).contains(true);
  }

  @Test
  void shouldCompareRealValuesWhenInputAndReconstructionAreQuantized() throws Exception {
    TensorSpec in =
        TensorSpec.of("x", ElementType.INT8, Shape.of(1, 3))
            .withQuantization(Quantization.perTensor(0.5f, 0));
    TensorSpec out =
        TensorSpec.of("y", ElementType.UINT8, Shape.of(1, 3))
            .withQuantization(Quantization.perTensor(0.25f, 100));
    Prediction p =
        predicted(
            model(
                List.of(in),
                List.of(out),
                tensors(step("dequantize"), step("anomaly-score", "type", "reconstruction-mse"))),
            List.of(new float[] {100, 102, 112}));
    // 0, 0.5, 1 against 0, 0.5, 3.
    assertThat(p.anomaly().orElseThrow()).isCloseTo(4.0 / 3, within(1e-12));
  }

  @Test
  void shouldTakeTheOutputWhenItIsTheAnomalyScore() throws Exception {
    ModelDescription model =
        model(
            List.of(f32("x", 1, 1)),
            List.of(f32("a", 1, 4), f32("score", 1, 1)),
            tensors(
                step("anomaly-score", "type", "output", "output", "score"),
                step("threshold", "on", 3, "off", 2)));
    Prediction p = predicted(model, List.of(new float[4], new float[] {2.5f}));
    assertThat(p.anomaly()).hasValue(2.5);
    assertThat(p.alarm()).contains(false);
    assertThat(p.outputs()).hasSize(2);
  }

  @Test
  void shouldWatchOneClassWhenAThresholdNamesIt() throws Exception {
    List<String> labels = List.of("ok", "bad");
    float[] probabilities = {0.2f, 0.8f};
    assertThat(
            predicted(probabilities, labels, step("threshold", "on", 0.8, "label", "bad")).alarm())
        .contains(true);
    assertThat(
            predicted(probabilities, labels, step("threshold", "on", 0.8, "label", "ok")).alarm())
        .contains(false);
    assertThat(
            predicted(probabilities, labels, step("threshold", "on", -5, "output", "y", "index", 0))
                .alarm())
        .contains(true);
    assertThat(predicted(new float[] {0.7f}, List.of(), step("threshold", "on", 0.7)).alarm())
        .contains(true);
  }

  // Boxes. The input is a picture of 200 x 100 pixels.

  private static List<Prediction.Box> boxes(
      List<TensorSpec> specs, List<float[]> outputs, Step... post) throws InferenceException {
    return predicted(model(List.of(PICTURE), specs, tensors(post)), outputs).boxes();
  }

  private static Prediction.Box box(
      float x, float y, float width, float height, int index, float score) {
    return new Prediction.Box(x, y, width, height, index, Integer.toString(index), score);
  }

  @Test
  void shouldFindBoxesWhenTheyAreInChannelsAsYolo8WritesThem() throws Exception {
    // Columns: 3 boxes; rows: cx, cy, w, h, two classes.
    float[] output = {
      50, 150, 10, //
      50, 20, 10, //
      20, 30, 4, //
      10, 10, 4, //
      0.1f, 0.9f, 0.2f, //
      0.7f, 0.3f, 0.24f
    };
    List<Prediction.Box> found =
        boxes(
            List.of(f32("y", 1, 6, 3)),
            List.of(output),
            step("decode-boxes", "format", "cxcywh", "layout", "channels"));
    assertThat(found).containsExactly(box(135, 15, 30, 10, 0, 0.9f), box(40, 45, 20, 10, 1, 0.7f));
  }

  @Test
  void shouldMultiplyObjectnessWhenBoxesAreInRowsAsYolo5WritesThem() throws Exception {
    float[] output = {
      50, 50, 20, 10, 0.5f, 0.2f, 0.8f, //
      150, 20, 30, 10, 0.9f, 0.5f, 0.1f, //
      10, 10, 4, 4, 0.1f, 1, 1
    };
    List<Prediction.Box> found =
        boxes(
            List.of(f32("y", 1, 3, 7)),
            List.of(output),
            step("decode-boxes", "format", "cxcywh", "objectness", true, "scoreThreshold", 0.3));
    assertThat(found).containsExactly(box(135, 15, 30, 10, 0, 0.45f), box(40, 45, 20, 10, 1, 0.4f));
  }

  @Test
  void shouldReadTheClassWhenARowEndsWithItsIndex() throws Exception {
    float[] output = {
      10, 20, 30, 40, 0.5f, 7, //
      1, 2, 3, 4, 0.9f, 2, //
      1, 2, 3, 4, 0.9f, Float.NaN, //
      1, 2, 3, 4, 0.9f, -1
    };
    assertThat(
            boxes(
                List.of(f32("y", 1, 4, 6)),
                List.of(output),
                step("decode-boxes", "format", "xyxy", "classIndex", true)))
        .containsExactly(box(1, 2, 2, 2, 2, 0.9f), box(10, 20, 20, 20, 7, 0.5f));
  }

  @Test
  void shouldReadOutputsOfTheirOwnWhenBoxesClassesAndScoresAreApart() throws Exception {
    // TensorFlow Lite's detection post-processing: normalized, y first, a count.
    List<TensorSpec> specs =
        List.of(f32("b", 1, 3, 4), f32("c", 1, 3), f32("s", 1, 3), f32("n", 1));
    List<float[]> outputs =
        List.of(
            new float[] {0.1f, 0.25f, 0.5f, 0.75f, 0, 0, 1, 1, 0, 0, 1, 1},
            new float[] {3, 0, 1},
            new float[] {0.6f, 0.5f, 0.9f},
            new float[] {2});
    Step step =
        step(
            "decode-boxes",
            "output",
            "b",
            "scores",
            "s",
            "classes",
            "c",
            "count",
            "n",
            "format",
            "yxyx",
            "coordinates",
            "normalized");
    assertThat(boxes(specs, outputs, step))
        .containsExactly(box(50, 10, 100, 40, 3, 0.6f), box(0, 0, 200, 100, 0, 0.5f));
  }

  @Test
  void shouldLeaveTheBackgroundOutWhenItIsAClass() throws Exception {
    List<TensorSpec> specs = List.of(f32("b", -1, 2, 4), f32("s", -1, 2, 3));
    List<float[]> outputs =
        List.of(
            new float[] {10, 10, 5, 5, 30, 30, 6, 6},
            new float[] {0.9f, 0.05f, 0.05f, 0.1f, 0.3f, 0.6f});
    assertThat(
            boxes(
                specs,
                outputs,
                step(
                    "decode-boxes",
                    "output",
                    "b",
                    "scores",
                    "s",
                    "format",
                    "xywh",
                    "background",
                    0)))
        .containsExactly(box(30, 30, 6, 6, 2, 0.6f));
  }

  @Test
  void shouldCutAtTheEdgesAndDropWhatCannotBeSeenWhenBoxesHangOver() throws Exception {
    float[] output = {
      -10,
      -10,
      20,
      30,
      0.9f, //
      190,
      90,
      300,
      300,
      0.8f, //
      -50,
      0,
      -1,
      10,
      0.7f, //
      20,
      20,
      20,
      30,
      0.6f, //
      Float.NaN,
      0,
      5,
      5,
      0.6f, //
      0,
      0,
      Float.POSITIVE_INFINITY,
      5,
      0.6f, //
      0,
      0,
      5,
      5,
      Float.NaN, //
      30,
      30,
      10,
      10,
      0.6f
    };
    assertThat(
            boxes(
                List.of(f32("y", 1, 8, 5)),
                List.of(output),
                step("decode-boxes", "format", "xyxy")))
        .containsExactly(box(0, 0, 20, 30, 0, 0.9f), box(190, 90, 10, 10, 0, 0.8f));
  }

  @Test
  void shouldKeepTheSurestWhenBoxesOverlap() throws Exception {
    // IoU of the first two: 80 / 120 = 2/3; the third overlaps the second more than the first.
    float[] output = {
      0, 0, 10, 10, 0.8f, 0, //
      2, 0, 12, 10, 0.9f, 0, //
      5, 0, 15, 10, 0.7f, 0, //
      2, 0, 12, 10, 0.6f, 1
    };
    Step decode = step("decode-boxes", "format", "xyxy", "classIndex", true);
    List<TensorSpec> specs = List.of(f32("y", 1, 4, 6));
    assertThat(boxes(specs, List.of(output), decode, step("nms", "iouThreshold", 0.6)))
        .extracting(Prediction.Box::score)
        .containsExactly(0.9f, 0.7f, 0.6f);
    assertThat(
            boxes(
                specs,
                List.of(output),
                decode,
                step("nms", "iouThreshold", 0.6, "perClass", false)))
        .extracting(Prediction.Box::score)
        .containsExactly(0.9f, 0.7f);
    assertThat(boxes(specs, List.of(output), decode, step("nms", "iouThreshold", 0.7))).hasSize(4);
    assertThat(boxes(specs, List.of(output), decode, step("nms", "maxBoxes", 1))).hasSize(1);
    assertThat(
            boxes(
                specs,
                List.of(output),
                step("decode-boxes", "format", "xyxy", "classIndex", true, "maxBoxes", 2)))
        .extracting(Prediction.Box::score)
        .containsExactly(0.9f, 0.8f);
  }

  @Test
  void shouldMatchTheNaiveSearchWhenManyBoxesAreDecodedAndSuppressed() throws Exception {
    Random random = new Random(77);
    for (int round = 0; round < 30; round++) {
      int n = 1 + random.nextInt(60);
      int classes = 1 + random.nextInt(4);
      boolean channels = random.nextBoolean();
      float[] output = new float[n * (4 + classes)];
      List<Prediction.Box> all = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        float x = random.nextInt(150);
        float y = random.nextInt(60);
        float w = 2 + random.nextInt(40);
        float h = 2 + random.nextInt(30);
        float[] row = new float[4 + classes];
        row[0] = x;
        row[1] = y;
        row[2] = w;
        row[3] = h;
        int best = 0;
        for (int c = 0; c < classes; c++) {
          row[4 + c] = random.nextFloat();
          best = row[4 + c] > row[4 + best] ? c : best;
        }
        for (int j = 0; j < row.length; j++) {
          output[channels ? j * n + i : i * row.length + j] = row[j];
        }
        if (row[4 + best] >= 0.4f) {
          all.add(box(x, y, w, h, best, row[4 + best]));
        }
      }
      all.sort((a, b) -> Float.compare(b.score(), a.score()));
      List<Prediction.Box> kept = new ArrayList<>();
      for (Prediction.Box candidate : all) {
        if (kept.stream()
            .noneMatch(k -> k.index() == candidate.index() && iou(k, candidate) > 0.3)) {
          kept.add(candidate);
        }
      }
      List<Prediction.Box> found =
          boxes(
              List.of(channels ? f32("y", 1, 4 + classes, n) : f32("y", 1, n, 4 + classes)),
              List.of(output),
              step(
                  "decode-boxes",
                  "format",
                  "xywh",
                  "layout",
                  channels ? "channels" : "rows",
                  "scoreThreshold",
                  0.4),
              step("nms", "iouThreshold", 0.3));
      assertThat(found).hasSameSizeAs(kept);
      for (int i = 0; i < kept.size(); i++) {
        Prediction.Box expected = kept.get(i);
        assertThat(found.get(i).score()).isEqualTo(expected.score());
        assertThat(found.get(i).index()).isEqualTo(expected.index());
        assertThat(found.get(i).x()).isCloseTo(expected.x(), within(1e-3f));
        assertThat(found.get(i).y()).isCloseTo(expected.y(), within(1e-3f));
        assertThat(found.get(i).width())
            .isCloseTo(Math.min(expected.width(), 200 - expected.x()), within(1e-3f));
        assertThat(found.get(i).height())
            .isCloseTo(Math.min(expected.height(), 100 - expected.y()), within(1e-3f));
      }
    }
  }

  private static double iou(Prediction.Box a, Prediction.Box b) {
    double w = Math.min(a.x() + a.width(), b.x() + b.width()) - Math.max(a.x(), b.x());
    double h = Math.min(a.y() + a.height(), b.y() + b.height()) - Math.max(a.y(), b.y());
    double shared = Math.max(0, w) * Math.max(0, h);
    return shared / ((double) a.width() * a.height() + (double) b.width() * b.height() - shared);
  }

  @Test
  void shouldMapBoxesBackToThePictureWhenItWasLetterboxed() throws Exception {
    FakeEngine engine = new FakeEngine();
    engine.serve(
        model(
            List.of(f32("x", 1, 3, 64, 64)),
            List.of(f32("y", 1, 1, 5)),
            TestModels.image(
                List.of(
                    step("decode-image", "color", "rgb"),
                    step("resize", "width", 64, "height", 64, "fit", "letterbox"),
                    step("to-tensor", "layout", "NCHW")),
                step("decode-boxes", "format", "xyxy", "coordinates", "normalized"))),
        (in, out) -> {
          // The 640 x 320 picture takes rows 16 to 47 of the input.
          float[] row = {8 / 64f, 20 / 64f, 16 / 64f, 24 / 64f, 0.9f};
          for (int i = 0; i < row.length; i++) {
            out.get(0).setFloat(i, row[i]);
          }
        });
    try (Pipeline pipeline = new ModelPipelines(engine).open(ModelRef.latest("m"), soon())) {
      Prediction p =
          pipeline
              .process(
                  new Sample.RawImage(
                      640, 320, Sample.PixelOrder.BGR, ByteBuffer.allocateDirect(640 * 320 * 3)),
                  soon())
              .get(0);
      assertThat(p.boxes()).containsExactly(box(80, 40, 80, 40, 0, 0.9f));
    }
    // Padding is 114, the picture is black.
    assertThat(engine.seen.get(0).subList(0, 64)).containsOnly(114f);
    assertThat(engine.seen.get(0).subList(16 * 64, 48 * 64)).containsOnly(0f);
  }

  @Test
  void shouldFailWhenTheModelAnswersOtherwiseThanItsPackageSays() {
    Answer answer =
        new Answer(List.of(PICTURE), List.of(f32("b", 1, -1, 4), f32("s", 1, -1, 2)), List.of());
    Tensor wrong = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 3, 5));
    Tensor right = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 3, 2));
    assertThatThrownBy(() -> answer.begin(List.of(), List.of(wrong, right), new Geometry()))
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.FAILED))
        .hasMessageContaining("name=b asked=FLOAT32[1, ?, 4] found=FLOAT32[1, 3, 5]");
    assertThatThrownBy(() -> answer.begin(List.of(), List.of(right), new Geometry()))
        .hasMessageContaining("asked=2 found=1");
  }

  @Test
  void shouldFailWhenScoresAreNotAsManyAsBoxes() throws Exception {
    List<TensorSpec> specs = List.of(f32("b", 1, -1, 4), f32("s", 1, -1, 2));
    Answer answer = new Answer(List.of(PICTURE), specs, List.of());
    answer.begin(
        List.of(),
        List.of(
            Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 3, 4)),
            Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 2, 2))),
        new Geometry());
    DecodeBoxes decode =
        new DecodeBoxes(
            new DecodeBoxes.Places(0, 1, -1, -1, false, false, -1),
            DecodeBoxes.Format.XYXY,
            DecodeBoxes.Order.ROWS,
            DecodeBoxes.Coordinates.INPUT,
            0.5f,
            10);
    assertThatThrownBy(() -> decode.apply(answer))
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.FAILED))
        .hasMessageContaining("boxes=3 found=2");
  }
}
