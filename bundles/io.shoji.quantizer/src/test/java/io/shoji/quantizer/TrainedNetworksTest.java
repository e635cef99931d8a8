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
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.OpsetUpgrade;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Proof;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trained networks as their exporter wrote them, calibrated on one set, measured on another. */
@ExtendWith(Runtime.class)
@TestInstance(Lifecycle.PER_CLASS)
final class TrainedNetworksTest {
  private static final double POINTS = 0.01;
  private static final double MOST = 1.5 * POINTS;

  private final Map<TrainedNetwork, Calibrated> calibrated = new HashMap<>();

  private record Calibrated(Preparation.Prepared prepared, Calibration calibration) {}

  private Calibrated calibrated(TrainedNetwork network, ModelRunner runner)
      throws QuantizerException, IOException {
    Calibrated known = calibrated.get(network);
    if (known != null) {
      return known;
    }
    Preparation.Prepared prepared = Preparation.prepare(network.model(), runner);
    Calibration calibration =
        Calibration.run(
            prepared.model(),
            StaticQuantizer.watched(prepared),
            prepared.tensors(),
            network.calibration(),
            false,
            runner,
            Progress.NONE);
    Calibrated made = new Calibrated(prepared, calibration);
    calibrated.put(network, made);
    return made;
  }

  private static double measure(TrainedNetwork network, OnnxModel model, ModelRunner runner)
      throws QuantizerException, IOException {
    return BudgetedQuantizer.evaluate(
        model, network.evaluation(), network.metric(), runner, Progress.NONE);
  }

