/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Runtime.class)
final class BudgetTest {
  @Test
  void shouldMeetBudgetInIntegersAloneWhenPackageIsEasy(ModelRunner runner) throws Exception {
    Golden samples = Golden.of("digits", "image");
    Preparation.Prepared prepared = Preparation.prepare(Golden.model("digits"), runner);
    BudgetedQuantizer.Outcome outcome =
        BudgetedQuantizer.quantize(
            prepared,
            calibrated(prepared, Golden.calibration("digits", "image"), runner),
            QuantizationOptions.forOnnxRuntime(),
            samples,
            AccuracyBudget.maxDrop("top1", 0.01),
            runner,
            Progress.NONE);
    assertThat(outcome.returned()).isEmpty();
    assertThat(outcome.baseline()).isGreaterThan(0.98);
    assertThat(outcome.value()).isEqualTo(outcome.integer()).isGreaterThan(0.98);
    List<LayerNoise> noise =
        LayerNoise.measure(
            prepared,
            outcome.quantized(),
            samples,
            LayerNoise.ENOUGH_SAMPLES,
            runner,
            Progress.NONE);
    assertThat(noise)
        .extracting(LayerNoise::layer)
        .containsExactlyElementsOf(
            outcome.quantized().layers().stream().map(StaticQuantizer.Layer::name).toList());
    assertThat(noise)
        .allSatisfy(layer -> assertThat(layer.decibels()).isBetween(15.0, 60.0))
        .allSatisfy(layer -> assertThat(layer.integer()).isTrue());
  }

  /**
   * Layers of which one has a channel 3,000 times as large as the others, which it then divides out
   * again: per-tensor activations lose the small channels there, and only there.
   */
  private static OnnxModel hard() throws QuantizerException {
    Random random = new Random(4);
    OnnxGraph graph = new OnnxGraph("hard").input("x", ElementType.FLOAT32, Shape.of(1, 16));
    Tensor spread = Tensor.allocate(ElementType.FLOAT32, Shape.of(16, 16));
    Tensor gather = Tensor.allocate(ElementType.FLOAT32, Shape.of(16, 16));
    for (int i = 0; i < 16; i++) {
      spread.setFloat(17L * i, i == 0 ? 3_000 : 1);
      gather.setFloat(17L * i, i == 0 ? 1f / 3_000 : 1);
    }
    String last = "x";
    for (int i = 0; i < 8; i++) {
      Tensor weight = i == 3 ? spread : i == 4 ? gather : Graphs.random(random, 0.3, 16, 16);
      graph.constant("w" + i, weight);
      String to = i == 7 ? "y" : "h" + i;
      graph.node("Gemm", List.of(last, "w" + i), List.of(to));
      last = to;
    }
    return OnnxModel.read(graph.output("y", ElementType.FLOAT32, Shape.of(1, 16)).toModel());
  }

  @Test
  void shouldReturnFewestLayersToFloatWhenOneOfThemSpoilsTheResult(ModelRunner runner)
      throws Exception {
    OnnxModel model = hard();
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    Samples samples = Networks.samples(140, 1, 16);
    Calibration calibration = calibrated(prepared, samples, runner);
    LabelledSamples evaluation = answered(model, samples, runner);
    BudgetedQuantizer.Outcome outcome =
        BudgetedQuantizer.quantize(
            prepared,
            calibration,
            QuantizationOptions.forOnnxRuntime(),
            evaluation,
            AccuracyBudget.limit("cosine", 0.99),
            runner,
            Progress.NONE);
    assertThat(outcome.integer()).isLessThan(0.99);
    assertThat(outcome.value()).isGreaterThanOrEqualTo(0.99);
    assertThat(outcome.returned()).hasSizeBetween(1, 2);
    assertThat(outcome.returned()).containsAnyOf("Gemm_h3", "Gemm_h4");
    assertThat(outcome.sensitivity().keySet().iterator().next()).isIn("Gemm_h3", "Gemm_h4");
    assertThat(outcome.quantized().integerLayers()).hasSizeGreaterThanOrEqualTo(6);
    List<LayerNoise> noise =
        LayerNoise.measure(prepared, outcome.quantized(), samples, 16, runner, Progress.NONE);
    assertThat(noise)
        .filteredOn(layer -> !layer.integer())
        .extracting(LayerNoise::layer)
        .containsAll(outcome.returned());
    // The layer that spoils small channels shows as the one after which the ratio is much worse.
    StaticQuantizer.Quantized throughout =
        StaticQuantizer.quantize(prepared, calibration, QuantizationOptions.forOnnxRuntime());
    Map<String, Double> decibels = new LinkedHashMap<>();
    LayerNoise.measure(prepared, throughout, samples, 16, runner, Progress.NONE)
        .forEach(layer -> decibels.put(layer.tensor(), layer.decibels()));
    assertThat(decibels.keySet()).containsExactly("h0", "h1", "h2", "h3", "h4", "h5", "h6", "y");
    assertThat(decibels.get("h2") - decibels.get("h4")).isGreaterThan(10);

    assertThatThrownBy(
            () ->
                BudgetedQuantizer.quantize(
                    prepared,
                    calibration,
                    QuantizationOptions.forOnnxRuntime(),
                    evaluation,
                    AccuracyBudget.maxDrop("cosine", 1e-9),
                    runner,
                    Progress.NONE))
        .isInstanceOfSatisfying(
            QuantizerException.class, e -> assertThat(e.code()).isEqualTo(Code.BUDGET_MISSED))
        .hasMessageContainingAll("QAT", "found 140", "costliest=[Gemm_h");
    assertThatThrownBy(
            () ->
                BudgetedQuantizer.quantize(
                    prepared,
                    calibration,
                    QuantizationOptions.forOnnxRuntime(),
                    evaluation,
                    AccuracyBudget.limit("cosine", 1.5),
                    runner,
                    Progress.NONE))
        .hasMessageContaining("in FP32 already");
  }

