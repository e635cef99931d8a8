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

import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
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
final class PreparationTest {
  private static final double TOLERANCE = 2e-6;

  private final Random random = new Random(5);

  @Test
  void shouldFoldNormIntoEachKindOfLayerWhenItFollows(ModelRunner runner) throws Exception {
    for (int seed = 0; seed < 6; seed++) {
      int groups = seed % 2 == 0 ? 1 : 2;
      OnnxGraph graph =
          new OnnxGraph("norms")
              .input("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4, 6, 6))
              .constant("w1", Graphs.random(random, 1, 8, 4 / groups, 3, 3))
              .constant("b1", Graphs.random(random, 1, 8))
              .node(
                  "Conv",
                  List.of("x", "w1", "b1"),
                  List.of("c1"),
                  Attribute.of("group", groups),
                  Attribute.ofInts("pads", 1, 1, 1, 1));
      norm(graph, "c1", "n1", 8);
      graph
          .node("Relu", List.of("n1"), List.of("r1"))
          .constant("w2", Graphs.random(random, 1, 8, 6 / groups, 2, 2))
          .node(
              "ConvTranspose",
              List.of("r1", "w2"),
              List.of("c2"),
              Attribute.of("group", groups),
              Attribute.ofInts("strides", 2, 2));
      norm(graph, "c2", "n2", 6);
      graph
          .node("GlobalAveragePool", List.of("n2"), List.of("p"))
          .node("Flatten", List.of("p"), List.of("f"))
          .constant("w3", Graphs.random(random, 1, 6, 5))
          .node("Gemm", List.of("f", "w3"), List.of("g"), Attribute.of("alpha", 0.5f));
      norm(graph, "g", "n3", 5);
      OnnxModel model =
          OnnxModel.read(
              graph.output("n3", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 5)).toModel());
      OnnxModel prepared = Preparation.prepare(model, runner).model();
      assertThat(prepared.graph().nodes())
          .extracting(Node::operator)
          .containsExactly("Conv", "Relu", "ConvTranspose", "GlobalAveragePool", "Flatten", "Gemm");
      Map<String, Tensor> input = Map.of("x", Graphs.random(random, 1, 3, 4, 6, 6));
      assertThat(Graphs.difference(runner, model, prepared, input)).isLessThan(TOLERANCE);
    }
  }

  private void norm(OnnxGraph graph, String from, String to, int channels) {
    Tensor variance = Graphs.random(random, 1, channels);
    for (int i = 0; i < channels; i++) {
      variance.setFloat(i, Math.abs(variance.getFloat(i)) + 0.1f);
    }
    graph
        .constant(to + "s", Graphs.random(random, 1, channels))
        .constant(to + "b", Graphs.random(random, 1, channels))
        .constant(to + "m", Graphs.random(random, 1, channels))
        .constant(to + "v", variance)
        .node(
            "BatchNormalization",
            List.of(from, to + "s", to + "b", to + "m", to + "v"),
            List.of(to),
            Attribute.of("epsilon", 0.01f));
  }

  @Test
  void shouldKeepNormWhenAnotherNodeReadsTheLayer(ModelRunner runner) throws Exception {
    OnnxGraph graph =
        new OnnxGraph("shared")
            .input("x", ElementType.FLOAT32, Shape.of(1, 4, 6, 6))
            .constant("w1", Graphs.random(random, 1, 4, 4, 1, 1))
            .node("Conv", List.of("x", "w1"), List.of("c1"));
    norm(graph, "c1", "n1", 4);
    graph.node("Add", List.of("c1", "n1"), List.of("y"));
    OnnxModel model =
        OnnxModel.read(graph.output("y", ElementType.FLOAT32, Shape.of(1, 4, 6, 6)).toModel());
    OnnxModel prepared = Preparation.prepare(model, runner).model();
    assertThat(prepared.graph().nodes()).hasSize(3);
    Map<String, Tensor> input = Map.of("x", Graphs.random(random, 1, 1, 4, 6, 6));
    assertThat(Graphs.difference(runner, model, prepared, input)).isLessThan(TOLERANCE);
  }

