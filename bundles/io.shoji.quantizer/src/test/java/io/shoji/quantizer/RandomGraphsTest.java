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
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxGraph.Attribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Graphs drawn at random: tensors read several times, outputs in the middle, weights shared, inputs
 * that are outputs, chains of what moves values. Whatever comes, the result loads, has the same
 * inputs and outputs, and says nearly the same.
 */
@ExtendWith(Runtime.class)
final class RandomGraphsTest {
  private static final int CHANNELS = 4;
  private static final int SIZE = 6;
  private static final int GRAPHS = 15;

  @ParameterizedTest
  @ValueSource(strings = {"onnxruntime", "tensorrt", "integers", "half", "dynamic"})
  void shouldLoadAndAgreeWhateverTheGraph(String target, ModelRunner runner) throws Exception {
    for (int seed = 0; seed < GRAPHS; seed++) {
      OnnxModel model = draw(seed);
      String graph = seed + " " + model.graph().nodes();
      Preparation.Prepared prepared = Preparation.prepare(model, runner);
      OnnxModel quantized =
          switch (target) {
            case "half" -> HalfPrecision.convert(prepared, Set.of()).model();
            case "dynamic" -> DynamicQuantizer.quantize(prepared.model()).model();
            default ->
                StaticQuantizer.calibrateAndQuantize(
                        prepared,
                        switch (target) {
                          case "tensorrt" ->
                              QuantizationOptions.forTensorRt().with(CalibrationMethod.MIN_MAX);
                          case "integers" -> QuantizationOptions.forIntegersOnly();
                          default -> QuantizationOptions.forOnnxRuntime();
                        },
                        Networks.samples(10, 1, CHANNELS, SIZE, SIZE),
                        true,
                        runner,
                        Progress.NONE)
                    .model();
          };
      assertThat(quantized.graph().nodes())
          .as(graph)
          .extracting(Node::name)
          .doesNotHaveDuplicates();
      assertThat(quantized.graph().outputs()).as(graph).isEqualTo(model.graph().outputs());
      try (ModelRunner.Session before = runner.open(model);
          ModelRunner.Session after = runner.open(quantized)) {
        assertThat(after.inputs()).as(graph).isEqualTo(before.inputs());
        assertThat(after.outputs())
            .as(graph)
            .extracting(TensorSpec::name)
            .isEqualTo(before.outputs().stream().map(TensorSpec::name).toList());
      }
      double decibels =
          BudgetedQuantizer.signalToNoise(
              prepared.model(),
              quantized,
              Networks.samples(5, 1, CHANNELS, SIZE, SIZE),
              runner,
              Progress.NONE);
      assertThat(decibels).as(graph).isGreaterThan(15);
    }
  }

  private static OnnxModel draw(int seed) throws Exception {
    Random random = new Random(seed);
    OnnxGraph graph =
        new OnnxGraph("random")
            .opset(15)
            .input("x", ElementType.FLOAT32, Shape.of(1, CHANNELS, SIZE, SIZE))
            .constant("shared", Graphs.random(random, 0.4, CHANNELS, CHANNELS, 1, 1))
            .constant("bias", Graphs.random(random, 0.1, CHANNELS))
            .constant("zero", Tensor.ofFloats(Shape.scalar(), 0))
            .constant("six", Tensor.ofFloats(Shape.scalar(), 6))
            .constant("square", Graphs.random(random, 0.4, SIZE, SIZE))
            .constant("half", Tensor.ofFloats(Shape.of(1, CHANNELS, 1, 1), 0.5f, 1, -1, 0.2f));
    // Every tensor is of one shape, so that any node can read any.
    List<String> tensors = new ArrayList<>(List.of("x"));
    int count = 4 + random.nextInt(10);
    for (int i = 0; i < count; i++) {
      String from = tensors.get(Math.max(0, tensors.size() - 1 - random.nextInt(3)));
      String other = tensors.get(random.nextInt(tensors.size()));
      String to = "t" + i;
      switch (random.nextInt(16)) {
        case 0, 1, 2 -> graph.node("Conv", List.of(from, "shared", "bias"), List.of(to));
        case 3 -> {
          graph.node("Conv", List.of(from, "shared"), List.of(to + "c"));
          graph.node("Relu", List.of(to + "c"), List.of(to));
        }
        case 4 -> {
          graph.node("Conv", List.of(from, "shared"), List.of(to + "c"));
          graph.node("Clip", List.of(to + "c", "zero", "six"), List.of(to));
        }
        case 5 -> graph.node("MatMul", List.of(from, "square"), List.of(to));
        case 6 -> graph.node("Add", List.of(from, other), List.of(to));
        case 7 -> graph.node("Mul", List.of(from, "half"), List.of(to));
        case 8 -> {
          graph.node("Concat", List.of(from, other), List.of(to + "c"), Attribute.of("axis", 1));
          graph.node("Split", List.of(to + "c"), List.of(to, to + "b"), Attribute.of("axis", 1));
          tensors.add(to + "b");
        }
        case 9 ->
            graph.node(
                "MaxPool",
                List.of(from),
                List.of(to),
                Attribute.ofInts("kernel_shape", 3, 3),
                Attribute.ofInts("pads", 1, 1, 1, 1));
        case 10 -> graph.node("Sigmoid", List.of(from), List.of(to));
        case 11 -> graph.node("Relu", List.of(from), List.of(to));
        case 12 -> graph.node("Softplus", List.of(from), List.of(to));
        case 13 -> {
          graph.node(
              "Transpose", List.of(from), List.of(to + "t"), Attribute.ofInts("perm", 0, 1, 3, 2));
          graph.node(
              "Transpose", List.of(to + "t"), List.of(to), Attribute.ofInts("perm", 0, 1, 3, 2));
        }
        case 14 -> graph.node("Identity", List.of(from), List.of(to));
        default -> graph.node("Softmax", List.of(from), List.of(to), Attribute.of("axis", 1));
      }
      tensors.add(to);
    }
    String last = tensors.get(tensors.size() - 1);
    graph.output(last, ElementType.FLOAT32, Shape.of(1, CHANNELS, SIZE, SIZE));
    for (String tensor : tensors) {
      if (!tensor.equals(last) && !tensor.equals("x") && random.nextInt(5) == 0) {
        graph.output(tensor, ElementType.FLOAT32, Shape.of(1, CHANNELS, SIZE, SIZE));
      }
    }
    return OnnxModel.read(graph.toModel());
  }
}