  private static Calibration calibrated(
      Preparation.Prepared prepared, Samples samples, ModelRunner runner)
      throws QuantizerException {
    return Calibration.run(
        prepared.model(),
        StaticQuantizer.watched(prepared),
        prepared.tensors(),
        samples,
        false,
        runner,
        Progress.NONE);
  }

  /** Samples whose right answer is the model's own in FP32. */
  private static LabelledSamples answered(OnnxModel model, Samples samples, ModelRunner runner)
      throws QuantizerException {
    Tensor[] answers = new Tensor[samples.size()];
    try (ModelRunner.Session session = runner.openPlain(model)) {
      for (int i = 0; i < answers.length; i++) {
        answers[i] = session.run(samples.inputs(i)).get("y");
      }
    }
    return new LabelledSamples() {
      @Override
      public int size() {
        return samples.size();
      }

      @Override
      public Map<String, Tensor> inputs(int index) throws QuantizerException {
        return samples.inputs(index);
      }

      @Override
      public Tensor expected(int index) {
        return answers[index];
      }
    };
  }

  @Test
  void shouldComputeMetricsAsDefined() throws Exception {
    Metric top2 = Metric.of("top2");
    top2.add(row(0.1f, 0.7f, 0.2f), label(2));
    top2.add(row(0.1f, 0.7f, 0.2f), label(0));
    assertThat(top2.value()).isEqualTo(0.5);

    Metric rmse = Metric.of("RMSE");
    rmse.add(row(1, 2), row(1, 4));
    assertThat(rmse.value()).isCloseTo(Math.sqrt(2), within(1e-12));
    assertThat(rmse.drop(1, 3)).isEqualTo(2);

    Metric cosine = Metric.of("cosine");
    cosine.add(row(1, 0), row(0, 3));
    cosine.add(row(2, 2), row(1, 1));
    assertThat(cosine.value()).isCloseTo(0.5, within(1e-12));

    Metric auc = Metric.of("auc");
    float[] scores = {0.1f, 0.4f, 0.35f, 0.8f, 0.8f};
    int[] labels = {0, 0, 1, 1, 0};
    for (int i = 0; i < scores.length; i++) {
      auc.add(row(scores[i]), label(labels[i]));
    }
    // Pairs in order: 0.35 over 0.1; 0.8 over 0.1 and 0.4, and half of that with 0.8: 3.5 of 6.
    assertThat(auc.value()).isCloseTo(3.5 / 6, within(1e-12));

    Metric map = Metric.of("map50");
    Tensor found =
        Tensor.ofFloats(
            Shape.of(3, 6), 0, 0, 10, 10, 0.9f, 1, 20, 20, 30, 30, 0.8f, 1, 0, 0, 10, 9, 0.7f, 1);
    map.add(
        found,
        Tensor.ofFloats(
            Shape.of(3, 5), 0, 0, 10, 10, 1, 21, 20, 31, 30, 1, 0, 0, 0, 0, -1 /* padding */));
    // The third is a second box on the first object: after full recall, so it costs nothing.
    assertThat(map.value()).isCloseTo(1.0, within(1e-12));
    Metric strict = Metric.of("map");
    strict.add(found, Tensor.ofFloats(Shape.of(2, 5), 0, 0, 10, 10, 1, 21, 20, 31, 30, 1));
    // The second overlaps by 9/11 = 0.818: right at 0.50 to 0.80, wrong at 0.85 to 0.95.
    assertThat(strict.value()).isCloseTo((7 * 1.0 + 3 * 0.5) / 10, within(1e-9));

    assertThatThrownBy(() -> Metric.of("f1")).hasMessageContaining("known=top1");
    assertThatThrownBy(() -> Metric.of("top1").add(row(1, 2), label(2)))
        .hasMessageContaining("label=2");
    assertThatThrownBy(() -> Metric.of("map").add(row(1, 2), label(2)))
        .hasMessageContaining("BAD_SAMPLES");
    assertThatThrownBy(() -> AccuracyBudget.maxDrop("top1", -1)).hasMessageContaining("drop=-1");
  }