  @ParameterizedTest
  @EnumSource
  void shouldStayWithinBudgetWhenNetworkIsQuantized(TrainedNetwork network, ModelRunner runner)
      throws Exception {
    Calibrated from = calibrated(network, runner);
    BudgetedQuantizer.Outcome outcome =
        BudgetedQuantizer.quantize(
            from.prepared(),
            from.calibration(),
            QuantizationOptions.forOnnxRuntime(),
            network.evaluation(),
            AccuracyBudget.maxDrop(network.metric(), MOST),
            runner,
            Progress.NONE);
    System.out.printf(
        "%s %s fp32=%.4f int8=%.4f result=%.4f returned=%s%n",
        network,
        network.metric(),
        outcome.baseline(),
        outcome.integer(),
        outcome.value(),
        outcome.returned());
    // Good, but not so good that nothing could be lost.
    assertThat(outcome.baseline()).isBetween(0.6, 0.98);
    assertThat(outcome.value()).isGreaterThanOrEqualTo(outcome.baseline() - MOST - 1e-9);
    assertThat(outcome.returned()).hasSizeLessThanOrEqualTo(3);
    assertThat(outcome.quantized().integerLayers()).hasSizeGreaterThan(20);
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepMostOfItWhenCalibratedByAnyMethod(TrainedNetwork network, ModelRunner runner)
      throws Exception {
    Calibrated from = calibrated(network, runner);
    double before = measure(network, network.model(), runner);
    double best = 0;
    for (CalibrationMethod method : CalibrationMethod.values()) {
      OnnxModel quantized =
          StaticQuantizer.quantize(
                  from.prepared(),
                  from.calibration(),
                  QuantizationOptions.forOnnxRuntime().with(method))
              .model();
      double after = measure(network, quantized, runner);
      System.out.printf("%s %s fp32=%.4f int8=%.4f%n", network, method, before, after);
      assertThat(after).as("%s", method).isGreaterThan(before - 7 * POINTS);
      best = Math.max(best, after);
    }
    assertThat(best).isGreaterThanOrEqualTo(before - POINTS);
  }

  @Test
  void shouldTakeRangesOfAnotherMethodWhenThoseAskedForMissTheBudget(ModelRunner runner)
      throws Exception {
    TrainedNetwork network = TrainedNetwork.DETECTOR;
    Calibrated from = calibrated(network, runner);
    BudgetedQuantizer.Outcome outcome =
        BudgetedQuantizer.quantize(
            from.prepared(),
            from.calibration(),
            QuantizationOptions.forOnnxRuntime().with(CalibrationMethod.MOVING_AVERAGE),
            network.evaluation(),
            AccuracyBudget.maxDrop(network.metric(), MOST),
            runner,
            Progress.NONE);
    assertThat(outcome.integer()).isLessThan(outcome.baseline() - MOST);
    assertThat(outcome.value()).isGreaterThanOrEqualTo(outcome.baseline() - MOST - 1e-9);
    assertThat(outcome.method()).isNotEqualTo(CalibrationMethod.MOVING_AVERAGE);
    assertThat(outcome.methods())
        .containsEntry(CalibrationMethod.MOVING_AVERAGE, outcome.integer())
        .containsEntry(outcome.method(), outcome.value());
    assertThat(outcome.returned()).isEmpty();
  }

  @Test
  void shouldSayWhatStaysInFloatWhenIntegersAloneMissTheBudget(ModelRunner runner)
      throws Exception {
    TrainedNetwork network = TrainedNetwork.DETECTOR;
    Calibrated from = calibrated(network, runner);
    double best = 0;
    for (CalibrationMethod method : CalibrationMethod.values()) {
      QuantizationOptions options = QuantizationOptions.forOnnxRuntime().with(method);
      OnnxModel model =
          StaticQuantizer.quantize(from.prepared(), from.calibration(), options).model();
      best = Math.max(best, measure(network, model, runner));
    }
    // Half of what integers alone lose with the best of the ranges.
    double tight = (measure(network, network.model(), runner) - best) / 2;
    assumeTrue(tight > 0, "on this processor INT8 loses nothing");
    BudgetedQuantizer.Outcome outcome =
        BudgetedQuantizer.quantize(
            from.prepared(),
            from.calibration(),
            QuantizationOptions.forOnnxRuntime(),
            network.evaluation(),
            AccuracyBudget.maxDrop(network.metric(), tight),
            runner,
            Progress.NONE);
    System.out.printf(
        "%s maxDrop=%s methods=%s method=%s result=%.4f returned=%s%n",
        network, tight, outcome.methods(), outcome.method(), outcome.value(), outcome.returned());
    assertThat(outcome.methods()).hasSize(CalibrationMethod.values().length);
    assertThat(outcome.value()).isGreaterThanOrEqualTo(outcome.baseline() - tight - 1e-9);
    assertThat(outcome.returned()).isNotEmpty();
    assertThat(outcome.quantized().layers())
        .filteredOn(layer -> outcome.returned().contains(layer.name()))
        .hasSameSizeAs(outcome.returned())
        .allMatch(layer -> layer.reason().equals("kept in FP32 as asked"));
  }

  @ParameterizedTest
  @EnumSource
  void shouldLoadAndAgreeWhenOperatorSetIsAnyFrom13To21(TrainedNetwork network, ModelRunner runner)
      throws Exception {
    Samples calibration = network.calibration();
    for (int opset = 13; opset <= 21; opset += Proof.rounds(4, 1)) {
      OnnxModel model = network.model();
      OnnxModel upgraded = OpsetUpgrade.upgrade(model, opset, runner.describe(model));
      assertThat(upgraded.opset()).isEqualTo(opset);
      Preparation.Prepared prepared = Preparation.prepare(upgraded, runner);
      StaticQuantizer.Quantized quantized =
          StaticQuantizer.quantize(
              prepared,
              calibrated(network, runner).calibration(),
              QuantizationOptions.forOnnxRuntime());
      assertThat(quantized.model().opset()).isEqualTo(opset);
      assertThat(
              BudgetedQuantizer.signalToNoise(
                  model, quantized.model(), first(calibration), runner, Progress.NONE))
          .as("opset %d", opset)
          .isGreaterThan(25);
    }
  }

  private static Samples first(Samples all) {
    return new Samples() {
      @Override
      public int size() {
        return 10;
      }

      @Override
      public Map<String, Tensor> inputs(int index) throws QuantizerException {
        return all.inputs(index);
      }
    };
  }

  @ParameterizedTest
  @EnumSource
  void shouldObeyRulesOfTensorRtWhenItIsTheTarget(TrainedNetwork network, ModelRunner runner)
      throws Exception {
    Calibrated from = calibrated(network, runner);
    OnnxModel model =
        StaticQuantizer.quantize(
                from.prepared(), from.calibration(), QuantizationOptions.forTensorRt())
            .model();
    TensorRtRules.check(model);
    double before = measure(network, network.model(), runner);
    assertThat(measure(network, model, runner)).isGreaterThan(before - 10 * POINTS);
  }
}
