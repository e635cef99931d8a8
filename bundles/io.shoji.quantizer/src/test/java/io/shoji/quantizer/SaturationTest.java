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
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxGraph.Attribute;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values from -40 to 12 go into functions that are flat on the left. */
@ExtendWith(Runtime.class)
final class SaturationTest {
  private static final float LOW = -40;
  private static final float HIGH = 12;

  private static OnnxModel model(String function, boolean readOnceMore) throws Exception {
    OnnxGraph graph =
        new OnnxGraph("levels")
            .opset(14)
            .input("x", ElementType.FLOAT32, Shape.of(1, 64))
            .constant("root", Tensor.ofFloats(Shape.scalar(), (float) Math.sqrt(2)))
            .constant("inverse", Tensor.ofFloats(Shape.scalar(), (float) Math.sqrt(0.5)))
            .constant("one", Tensor.ofFloats(Shape.scalar(), 1))
            .constant("half", Tensor.ofFloats(Shape.scalar(), 0.5f));
    List<String> result = List.of("made");
    switch (function) {
      case "sigmoid" -> graph.node("Sigmoid", List.of("x"), result);
      case "tanh" -> graph.node("Tanh", List.of("x"), result);
      case "hard-swish" -> graph.node("HardSwish", List.of("x"), result);
      case "silu" ->
          graph
              .node("Sigmoid", List.of("x"), List.of("gate"))
              .node("Mul", List.of("gate", "x"), result);
      case "gated" ->
          graph
              .node("HardSigmoid", List.of("x"), List.of("gate"), Attribute.of("alpha", 1 / 6f))
              .node("Mul", List.of("x", "gate"), result);
      case "gelu", "gelu-mul" ->
          graph
              .node(
                  function.equals("gelu") ? "Div" : "Mul",
                  List.of("x", function.equals("gelu") ? "root" : "inverse"),
                  List.of("scaled"))
              .node("Erf", List.of("scaled"), List.of("erf"))
              .node("Add", List.of("erf", "one"), List.of("gate"))
              .node("Mul", List.of("x", "gate"), List.of("twice"))
              .node("Mul", List.of("twice", "half"), result);
      default -> throw new IllegalArgumentException(function);
    }
    graph
        .constant("w", Graphs.random(new Random(3), 0.2, 64, 8))
        .node("MatMul", List.of("made", "w"), List.of("y"))
        .output("y", ElementType.FLOAT32, Shape.of(1, 8));
    if (readOnceMore) {
      graph
          .node("MatMul", List.of("x", "w"), List.of("z"))
          .output("z", ElementType.FLOAT32, Shape.of(1, 8));
    }
    return OnnxModel.read(graph.toModel());
  }

  private static Samples samples() {
    return new Samples() {
      @Override
      public int size() {
        return 100;
      }

      @Override
      public Map<String, Tensor> inputs(int index) {
        Random random = new Random(index);
        Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 64));
        for (int i = 0; i < 64; i++) {
          tensor.setFloat(i, LOW + (HIGH - LOW) * random.nextFloat());
        }
        return Map.of("x", tensor);
      }
    };
  }

  private static StaticQuantizer.Quantized quantized(OnnxModel model, ModelRunner runner)
      throws Exception {
    return StaticQuantizer.calibrateAndQuantize(
        Preparation.prepare(model, runner),
        QuantizationOptions.forIntegersOnly(),
        samples(),
        false,
        runner,
        Progress.NONE);
  }

  /** Lowest and highest value that matter at 8 bits of a result of this size. */
  @ParameterizedTest
  @CsvSource({
    "sigmoid, -6.24, 6.24",
    "tanh, -3.12, 3.12",
    "hard-swish, -3, 12",
    "silu, -5.4, 12",
    "gated, -3, 12",
    "gelu, -2.35, 12",
    "gelu-mul, -2.35, 12"
  })
  void shouldSpendNoStepsWhereFunctionIsLevel(
      String function, double low, double high, ModelRunner runner) throws Exception {
    OnnxModel model = model(function, false);
    StaticQuantizer.Quantized quantized = quantized(model, runner);
    Range range = quantized.activations().get("x").range();
    assertThat((double) range.low()).isBetween(low - 0.3, low + 0.3);
    assertThat((double) range.high()).isBetween(high - 0.3, high + 0.3);
    double decibels =
        BudgetedQuantizer.signalToNoise(model, quantized.model(), samples(), runner, Progress.NONE);
    StaticQuantizer.Quantized whole = quantized(model(function, true), runner);
    assertThat(whole.activations().get("x").range().low()).isLessThan(-39);
    double before =
        BudgetedQuantizer.signalToNoise(
            model, only(whole.model(), "y"), samples(), runner, Progress.NONE);
    assertThat(decibels).isGreaterThan(before);
  }

  private static OnnxModel only(OnnxModel model, String output) {
    model.graph().outputs().removeIf(each -> !each.getName().equals(output));
    model.graph().removeUnused();
    return model;
  }
}
