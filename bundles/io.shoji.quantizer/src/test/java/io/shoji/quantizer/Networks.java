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

/** Networks with random weights in the shape of real ones, from x to y. */
final class Networks {
  private final Random random;
  private final OnnxGraph graph;

  private Networks(long seed, int opset) {
    this.random = new Random(seed);
    this.graph = new OnnxGraph("network").opset(opset).irVersion(opset < 21 ? 8 : 10);
  }

  private String conv(String from, String to, int in, int out, int kernel, int groups, int stride) {
    double deviation = Math.sqrt(2.0 * groups / (in * kernel * kernel));
    graph
        .constant(to + "w", Graphs.random(random, deviation, out, in / groups, kernel, kernel))
        .constant(to + "b", Graphs.random(random, 0.1, out))
        .node(
            "Conv",
            List.of(from, to + "w", to + "b"),
            List.of(to),
            Attribute.of("group", groups),
            Attribute.ofInts("strides", stride, stride),
            Attribute.ofInts("pads", kernel / 2, kernel / 2, kernel / 2, kernel / 2));
    return to;
  }

  private String node(String operator, String from, String to, Attribute... attributes) {
    graph.node(operator, List.of(from), List.of(to), attributes);
    return to;
  }

  private String relu6(String from, String to) {
    graph.node("Clip", List.of(from, "zero", "six"), List.of(to));
    return to;
  }

  private OnnxModel end(long... dims) throws QuantizerException {
    graph.output("y", ElementType.FLOAT32, Shape.of(dims));
    return OnnxModel.read(graph.toModel());
  }