  @Test
  void shouldComputeConstantsOnceWhenNothingOfThemDependsOnInputs(ModelRunner runner)
      throws Exception {
    OnnxGraph graph =
        new OnnxGraph("constants")
            .input("x", ElementType.FLOAT32, Shape.of(2, 3, 4))
            .constant("a", Graphs.random(random, 1, 4, 5))
            .constant("one", Tensor.ofFloats(Shape.scalar(), 1))
            .node("Shape", List.of("x"), List.of("s"))
            .node("Gather", List.of("s", "index"), List.of("batch"), Attribute.of("axis", 0))
            .constant("index", index(0))
            .constant("rest", index(-1))
            .node("Concat", List.of("batch", "rest"), List.of("target"), Attribute.of("axis", 0))
            .node("Transpose", List.of("a"), List.of("at"))
            .node("Add", List.of("at", "one"), List.of("at1"))
            .node("Transpose", List.of("at1"), List.of("w"))
            .node("Identity", List.of("x"), List.of("x1"))
            .node("Dropout", List.of("x1"), List.of("x2"))
            .node("MatMul", List.of("x2", "w"), List.of("m"))
            .node("Reshape", List.of("m", "target"), List.of("r"))
            .node("Identity", List.of("r"), List.of("y"));
    OnnxModel model =
        OnnxModel.read(graph.output("y", ElementType.FLOAT32, Shape.of(2, 15)).toModel());
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    assertThat(prepared.model().graph().nodes())
        .extracting(Node::operator)
        .containsExactly("MatMul", "Reshape");
    assertThat(prepared.model().graph().constants()).hasSize(2);
    assertThat(prepared.tensors().get("m").shape()).isEqualTo(Shape.of(2, 3, 5));
    Map<String, Tensor> input = Map.of("x", Graphs.random(random, 1, 2, 3, 4));
    assertThat(Graphs.difference(runner, model, prepared.model(), input)).isLessThan(TOLERANCE);
  }

  /** As exporters write heads of an attention: sizes read from a tensor, divided, put together. */
  @Test
  void shouldComputeSizesOnceWhenOnlyTheBatchIsDynamic(ModelRunner runner) throws Exception {
    Tensor scalar = Tensor.allocate(ElementType.INT64, Shape.scalar());
    scalar.setLong(0, 2);
    OnnxGraph graph =
        new OnnxGraph("sizes")
            .input("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4, 6))
            .constant("rest", index(-1))
            .constant("two", scalar)
            .constant("ends", index(3))
            .constant("begin", index(1))
            .constant("zero", index(0));
    String last = "x";
    for (int i = 0; i < 3; i++) {
      String b = "b" + i;
      graph
          .node("Shape", List.of(last), List.of(b + "s"))
          .node("Gather", List.of(b + "s", "two"), List.of(b + "width"))
          .node("Div", List.of(b + "width", "two"), List.of(b + "half"))
          .node("Cast", List.of(b + "half"), List.of(b + "float"), Attribute.of("to", 1))
          .node("Cast", List.of(b + "float"), List.of(b + "int"), Attribute.of("to", 7))
          .node("Unsqueeze", List.of(b + "int", "zero"), List.of(b + "u"))
          .node(
              "Concat",
              List.of("rest", "begin", b + "u"),
              List.of(b + "target"),
              Attribute.of("axis", 0))
          .node("Reshape", List.of(last, b + "target"), List.of(b + "split"))
          .node("Tanh", List.of(b + "split"), List.of(b + "t"))
          .node("Slice", List.of(b + "s", "begin", "ends"), List.of(b + "tail"))
          .node("Concat", List.of("rest", b + "tail"), List.of(b + "back"), Attribute.of("axis", 0))
          .node("Reshape", List.of(b + "t", b + "back"), List.of(b));
      last = b;
    }
    OnnxModel model =
        OnnxModel.read(
            graph
                .node("Relu", List.of(last), List.of("y"))
                .output("y", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4, 6))
                .toModel());
    assertThat(runner.describe(model)).doesNotContainKeys("b0split", "b0t", "b1t");
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    assertThat(prepared.model().graph().nodes())
        .extracting(Node::operator)
        .containsOnly("Reshape", "Tanh", "Relu");
    for (Node node : prepared.model().graph().nodes()) {
      assertThat(prepared.tensors().get(node.output()).shape().rank()).isEqualTo(3);
    }
    Map<String, Tensor> input = Map.of("x", Graphs.random(random, 1, 2, 4, 6));
    assertThat(Graphs.difference(runner, model, prepared.model(), input)).isLessThan(TOLERANCE);
  }

