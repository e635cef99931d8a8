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
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packages of this repository as TensorFlow Lite models, on all golden samples. */
@ExtendWith(Runtime.class)
final class TflitePackagesTest {
  @ParameterizedTest
  @CsvSource({
    "digits, image, INT8, 0.992", "digits, image, UINT8, 0.992", "digits, image, FLOAT32, 0.992",
    "bearing, window, INT8, 0.99", "bearing, window, UINT8, 0.99", "bearing, window, FLOAT32, 0.99"
  })
  void shouldAnswerAsOnnxWhenPackageIsConverted(
      String name, String input, ElementType io, double least, ModelRunner runner)
      throws Exception {
    Golden samples = Golden.of(name, input);
    OnnxModel model = Golden.model(name);
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    OnnxModel quantized =
        StaticQuantizer.calibrateAndQuantize(
                prepared,
                QuantizationOptions.forIntegersOnly(),
                samples.part(0, 100),
                false,
                runner,
                Progress.NONE)
            .model();
    TfliteConverter.Converted converted =
        TfliteConverter.convert(quantized, runner, new TfliteOptions(io));
    assertThat(TfliteConverter.convert(quantized, runner, new TfliteOptions(io)).content())
        .isEqualTo(converted.content());
    assertThat(converted.content().length).isLessThan((int) (0.30 * model.toBytes().length));
    assertThat(converted.inputs()).hasSize(1).allMatch(spec -> spec.type() == io);
    assertThat(converted.outputs()).hasSize(1).allMatch(spec -> spec.type() == io);
    assertThat(converted.model().operatorCounts()).doesNotContainKeys("TRANSPOSE", "PAD");
    // In floating point the conversion at the borders stays on the CPU.
    assertThat(converted.coverage().warning().isEmpty()).isEqualTo(io != ElementType.FLOAT32);
    int onnxRight = 0;
    int right = 0;
    int same = 0;
    try (ModelRunner.Session onnx = runner.open(quantized);
        TfliteRuntime.Session tflite = new TfliteRuntime.Session(converted.content(), true)) {
      for (int i = 0; i < samples.size(); i++) {
        Map<String, Tensor> sample = samples.inputs(i);
        long label = samples.expected(i).getLong(0);
        int first = best(onnx.run(sample).get("logits"));
        Tensor given = TfliteRuntime.given(sample.get(input), converted.inputs().get(0));
        int second = best(tflite.run(List.of(given)).get(0));
        onnxRight += first == label ? 1 : 0;
        right += second == label ? 1 : 0;
        same += first == second ? 1 : 0;
      }
    }
    assertThat((double) right / samples.size()).isGreaterThanOrEqualTo(least);
    assertThat((double) Math.abs(right - onnxRight) / samples.size()).isLessThanOrEqualTo(0.002);
    assertThat((double) same / samples.size()).isGreaterThanOrEqualTo(0.998);
  }

  private static int best(Tensor logits) {
    int best = 0;
    for (int c = 1; c < logits.elementCount(); c++) {
      best = value(logits, c) > value(logits, best) ? c : best;
    }
    return best;
  }

  private static double value(Tensor tensor, int index) {
    return tensor.type() == ElementType.FLOAT32 ? tensor.getFloat(index) : tensor.getLong(index);
  }
}
