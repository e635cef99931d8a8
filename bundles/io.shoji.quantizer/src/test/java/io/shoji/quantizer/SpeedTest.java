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
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxGraph.Attribute;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Runtime.class)
final class SpeedTest {
  private static final int RUNS = 60;

  @Test
  void shouldNotBeSlowerThanFloatWhenProcessorHasTheInstructions(ModelRunner runner)
      throws Exception {
    OnnxModel model = convolutions();
    OnnxModel quantized =
        StaticQuantizer.calibrateAndQuantize(
                Preparation.prepare(model, runner),
                QuantizationOptions.forOnnxRuntime(),
                Networks.samples(10, 1, 3, 64, 64),
                true,
                runner,
                Progress.NONE)
            .model();
    Map<String, Tensor> input = Networks.samples(1, 1, 3, 64, 64).inputs(0);
    double real = fastestMillis(runner, model, input);
    double integer = fastestMillis(runner, quantized, input);
    System.out.printf("fp32=%.2f ms int8=%.2f ms ratio=%.2f%n", real, integer, real / integer);
    IntegerInstructions instructions = IntegerInstructions.ofThisMachine();
    assumeTrue(instructions.present(), instructions.toString());
    assertThat(integer).isLessThan(real);
  }

  private static double fastestMillis(
      ModelRunner runner, OnnxModel model, Map<String, Tensor> input) throws QuantizerException {
    long fastest = Long.MAX_VALUE;
    try (ModelRunner.Session session = runner.open(model)) {
      for (int i = 0; i < RUNS; i++) {
        long start = System.nanoTime();
        session.run(input);
        fastest = Math.min(fastest, System.nanoTime() - start);
      }
    }
    return fastest / 1e6;
  }

  private static OnnxModel convolutions() throws QuantizerException {
    Random random = new Random(1);
    OnnxGraph graph =
        new OnnxGraph("convolutions").input("x", ElementType.FLOAT32, Shape.of(1, 3, 64, 64));
    String last = "x";
    for (int i = 0; i < 6; i++) {
      int in = i == 0 ? 3 : 64;
      graph
          .constant("w" + i, Graphs.random(random, Math.sqrt(2.0 / in / 9), 64, in, 3, 3))
          .node(
              "Conv",
              List.of(last, "w" + i),
              List.of("c" + i),
              Attribute.ofInts("pads", 1, 1, 1, 1),
              Attribute.ofInts("strides", i == 0 ? 2 : 1, i == 0 ? 2 : 1))
          .node("Relu", List.of("c" + i), List.of("r" + i));
      last = "r" + i;
    }
    graph
        .node("GlobalAveragePool", List.of(last), List.of("y"))
        .output("y", ElementType.FLOAT32, Shape.of(1, 64, 1, 1));
    return OnnxModel.read(graph.toModel());
  }
}
