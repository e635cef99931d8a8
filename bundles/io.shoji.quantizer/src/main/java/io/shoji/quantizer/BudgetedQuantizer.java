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

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * INT8 quantization that is measured against a budget: if INT8 throughout misses it, so it is with
 * the ranges that the other calibration methods choose; if that is not enough either, the layers
 * whose quantization costs most go back to FP32, as few as will do, with the best of the methods;
 * and if that is more than half, the model is refused with advice.
 */
public final class BudgetedQuantizer {
  /** Samples on which a layer's cost is measured. */
  private static final int SENSITIVITY_SAMPLES = 16;

  /** With fewer calibration samples than this, more of them is the first advice. */
  private static final int MANY_SAMPLES = 300;

  private final Preparation.Prepared prepared;
  private final Calibration calibration;
  private final Map<CalibrationMethod, Double> methods = new EnumMap<>(CalibrationMethod.class);
  private QuantizationOptions options;
  private final LabelledSamples evaluation;
  private final AccuracyBudget budget;
  private final ModelRunner runner;
  private final Progress progress;

  private BudgetedQuantizer(
      Preparation.Prepared prepared,
      Calibration calibration,
      QuantizationOptions options,
      LabelledSamples evaluation,
      AccuracyBudget budget,
      ModelRunner runner,
      Progress progress) {
    this.prepared = prepared;
    this.calibration = calibration;
    this.options = options;
    this.evaluation = evaluation;
    this.budget = budget;
    this.runner = runner;
    this.progress = progress;
  }

  /**
   * What came of it.
   *
   * @param quantized the model that meets the budget
   * @param baseline the metric in FP32
   * @param integer the metric with all layers in INT8 that can be, calibrated as asked
   * @param value the metric of the model
   * @param returned names of the layers that went back to FP32 for the budget, the costliest first
   * @param sensitivity for each layer, the signal-to-noise ratio of the model's output, dB, if it
   *     alone goes back to FP32, the costliest first; empty if INT8 met the budget
   * @param method that chose the ranges; another than asked for only if that one missed the budget
   * @param methods the metric with all layers in INT8 for each method that was tried
   */
  public record Outcome(
      StaticQuantizer.Quantized quantized,
      double baseline,
      double integer,
      double value,
      List<String> returned,
      Map<String, Double> sensitivity,
      CalibrationMethod method,
      Map<CalibrationMethod, Double> methods) {}