  private static Tensor index(long value) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, Shape.of(1));
    tensor.setLong(0, value);
    return tensor;
  }

  @Test
  void shouldPutBiasIntoLayerWhenItIsAddedAfterwards(ModelRunner runner) throws Exception {
    OnnxGraph graph =
        new OnnxGraph("bias")
            .input("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4, 5))
            .constant("w1", Graphs.random(random, 1, 6, 4, 3))
            .constant("b1", Graphs.random(random, 1, 1, 6, 1))
            .node("Conv", List.of("x", "w1"), List.of("c"))
            .node("Add", List.of("b1", "c"), List.of("c1"))
            .node("GlobalMaxPool", List.of("c1"), List.of("p"))
            .node("Flatten", List.of("p"), List.of("f"))
            .constant("w2", Graphs.random(random, 1, 6, 3))
            .constant("b2", Graphs.random(random, 1, 3))
            .node("MatMul", List.of("f", "w2"), List.of("m"))
            .node("Add", List.of("m", "b2"), List.of("y0"))
            .constant("w3", Graphs.random(random, 1, 2, 3))
            .constant("b3", Graphs.random(random, 1, 1, 1))
            .node(
                "Gemm",
                List.of("y0", "w3", "b3"),
                List.of("y"),
                Attribute.of("alpha", 2f),
                Attribute.of("beta", 3f),
                Attribute.of("transB", 1));
    OnnxModel model =
        OnnxModel.read(
            graph.output("y", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 2)).toModel());
    OnnxModel prepared = Preparation.prepare(model, runner).model();
    assertThat(prepared.graph().nodes())
        .extracting(Node::operator)
        .containsExactly("Conv", "GlobalMaxPool", "Flatten", "Gemm", "Gemm");
    Map<String, Tensor> input = Map.of("x", Graphs.random(random, 1, 2, 4, 5));
    assertThat(Graphs.difference(runner, model, prepared, input)).isLessThan(TOLERANCE);
  }

  @Test
  void shouldMakePoolsWhenMeanIsOverAnImage(ModelRunner runner) throws Exception {
    for (int opset : new int[] {13, 18}) {
      OnnxGraph graph =
          new OnnxGraph("means")
              .opset(opset)
              .irVersion(8)
              .input("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 3, 4, 5));
      mean(graph, opset, "x", "y", 1, 2, 3);
      mean(graph, opset, "x", "z", 0, -1, -2);
      mean(graph, opset, "x", "u", 0, 1, 2);
      mean(graph, opset, "x", "v", 1, 3);
      graph.constant("s", Graphs.index(0, 3, 20)).node("Reshape", List.of("x", "s"), List.of("r"));
      mean(graph, opset, "r", "t", 1, -1);
      for (String output : List.of("y", "z", "u", "v", "t")) {
        graph.output(output, OnnxGraph.tensorTypeOfAnyShape(ElementType.FLOAT32));
      }
      OnnxModel model = OnnxModel.read(graph.toModel());
      OnnxModel prepared = Preparation.prepare(model, runner).model();
      assertThat(prepared.graph().nodes())
          .extracting(Node::operator)
          .containsExactly(
              "GlobalAveragePool",
              "GlobalAveragePool",
              "Flatten",
              "ReduceMean",
              "ReduceMean",
              "Reshape",
              "ReduceMean");
      Map<String, Tensor> input = Map.of("x", Graphs.random(random, 1, 2, 3, 4, 5));
      assertThat(Graphs.difference(runner, model, prepared, input)).isLessThan(TOLERANCE);
    }
  }

  private static void mean(
      OnnxGraph graph, int opset, String from, String to, long keep, long... axes) {
    if (opset < 18) {
      graph.node(
          "ReduceMean",
          List.of(from),
          List.of(to),
          Attribute.of("keepdims", keep),
          Attribute.ofInts("axes", axes));
    } else {
      graph
          .constant(to + "a", Graphs.index(axes))
          .node("ReduceMean", List.of(from, to + "a"), List.of(to), Attribute.of("keepdims", keep));
    }
  }
}
