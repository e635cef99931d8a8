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

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packages of this repository, calibrated on training data, measured on golden samples. */
@ExtendWith(Runtime.class)
final class SamplePackagesTest {
  @ParameterizedTest
  @CsvSource({"digits, image", "bearing, window"})
  void shouldStayWithinOnePointAndFuseWhenPackageIsQuantized(
      String name, String input, ModelRunner runner, @TempDir Path folder) throws Exception {
    Golden samples = Golden.of(name, input);
    OnnxModel model = Golden.model(name);
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    Calibration calibration =
        Calibration.run(
            prepared.model(),
            StaticQuantizer.watched(prepared),
            prepared.tensors(),
            Golden.calibration(name, input),
            false,
            runner,
            Progress.NONE);
    double before = accuracy(runner, model, samples);
    for (CalibrationMethod method : CalibrationMethod.values()) {
      QuantizationOptions options = QuantizationOptions.forOnnxRuntime().with(method);
      OnnxModel quantized = StaticQuantizer.quantize(prepared, calibration, options).model();
      double after = accuracy(runner, quantized, samples);
      System.out.printf("%s %s fp32=%.3f int8=%.3f%n", name, method, before, after);
      assertThat(after).as("%s", method).isGreaterThanOrEqualTo(before - 0.01);
    }
    OnnxModel quantized =
        StaticQuantizer.quantize(prepared, calibration, QuantizationOptions.forOnnxRuntime())
            .model();
    int size = quantized.toBytes().length;
    assertThat(size).isLessThan((int) (0.30 * model.toBytes().length));
    List<String> fused = FusedGraph.operators(quantized, folder);
    assertThat(fused)
        .contains("QLinearConv", "QGemm")
        .doesNotContain("Conv", "Gemm", "Relu", "DequantizeLinear");
    assertThat(fused).filteredOn(operator -> operator.equals("QuantizeLinear")).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"digits, image", "bearing, window"})
  void shouldAnswerAsInFloatWhenPackageIsInHalfPrecision(
      String name, String input, ModelRunner runner) throws Exception {
    Golden samples = Golden.of(name, input);
    OnnxModel model = Golden.model(name);
    HalfPrecision.Converted half =
        HalfPrecision.convert(Preparation.prepare(model, runner), Set.of());
    assertThat(half.inFloat()).isEmpty();
    assertThat(accuracy(runner, half.model(), samples)).isEqualTo(accuracy(runner, model, samples));
    int size = half.model().toBytes().length;
    assertThat(size).isLessThan((int) (0.53 * model.toBytes().length));
    double decibels =
        BudgetedQuantizer.signalToNoise(model, half.model(), samples, runner, Progress.NONE);
    assertThat(decibels).isGreaterThan(50);
  }

  private static double accuracy(ModelRunner runner, OnnxModel model, Golden samples)
      throws Exception {
    int right = 0;
    try (ModelRunner.Session session = runner.open(model)) {
      for (int i = 0; i < samples.size(); i++) {
        Tensor logits = session.run(samples.inputs(i)).get("logits");
        int best = 0;
        for (int c = 1; c < logits.elementCount(); c++) {
          best = logits.getFloat(c) > logits.getFloat(best) ? c : best;
        }
        right += best == samples.expected(i).getLong(0) ? 1 : 0;
      }
    }
    return (double) right / samples.size();
  }
}
