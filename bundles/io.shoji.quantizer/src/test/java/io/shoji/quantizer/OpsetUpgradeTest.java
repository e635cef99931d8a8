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

import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.OpsetUpgrade;
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
final class OpsetUpgradeTest {
  private static OnnxGraph start(int opset) {
    return new OnnxGraph("old").opset(opset).input("x", ElementType.FLOAT32, Shape.of(1, 4, 6, 6));
  }

  /** Every operator that changed between 7 and 13, as the version says it. */
  private static OnnxModel old(int opset) throws Exception {
    OnnxGraph graph = start(opset);
    if (opset < 11) {
      graph
          .node(
              "Clip",
              List.of("x"),
              List.of("clip"),
              Attribute.of("min", -0.5f),
              Attribute.of("max", 1f))
          .node(
              "Pad",
              List.of("clip"),
              List.of("pad"),
              Attribute.ofInts("pads", 0, 0, 1, 1, 0, 0, 1, 1),
              Attribute.of("value", 0.25f));
    } else {
      graph
          .constant("low", Tensor.ofFloats(Shape.scalar(), -0.5f))
          .node("Clip", List.of("x", "low"), List.of("pad"));
    }
    if (opset < 10) {
      graph.node(
          "Slice",
          List.of("pad"),
          List.of("slice"),
          Attribute.ofInts("starts", 1, 0),
          Attribute.ofInts("ends", 3, 5),
          Attribute.ofInts("axes", 1, 2));
      Attribute mode = Attribute.of("mode", "nearest");
      if (opset < 9) {
        graph.constant("unused", Tensor.ofFloats(Shape.of(1), 1));
        graph.node("Relu", List.of("slice"), List.of("up"));
      } else {
        graph
            .constant("scales", Tensor.ofFloats(Shape.of(4), 1, 1, 2, 2))
            .node("Upsample", List.of("slice", "scales"), List.of("up"), mode);
      }
    } else if (opset == 10) {
      graph
          .constant("scales", Tensor.ofFloats(Shape.of(4), 1, 1, 2, 2))
          .node("Resize", List.of("pad", "scales"), List.of("up"), Attribute.of("mode", "linear"));
    } else {
      graph.node("Relu", List.of("pad"), List.of("up"));
    }
    graph
        .node("Dropout", List.of("up"), List.of("drop"))
        .node(
            "ReduceSum",
            List.of("drop"),
            List.of("sum"),
            Attribute.ofInts("axes", 2),
            Attribute.of("keepdims", 1))
        .node("Squeeze", List.of("sum"), List.of("squeeze"), Attribute.ofInts("axes", 2))
        .node("Unsqueeze", List.of("squeeze"), List.of("unsqueeze"), Attribute.ofInts("axes", 1))
        .node("Split", List.of("unsqueeze"), List.of("left", "right"), Attribute.of("axis", 2))
        .node("Add", List.of("left", "right"), List.of("add"))
        .node("Softmax", List.of("add"), List.of("soft"), Attribute.of("axis", 3))
        .node("ReduceMean", List.of("soft"), List.of("y"), Attribute.ofInts("axes", 1, 2))
        .output("y", OnnxGraph.tensorTypeOfAnyShape(ElementType.FLOAT32));
    return OnnxModel.read(graph.toModel());
  }

  @Test
  void shouldComputeTheSameWhenOperatorSetIsNewer(ModelRunner runner) throws Exception {
    Map<String, Tensor> input = Map.of("x", Graphs.random(new Random(1), 1, 1, 4, 6, 6));
    for (int opset = 7; opset <= 12; opset++) {
      OnnxModel model = old(opset);
      for (long target : new long[] {13, 15, 18, 21}) {
        OnnxModel upgraded = OpsetUpgrade.upgrade(model, target, runner.describe(model));
        assertThat(upgraded.opset()).isEqualTo(target);
        assertThat(Graphs.difference(runner, model, upgraded, input))
            .as("%d to %d", opset, target)
            .isLessThan(1e-6);
      }
      Preparation.Prepared prepared = Preparation.prepare(model, runner);
      assertThat(prepared.model().opset()).isEqualTo(13);
      assertThat(prepared.steps()).anyMatch(step -> step.startsWith("upgraded"));
      assertThat(Graphs.difference(runner, model, prepared.model(), input)).isLessThan(1e-6);
    }
  }

  @Test
  void shouldRefuseAndNameNodeWhenThereIsNoWayToSayIt(ModelRunner runner) throws Exception {
    OnnxModel model =
        OnnxModel.read(
            start(11)
                .node("Softmax", List.of("x"), List.of("y"), Attribute.of("axis", 1))
                .output("y", ElementType.FLOAT32, Shape.of(1, 4, 6, 6))
                .toModel());
    assertThatThrownBy(() -> Preparation.prepare(model, runner))
        .hasMessageContainingAll("UNSUPPORTED", "Softmax_y", "axis=1", "rank=4");
    assertThat(OpsetUpgrade.upgrade(model, 9, Map.of()).opset()).isEqualTo(11);
  }
}