  /**
   * Quantizes a prepared model within a budget.
   *
   * @param options how; nodes it keeps in FP32 stay there
   * @param evaluation samples with the right answers, other than those of the calibration
   * @throws QuantizerException BUDGET_MISSED with the figures, the costliest layers and advice;
   *     BAD_SAMPLES, CANCELLED, RUNTIME
   */
  public static Outcome quantize(
      Preparation.Prepared prepared,
      Calibration calibration,
      QuantizationOptions options,
      LabelledSamples evaluation,
      AccuracyBudget budget,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException {
    if (evaluation.size() == 0) {
      throw new QuantizerException(Code.BAD_SAMPLES, "there are no evaluation samples");
    }
    return new BudgetedQuantizer(
            prepared, calibration, options, evaluation, budget, runner, progress)
        .run();
  }

  /**
   * A model's metric on samples.
   *
   * @throws QuantizerException INVALID_OPTION, BAD_SAMPLES, CANCELLED, RUNTIME
   */
  public static double evaluate(
      OnnxModel model,
      LabelledSamples samples,
      String metric,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException {
    try (ModelRunner.Session session = runner.open(model)) {
      return Evaluation.measure(session::run, samples, metric, new Silent(progress)).value();
    }
  }

  /**
   * Several evaluations make one piece of work: they can be cancelled, their shares are no news.
   */
  private record Silent(Progress progress) implements Progress {
    @Override
    public void report(double fraction, String message) {}

    @Override
    public boolean cancelled() {
      return progress.cancelled();
    }
  }

  private Outcome run() throws QuantizerException {
    Metric kind = Metric.of(budget.metric());
    progress.report(0, "measuring the model in FP32");
    double baseline = evaluate(prepared.model());
    if (!budget.allows(kind, baseline, baseline)) {
      throw new QuantizerException(
          Code.BUDGET_MISSED,
          "the model misses the budget in FP32 already: it needs more training, not quantization "
              + budget.describe()
              + " found="
              + baseline);
    }
    progress.report(0.1, "measuring the model in INT8");
    StaticQuantizer.Quantized quantized = StaticQuantizer.quantize(prepared, calibration, options);
    double integer = evaluate(quantized.model());
    double best = integer;
    methods.put(options.method(), integer);
    for (CalibrationMethod method : CalibrationMethod.values()) {
      if (!budget.allows(kind, baseline, best) && !methods.containsKey(method)) {
        progress.report(0.15, "trying the ranges of " + method);
        QuantizationOptions others = options.with(method);
        StaticQuantizer.Quantized tried = StaticQuantizer.quantize(prepared, calibration, others);
        double value = evaluate(tried.model());
        methods.put(method, value);
        if (kind.drop(best, value) < 0) {
          best = value;
          quantized = tried;
          options = others;
        }
      }
    }
    if (budget.allows(kind, baseline, best)) {
      progress.report(1, "INT8 meets the budget");
      return outcome(quantized, baseline, integer, best, List.of(), Map.of());
    }
    Map<String, Double> sensitivity = sensitivity(quantized);
    List<String> costliest = List.copyOf(sensitivity.keySet());
    int most = costliest.size() / 2;
    int few = 0;
    int enough = -1;
    for (int count = 1; enough < 0 && few < most; count = Math.min(2 * count, most)) {
      progress.report(0.6, "trying with " + count + " layers in FP32");
      if (budget.allows(kind, baseline, evaluate(without(costliest.subList(0, count)).model()))) {
        enough = count;
      } else {
        few = count;
      }
    }
    if (enough < 0) {
      throw missed(baseline, sensitivity);
    }
    while (enough - few > 1) {
      int middle = (few + enough) / 2;
      progress.report(0.7, "trying with " + middle + " layers in FP32");
      if (budget.allows(kind, baseline, evaluate(without(costliest.subList(0, middle)).model()))) {
        enough = middle;
      } else {
        few = middle;
      }
    }
    Set<String> returned = new LinkedHashSet<>(costliest.subList(0, enough));
    for (int i = enough - 2; i >= 0; i--) {
      // The last one was needed with all before it; of these, some may not be.
      progress.report(0.8, "trying with " + costliest.get(i) + " in INT8");
      Set<String> fewer = new LinkedHashSet<>(returned);
      fewer.remove(costliest.get(i));
      if (budget.allows(kind, baseline, evaluate(without(fewer).model()))) {
        returned = fewer;
      }
    }
    StaticQuantizer.Quantized fewest = without(returned);
    double value = evaluate(fewest.model());
    progress.report(1, "meets the budget with " + returned.size() + " layers in FP32");
    return outcome(fewest, baseline, integer, value, List.copyOf(returned), sensitivity);
  }

  private Outcome outcome(
      StaticQuantizer.Quantized quantized,
      double baseline,
      double integer,
      double value,
      List<String> returned,
      Map<String, Double> sensitivity) {
    return new Outcome(
        quantized,
        baseline,
        integer,
        value,
        returned,
        sensitivity,
        options.method(),
        Map.copyOf(methods));
  }

  private double evaluate(OnnxModel model) throws QuantizerException {
    return evaluate(model, evaluation, budget.metric(), runner, progress);
  }

  private StaticQuantizer.Quantized without(Iterable<String> layers) throws QuantizerException {
    Set<String> inFloat = new LinkedHashSet<>(options.inFloat());
    layers.forEach(inFloat::add);
    return StaticQuantizer.quantize(prepared, calibration, options.withInFloat(inFloat));
  }

  private QuantizerException missed(double baseline, Map<String, Double> sensitivity) {
    List<String> worst = sensitivity.keySet().stream().limit(5).toList();
    String advice =
        (calibration.samples() < MANY_SAMPLES
                ? "calibrate on more samples (300 to 1000, found " + calibration.samples() + "); "
                : "")
            + "train with quantization in the loop (QAT), or distil the model into one with wider"
            + " layers, or ship FP16";
    return new QuantizerException(
        Code.BUDGET_MISSED,
        "no INT8 model with at least half of its layers in integers meets the budget; "
            + advice
            + " "
            + budget.describe()
            + " fp32="
            + baseline
            + " int8="
            + new TreeMap<>(methods)
            + " costliest="
            + worst);
  }

  /** For each layer, how good the output is if it alone goes back to FP32; best first. */
  private Map<String, Double> sensitivity(StaticQuantizer.Quantized quantized)
      throws QuantizerException {
    Samples few = first(evaluation, SENSITIVITY_SAMPLES);
    List<String> layers = quantized.integerLayers();
    Map<String, Double> measured = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      progress.report(
          0.2 + 0.4 * i / layers.size(),
          "measuring what layer " + (i + 1) + " of " + layers.size() + " costs");
      OnnxModel model = without(List.of(layers.get(i))).model();
      measured.put(layers.get(i), signalToNoise(prepared.model(), model, few, runner, progress));
    }
    List<Map.Entry<String, Double>> sorted = new ArrayList<>(measured.entrySet());
    sorted.sort(Comparator.comparingDouble((Map.Entry<String, Double> each) -> -each.getValue()));
    Map<String, Double> costliest = new LinkedHashMap<>();
    sorted.forEach(each -> costliest.put(each.getKey(), each.getValue()));
    return costliest;
  }

  private static Samples first(Samples all, int most) {
    return new Samples() {
      @Override
      public int size() {
        return Math.min(most, all.size());
      }

      @Override
      public Map<String, Tensor> inputs(int index) throws QuantizerException {
        return all.inputs(index);
      }
    };
  }

  /**
   * Signal-to-quantization-noise ratio of a model's outputs, dB: ten times the logarithm of the sum
   * of squares over that of the squared differences, 200 if there are none; the mean over the
   * outputs, since one may hold pixels and the next shares of 1.
   *
   * @throws QuantizerException BAD_SAMPLES, CANCELLED, RUNTIME
   */
  public static double signalToNoise(
      OnnxModel real, OnnxModel quantized, Samples samples, ModelRunner runner, Progress progress)
      throws QuantizerException {
    Map<String, Noise> noises = new LinkedHashMap<>();
    try (ModelRunner.Session first = runner.openPlain(real);
        ModelRunner.Session second = runner.open(quantized)) {
      for (int i = 0; i < samples.size(); i++) {
        if (progress.cancelled()) {
          throw new QuantizerException(Code.CANCELLED, "cancelled during measurement");
        }
        Map<String, Tensor> inputs = samples.inputs(i);
        Map<String, Tensor> expected = first.run(inputs);
        Map<String, Tensor> found = second.run(inputs);
        for (Map.Entry<String, Tensor> output : expected.entrySet()) {
          noises
              .computeIfAbsent(output.getKey(), name -> new Noise())
              .add(output.getValue(), found.get(output.getKey()));
        }
      }
    }
    return noises.values().stream().mapToDouble(Noise::decibels).average().orElse(Noise.EXACT);
  }
}
