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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated
@ExtendWith(Runtime.class)
final class SpeedTest {
  /** In turns, so that what else the machine does meets both. */
  private static final int RUNS = 61;

  private static final int WARM_UP = 5;

  @Test
  void shouldNotBeSlowerThanFloatWhenProcessorHasTheInstructions(ModelRunner runner)
      throws Exception {
    IntegerInstructions instructions = IntegerInstructions.ofThisMachine();
    System.out.println(instructions);
    Samples images = Networks.samples(10, 1, 3, 64, 64);
    double ratio = ratio("convolutions", convolutions(), "x", images, runner);
    ratio("residual", TrainedNetwork.RESIDUAL, runner);
    ratio("detector", TrainedNetwork.DETECTOR, runner);
    ratio("encoder", TrainedNetwork.ENCODER, runner);
    assumeTrue(instructions.present(), instructions.toString());
    assertThat(ratio).isGreaterThan(1);
  }

  private static void ratio(String name, TrainedNetwork network, ModelRunner runner)
      throws Exception {
    ratio(name, network.model(), "input", network.calibration(), runner);
  }

  /**
   * Latency in FP32 over that in INT8, one thread, batches of one: of the fastest runs, since on a
   * machine that is busy most runs are interrupted; medians are printed.
   */
  private static double ratio(
      String name, OnnxModel model, String input, Samples samples, ModelRunner runner)
      throws QuantizerException {
    OnnxModel quantized =
        StaticQuantizer.calibrateAndQuantize(
                Preparation.prepare(model, runner),
                QuantizationOptions.forOnnxRuntime(),
                samples,
                true,
                runner,
                Progress.NONE)
            .model();
    Map<String, Tensor> inputs = Map.of(input, samples.inputs(0).get(input));
    double[] real = new double[RUNS];
    double[] integer = new double[RUNS];
    try (ModelRunner.Session first = runner.open(model);
        ModelRunner.Session second = runner.open(quantized)) {
      for (int i = -WARM_UP; i < RUNS; i++) {
        double a = millis(first, inputs);
        double b = millis(second, inputs);
        if (i >= 0) {
          real[i] = a;
          integer[i] = b;
        }
      }
    }
    Arrays.sort(real);
    Arrays.sort(integer);
    System.out.printf(
        "%s: median fp32=%.3f ms int8=%.3f ms, fastest fp32=%.3f ms int8=%.3f ms%n",
        name, real[RUNS / 2], integer[RUNS / 2], real[0], integer[0]);
    return real[0] / integer[0];
  }

  private static double millis(ModelRunner.Session session, Map<String, Tensor> inputs)
      throws QuantizerException {
    long start = System.nanoTime();
    session.run(inputs);
    return (System.nanoTime() - start) / 1e6;
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