  @Test
  void shouldSayWhatWasAnsweredWhenMetricIsOfClasses() throws Exception {
    Tensor[] outputs = {
      row(0.1f, 0.7f, 0.2f), row(0.5f, 0.5f, 0.1f), row(Float.NaN, Float.NaN, Float.NaN)
    };
    long[] labels = {2, 0, 1};
    LabelledSamples samples =
        new LabelledSamples() {
          @Override
          public int size() {
            return labels.length;
          }

          @Override
          public Map<String, Tensor> inputs(int index) {
            return Map.of("x", outputs[index]);
          }

          @Override
          public Tensor expected(int index) {
            return label(labels[index]);
          }
        };
    Evaluation top1 = Evaluation.measure(inputs -> inputs, samples, "top1", Progress.NONE);
    assertThat(top1.value()).isEqualTo(1.0 / 3);
    assertThat(top1.answers())
        .containsExactly(
            new Evaluation.Answer(2, 1, false, 0.7f),
            new Evaluation.Answer(0, 0, true, 0.5f),
            new Evaluation.Answer(1, -1, false, Float.NaN));
    Evaluation top2 = Evaluation.measure(inputs -> inputs, samples, "top-2", Progress.NONE);
    assertThat(top2.metric()).isEqualTo("top2");
    assertThat(top2.value()).isEqualTo(2.0 / 3);
    assertThat(top2.answers().get(0)).isEqualTo(new Evaluation.Answer(2, 1, true, 0.7f));
    assertThatThrownBy(() -> Evaluation.measure(inputs -> Map.of(), samples, "top1", Progress.NONE))
        .hasMessageContaining("no outputs");
  }

  @Test
  void shouldNameSampleWhenItsLabelIsMissingOrWrong(ModelRunner runner) throws Exception {
    Golden samples = Golden.of("digits", "image").part(0, 10);
    OnnxModel model = Golden.model("digits");
    assertUnfit(model, samples, Tensor.allocate(ElementType.INT64, Shape.of(0)), "top1", runner);
    assertUnfit(model, samples, label(10), "top1", runner);
    assertUnfit(model, samples, label(2), "auc", runner);
    assertUnfit(model, samples, row(1, 2, 3), "rmse", runner);
    assertUnfit(model, samples, label(1), "map50", runner);
    assertThatThrownBy(
            () -> BudgetedQuantizer.evaluate(model, samples, "f1", runner, Progress.NONE))
        .hasMessageContainingAll("INVALID_OPTION", "found=f1", "known=top1");
    assertThatThrownBy(
            () ->
                BudgetedQuantizer.quantize(
                    Preparation.prepare(model, runner),
                    new Calibration(Map.of(), 0, ""),
                    QuantizationOptions.forOnnxRuntime(),
                    samples.part(0, 0),
                    AccuracyBudget.maxDrop("top1", 0.01),
                    runner,
                    Progress.NONE))
        .hasMessageContainingAll("BAD_SAMPLES", "no evaluation samples");
  }

  /** The label of sample 7 is another. */
  private static void assertUnfit(
      OnnxModel model, Golden samples, Tensor label, String metric, ModelRunner runner) {
    LabelledSamples wrong =
        new LabelledSamples() {
          @Override
          public int size() {
            return samples.size();
          }

          @Override
          public Map<String, Tensor> inputs(int index) {
            return samples.inputs(index);
          }

          @Override
          public Tensor expected(int index) {
            return index == 7 ? label : good(samples.expected(index));
          }

          private Tensor good(Tensor known) {
            return switch (metric) {
              case "auc" -> label(known.getLong(0) % 2);
              case "rmse" -> row(new float[10]);
              case "map50" -> Tensor.ofFloats(Shape.of(1, 5), 0, 0, 1, 1, 0);
              default -> known;
            };
          }

          @Override
          public Tensor answer(int index, Map<String, Tensor> outputs) {
            return metric.equals("map50")
                ? Tensor.ofFloats(Shape.of(1, 6), 0, 0, 1, 1, 1, 0)
                : outputs.values().iterator().next();
          }
        };
    assertThatThrownBy(
            () -> BudgetedQuantizer.evaluate(model, wrong, metric, runner, Progress.NONE))
        .isInstanceOfSatisfying(
            QuantizerException.class, e -> assertThat(e.code()).isEqualTo(Code.BAD_SAMPLES))
        .hasMessageContaining("sample=7");
  }

  private static Tensor row(float... values) {
    return Tensor.ofFloats(Shape.of(1, values.length), values);
  }

  private static Tensor label(long value) {
    Tensor label = Tensor.allocate(ElementType.INT64, Shape.scalar());
    label.setLong(0, value);
    return label;
  }
}