  /** Residual blocks with depthwise convolutions as MobileNetV2's: [N,3,16,16] to [N,5]. */
  static OnnxModel residual(long seed, int opset) throws QuantizerException {
    Networks n = new Networks(seed, opset);
    n.graph
        .input("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 3, 16, 16))
        .constant("zero", Tensor.ofFloats(Shape.scalar(), 0))
        .constant("six", Tensor.ofFloats(Shape.scalar(), 6));
    String last = n.relu6(n.conv("x", "stem", 3, 8, 3, 1, 2), "stem6");
    for (int block = 0; block < 2; block++) {
      String b = "b" + block;
      String wide = n.relu6(n.conv(last, b + "e", 8, 24, 1, 1, 1), b + "e6");
      String deep = n.relu6(n.conv(wide, b + "d", 24, 24, 3, 24, 1), b + "d6");
      n.conv(deep, b + "p", 24, 8, 1, 1, 1);
      n.graph.node("Add", List.of(last, b + "p"), List.of(b));
      last = b;
    }
    n.node("GlobalAveragePool", last, "pool");
    n.node("Flatten", "pool", "flat");
    n.graph
        .constant("fw", Graphs.random(n.random, 0.4, 8, 5))
        .constant("fb", Graphs.random(n.random, 0.1, 5))
        .node("Gemm", List.of("flat", "fw", "fb"), List.of("y"));
    return n.end(Shape.DYNAMIC, 5);
  }

  /** Upsampling and concatenation as a detector's neck: [1,3,16,16] to [1,6,16,16]. */
  static OnnxModel detector(long seed, int opset) throws QuantizerException {
    Networks n = new Networks(seed, opset);
    n.graph.input("x", ElementType.FLOAT32, Shape.of(1, 3, 16, 16));
    String fine =
        n.node("LeakyRelu", n.conv("x", "c1", 3, 8, 3, 1, 1), "a1", Attribute.of("alpha", 0.1f));
    String coarse = n.node("Sigmoid", n.conv(fine, "c2", 8, 8, 3, 1, 2), "g2");
    n.graph
        .node("Mul", List.of("c2", coarse), List.of("swish"))
        .constant("scales", Tensor.ofFloats(Shape.of(4), 1, 1, 2, 2))
        .node(
            "Resize",
            List.of("swish", "", "scales"),
            List.of("up"),
            Attribute.of("mode", "nearest"),
            Attribute.of("coordinate_transformation_mode", "asymmetric"))
        .node("Concat", List.of("up", fine), List.of("cat"), Attribute.of("axis", 1));
    n.node(
        "MaxPool",
        "cat",
        "spp",
        Attribute.ofInts("kernel_shape", 3, 3),
        Attribute.ofInts("pads", 1, 1, 1, 1));
    n.conv("spp", "y", 16, 6, 1, 1, 1);
    return n.end(1, 6, 16, 16);
  }

  /** One encoder block of a transformer, two heads: [1,8,16] to [1,8,16]. */
  static OnnxModel transformer(long seed, int opset) throws QuantizerException {
    Networks n = new Networks(seed, opset);
    n.graph.input("x", ElementType.FLOAT32, Shape.of(1, 8, 16));
    for (String part : List.of("q", "k", "v")) {
      n.linear("x", part, 16, 16);
      n.graph
          .constant(part + "s", index(1, 8, 2, 8))
          .node("Reshape", List.of(part, part + "s"), List.of(part + "r"))
          .node(
              "Transpose",
              List.of(part + "r"),
              List.of(part + "t"),
              part.equals("k")
                  ? Attribute.ofInts("perm", 0, 2, 3, 1)
                  : Attribute.ofInts("perm", 0, 2, 1, 3));
    }
    n.graph
        .constant("root", Tensor.ofFloats(Shape.scalar(), (float) Math.sqrt(8)))
        .node("MatMul", List.of("qt", "kt"), List.of("scores"))
        .node("Div", List.of("scores", "root"), List.of("scaled"))
        .node("Softmax", List.of("scaled"), List.of("share"), Attribute.of("axis", -1))
        .node("MatMul", List.of("share", "vt"), List.of("heads"))
        .node("Transpose", List.of("heads"), List.of("back"), Attribute.ofInts("perm", 0, 2, 1, 3))
        .constant("flat", index(1, 8, 16))
        .node("Reshape", List.of("back", "flat"), List.of("joined"));
    n.linear("joined", "out", 16, 16);
    n.graph.node("Add", List.of("x", "out"), List.of("sum1"));
    n.norm("sum1", "norm1");
    n.linear("norm1", "wide", 16, 32);
    n.node("Relu", "wide", "act");
    n.linear("act", "narrow", 32, 16);
    n.graph.node("Add", List.of("norm1", "narrow"), List.of("sum2"));
    n.norm("sum2", "y");
    return n.end(1, 8, 16);
  }

  private void linear(String from, String to, int in, int out) {
    graph
        .constant(to + "w", Graphs.random(random, 1 / Math.sqrt(in), in, out))
        .constant(to + "b", Graphs.random(random, 0.1, out))
        .node("MatMul", List.of(from, to + "w"), List.of(to + "m"))
        .node("Add", List.of(to + "m", to + "b"), List.of(to));
  }

  /** Layer normalization as exporters wrote it before opset 17. */
  private void norm(String from, String to) {
    graph
        .constant(to + "two", Tensor.ofFloats(Shape.scalar(), 2))
        .constant(to + "eps", Tensor.ofFloats(Shape.scalar(), 1e-5f))
        .node("MatMul", List.of(from, to + "mean"), List.of(to + "mu"))
        .constant(to + "mean", constant(1f / 16, 16, 16))
        .node("Sub", List.of(from, to + "mu"), List.of(to + "d"))
        .node("Pow", List.of(to + "d", to + "two"), List.of(to + "p"))
        .node("MatMul", List.of(to + "p", to + "mean"), List.of(to + "var"))
        .node("Add", List.of(to + "var", to + "eps"), List.of(to + "ve"))
        .node("Sqrt", List.of(to + "ve"), List.of(to + "sd"))
        .node("Div", List.of(to + "d", to + "sd"), List.of(to));
  }

  private static Tensor constant(float value, long... dims) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(dims));
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, value);
    }
    return tensor;
  }

  private static Tensor index(long... values) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, Shape.of(values.length));
    for (int i = 0; i < values.length; i++) {
      tensor.setLong(i, values[i]);
    }
    return tensor;
  }

  /** Normally distributed inputs of one shape, always the same. */
  static Samples samples(int count, long... dims) {
    return new Samples() {
      @Override
      public int size() {
        return count;
      }

      @Override
      public Map<String, Tensor> inputs(int index) {
        return Map.of("x", Graphs.random(new Random(1_000 + index), 1, dims));
      }
    };
  }
}
