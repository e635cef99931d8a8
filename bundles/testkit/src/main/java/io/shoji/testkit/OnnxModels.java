/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph.Attribute;
import java.util.List;
import java.util.Random;

/** ONNX models that tests and benchmarks need, as bytes of an {@code .onnx} file. */
public final class OnnxModels {
  /** Input of the models with one input. */
  public static final String INPUT = "x";

  /** Output of the models with one output. */
  public static final String OUTPUT = "y";

  private static final int SLOW_SIZE = 256;

  private OnnxModels() {}

  /**
   * A multilayer perceptron with ReLU between its layers: {@code x} FLOAT32[N, sizes[0]] to {@code
   * y} FLOAT32[N, sizes[last]], weights drawn from a normal distribution scaled by the square root
   * of 2 over the fan-in.
   */
  public static byte[] mlp(long seed, int... sizes) {
    Random random = new Random(seed);
    OnnxGraph graph =
        new OnnxGraph("mlp").input(INPUT, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, sizes[0]));
    String from = INPUT;
    for (int layer = 1; layer < sizes.length; layer++) {
      int in = sizes[layer - 1];
      int out = sizes[layer];
      boolean last = layer == sizes.length - 1;
      String to = last ? OUTPUT : "h" + layer;
      String linear = last ? OUTPUT : "z" + layer;
      graph.constant("w" + layer, gaussian(random, Math.sqrt(2.0 / in), in, out));
      graph.constant("b" + layer, gaussian(random, 0.1, out));
      graph.node("Gemm", List.of(from, "w" + layer, "b" + layer), List.of(linear));
      if (!last) {
        graph.node("Relu", List.of(linear), List.of(to));
      }
      from = to;
    }
    return graph
        .output(OUTPUT, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, sizes[sizes.length - 1]))
        .toModel();
  }

  /** The small perceptron of the benchmarks, 64-128-8-128-64. */
  public static byte[] smallMlp() {
    return mlp(1, 64, 128, 8, 128, 64);
  }

  /** The large perceptron of the benchmarks: 2.6 million weights, about 10 MB. */
  public static byte[] largeMlp() {
    return mlp(2, 1024, 1024, 1024, 512);
  }

  /**
   * {@code y = x} for one element type. ONNX Runtime loads that for every type but INT4, for which
   * it has no such operator: see {@link #dequantize} and {@link #quantize}.
   */
  public static byte[] identity(ElementType type, Shape shape) {
    return new OnnxGraph("identity")
        .input(INPUT, type, shape)
        .node("Identity", List.of(INPUT), List.of(OUTPUT))
        .output(OUTPUT, type, shape)
        .toModel();
  }

  /** {@code y = scale * x} from a quantized type, INT4 included (opset 21), to FLOAT32. */
  public static byte[] dequantize(ElementType type, float scale, Shape shape) {
    return new OnnxGraph("dequantize")
        .opset(21)
        .irVersion(10)
        .input(INPUT, type, shape)
        .constant("scale", Tensor.ofFloats(Shape.scalar(), scale))
        .node("DequantizeLinear", List.of(INPUT, "scale"), List.of(OUTPUT))
        .output(OUTPUT, ElementType.FLOAT32, shape)
        .toModel();
  }

  /** {@code y = x / scale} from FLOAT32 to a quantized type, INT4 included (opset 21). */
  public static byte[] quantize(ElementType type, float scale, Shape shape) {
    return new OnnxGraph("quantize")
        .opset(21)
        .irVersion(10)
        .input(INPUT, ElementType.FLOAT32, shape)
        .constant("scale", Tensor.ofFloats(Shape.scalar(), scale))
        .constant("zero", Tensor.allocate(type, Shape.scalar()))
        .node("QuantizeLinear", List.of(INPUT, "scale", "zero"), List.of(OUTPUT))
        .output(OUTPUT, type, shape)
        .toModel();
  }

  /**
   * A quantized layer as quantizers write it: {@code x} FLOAT32[N, size] through QuantizeLinear and
   * DequantizeLinear, a product with INT8 weights, and the same again to {@code y} FLOAT32[N,
   * size].
   */
  public static byte[] quantizedLayer(int size) {
    Random random = new Random(4);
    Tensor weights = Tensor.allocate(ElementType.INT8, Shape.of(size, size));
    for (int i = 0; i < weights.elementCount(); i++) {
      weights.setLong(i, random.nextInt(255) - 127);
    }
    Tensor zero = Tensor.allocate(ElementType.UINT8, Shape.scalar());
    zero.setLong(0, 128);
    Shape shape = Shape.of(Shape.DYNAMIC, size);
    return new OnnxGraph("quantizedLayer")
        .input(INPUT, ElementType.FLOAT32, shape)
        .constant("scale", Tensor.ofFloats(Shape.scalar(), 1f / 128))
        .constant("outScale", Tensor.ofFloats(Shape.scalar(), 1f / 8))
        .constant("zero", zero)
        .constant("weightZero", Tensor.allocate(ElementType.INT8, Shape.scalar()))
        .constant("weights", weights)
        .node("QuantizeLinear", List.of(INPUT, "scale", "zero"), List.of("xq"))
        .node("DequantizeLinear", List.of("xq", "scale", "zero"), List.of("xd"))
        .node("DequantizeLinear", List.of("weights", "scale", "weightZero"), List.of("wd"))
        .node("MatMul", List.of("xd", "wd"), List.of("m"))
        .node("QuantizeLinear", List.of("m", "outScale", "zero"), List.of("mq"))
        .node("DequantizeLinear", List.of("mq", "outScale", "zero"), List.of(OUTPUT))
        .output(OUTPUT, ElementType.FLOAT32, shape)
        .toModel();
  }

  /** {@code sum = a + b}, FLOAT32[N, width] each. */
  public static byte[] add(int width) {
    Shape shape = Shape.of(Shape.DYNAMIC, width);
    return new OnnxGraph("add")
        .input("a", ElementType.FLOAT32, shape)
        .input("b", ElementType.FLOAT32, shape)
        .node("Add", List.of("a", "b"), List.of("sum"))
        .output("sum", ElementType.FLOAT32, shape)
        .toModel();
  }

  /** Splits {@code x} FLOAT32[N, 2 * width] in {@code left} and {@code right}, [N, width] each. */
  public static byte[] split(int width) {
    return new OnnxGraph("split")
        .input(INPUT, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 2L * width))
        .node("Split", List.of(INPUT), List.of("left", "right"), Attribute.of("axis", 1L))
        .output("left", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, width))
        .output("right", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, width))
        .toModel();
  }

  /**
   * Runs for as many rounds as the caller says, each a product of 256 x 256 matrices (some 0.1 to 1
   * ms): {@code rounds} INT64[], {@code x} FLOAT32[256, 256] to {@code y} FLOAT32[256, 256]; the
   * matrix in the model is the unit matrix, so that {@code y = x}.
   */
  public static byte[] slow() {
    Shape square = Shape.of(SLOW_SIZE, SLOW_SIZE);
    Tensor unit = Tensor.allocate(ElementType.FLOAT32, square);
    for (int i = 0; i < SLOW_SIZE; i++) {
      unit.setFloat((long) i * SLOW_SIZE + i, 1);
    }
    OnnxGraph body =
        new OnnxGraph("body")
            .input("round", ElementType.INT64, Shape.scalar())
            .input("goOn", ElementType.BOOL, Shape.scalar())
            .input("state", ElementType.FLOAT32, square)
            .node("Identity", List.of("goOn"), List.of("goOnNext"))
            .node("MatMul", List.of("state", "unit"), List.of("stateNext"))
            .output("goOnNext", ElementType.BOOL, Shape.scalar())
            .output("stateNext", ElementType.FLOAT32, square);
    return new OnnxGraph("slow")
        .input("rounds", ElementType.INT64, Shape.scalar())
        .input(INPUT, ElementType.FLOAT32, square)
        .constant("unit", unit)
        .node("Loop", List.of("rounds", "", INPUT), List.of(OUTPUT), Attribute.of("body", body))
        .output(OUTPUT, ElementType.FLOAT32, square)
        .toModel();
  }

  /** The indices of the elements of {@code x} FLOAT32[N] that are not 0: INT64[1, count]. */
  public static byte[] nonZero() {
    return new OnnxGraph("nonZero")
        .input(INPUT, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC))
        .node("NonZero", List.of(INPUT), List.of(OUTPUT))
        .output(
            OUTPUT,
            OnnxGraph.tensorType(OnnxGraph.typeCode(ElementType.INT64), Shape.of(1, Shape.DYNAMIC)))
        .toModel();
  }

  /** The row of a table FLOAT32[rows, 2] that {@code x} INT64[1] names, so that data can be bad. */
  public static byte[] gather(int rows) {
    return new OnnxGraph("gather")
        .input(INPUT, ElementType.INT64, Shape.of(1))
        .constant("table", gaussian(new Random(3), 1, rows, 2))
        .node("Gather", List.of("table", INPUT), List.of(OUTPUT))
        .output(OUTPUT, ElementType.FLOAT32, Shape.of(1, 2))
        .toModel();
  }

  /** A node that no runtime knows: {@code Frobnicate}. */
  public static byte[] unknownOperator() {
    return new OnnxGraph("unknownOperator")
        .input(INPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .node("Frobnicate", List.of(INPUT), List.of(OUTPUT))
        .output(OUTPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .toModel();
  }

  /** A node of a vendor's domain that ONNX Runtime does not have: {@code com.example:Special}. */
  public static byte[] unknownDomain() {
    return new OnnxGraph("unknownDomain")
        .opset("com.example", 1)
        .input(INPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .node("com.example", "Special", List.of(INPUT), List.of(OUTPUT))
        .output(OUTPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .toModel();
  }

  /** {@code y = x}, said in an operator set of the far future, 999. */
  public static byte[] futureOpset() {
    return new OnnxGraph("futureOpset")
        .opset(999)
        .input(INPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .node("Identity", List.of(INPUT), List.of(OUTPUT))
        .output(OUTPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .toModel();
  }

  /** {@code y = x + w}, FLOAT32[1, 4], where {@code w} lies in another file at byte 0. */
  public static byte[] externalData(String location) {
    return new OnnxGraph("externalData")
        .input(INPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .externalConstant("w", ElementType.FLOAT32, Shape.of(1, 4), location, 0)
        .node("Add", List.of(INPUT, "w"), List.of(OUTPUT))
        .output(OUTPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .toModel();
  }

  /** {@code y = x + w} where {@code w} lies in another file, inside a branch of an {@code If}. */
  public static byte[] externalDataInSubgraph(String location) {
    ProtobufMessage tensor =
        OnnxGraph.externalTensor("w", ElementType.FLOAT32, Shape.of(1, 4), location, 0);
    OnnxGraph branch =
        new OnnxGraph("then")
            .node("Constant", List.of(), List.of("w"), Attribute.ofTensor("value", tensor))
            .node("Add", List.of(INPUT, "w"), List.of("sum"))
            .output("sum", ElementType.FLOAT32, Shape.of(1, 4));
    OnnxGraph otherwise =
        new OnnxGraph("else")
            .node("Identity", List.of(INPUT), List.of("same"))
            .output("same", ElementType.FLOAT32, Shape.of(1, 4));
    return new OnnxGraph("externalDataInSubgraph")
        .input("condition", ElementType.BOOL, Shape.scalar())
        .input(INPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .node(
            "If",
            List.of("condition"),
            List.of(OUTPUT),
            Attribute.of("then_branch", branch),
            Attribute.of("else_branch", otherwise))
        .output(OUTPUT, ElementType.FLOAT32, Shape.of(1, 4))
        .toModel();
  }

  /** Takes a sequence of tensors, which is no tensor. */
  public static byte[] sequenceInput() {
    return new OnnxGraph("sequenceInput")
        .input(INPUT, OnnxGraph.sequenceType())
        .node("SequenceLength", List.of(INPUT), List.of(OUTPUT))
        .output(OUTPUT, ElementType.INT64, Shape.scalar())
        .toModel();
  }

  /** Takes strings and returns them. */
  public static byte[] stringInput() {
    return new OnnxGraph("stringInput")
        .input(INPUT, OnnxGraph.stringType(Shape.of(2)))
        .node("Identity", List.of(INPUT), List.of(OUTPUT))
        .output(OUTPUT, OnnxGraph.stringType(Shape.of(2)))
        .toModel();
  }

  private static Tensor gaussian(Random random, double deviation, long... dims) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(dims));
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, (float) (random.nextGaussian() * deviation));
    }
    return tensor;
  }
}
