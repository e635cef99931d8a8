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
import io.shoji.testkit.TfliteGraph.Subgraph;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** TensorFlow Lite models that tests and benchmarks need, as bytes of a {@code .tflite} file. */
public final class TfliteModels {
  /** Input of the models with one input. */
  public static final String INPUT = "x";

  /** Output of the models with one output. */
  public static final String OUTPUT = "y";

  /** Scale of the quantized models' inputs. */
  public static final float INPUT_SCALE = 1f / 128;

  /** Scale of the quantized models' outputs. */
  public static final float OUTPUT_SCALE = 1f / 16;

  private static final int SLOW_SIZE = 256;
  private static final float WEIGHT_SCALE = 1f / 256;

  private TfliteModels() {}

  /**
   * A multilayer perceptron with ReLU between its layers: {@code x} FLOAT32[N, sizes[0]] to {@code
   * y} FLOAT32[N, sizes[last]].
   */
  public static byte[] mlp(long seed, int... sizes) {
    Random random = new Random(seed);
    TfliteGraph model = new TfliteGraph("mlp");
    Subgraph graph = model.subgraph();
    int from = graph.tensor(INPUT, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, sizes[0]));
    graph.input(from);
    for (int layer = 1; layer < sizes.length; layer++) {
      int in = sizes[layer - 1];
      int out = sizes[layer];
      boolean last = layer == sizes.length - 1;
      int weights = graph.constant("w" + layer, gaussian(random, Math.sqrt(2.0 / in), out, in));
      int bias = graph.constant("b" + layer, gaussian(random, 0.1, out));
      int to =
          graph.tensor(
              last ? OUTPUT : "h" + layer, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, out));
      graph.operator(
          TfliteGraph.FULLY_CONNECTED,
          1,
          List.of(from, weights, bias),
          List.of(to),
          TfliteGraph.FULLY_CONNECTED_OPTIONS,
          new FlatTable().int8(0, last ? 0 : 1));
      from = to;
    }
    graph.output(from);
    return model.toModel();
  }

  /** The small perceptron of the benchmarks, 64-128-8-128-64. */
  public static byte[] smallMlp() {
    return mlp(1, 64, 128, 8, 128, 64);
  }

  /** Weights of {@link #quantizedLayer}: INT8[size, size], real ones by a scale of 1/256. */
  public static Tensor quantizedWeights(int size) {
    Random random = new Random(4);
    Tensor weights = Tensor.allocate(ElementType.INT8, Shape.of(size, size));
    for (int i = 0; i < weights.elementCount(); i++) {
      weights.setLong(i, random.nextInt(255) - 127);
    }
    return weights;
  }

  /**
   * A fully connected layer in INT8, {@code y = x * transposed weights}, without bias, per-channel
   * weights that all have the same scale.
   *
   * @param io of {@code x} and {@code y}, both [1, size]: INT8 (the layer's own parameters: scales
   *     {@link #INPUT_SCALE} and {@link #OUTPUT_SCALE}, zero points 0), UINT8 (the same, zero
   *     points 128) or FLOAT32
   */
  public static byte[] quantizedLayer(int size, ElementType io) {
    TfliteGraph model = new TfliteGraph("quantizedLayer");
    Subgraph graph = model.subgraph();
    Shape shape = Shape.of(1, size);
    boolean own = io == ElementType.INT8;
    int layerIn = graph.quantized(own ? INPUT : "xq", ElementType.INT8, shape, INPUT_SCALE, 0);
    int layerOut = graph.quantized(own ? OUTPUT : "yq", ElementType.INT8, shape, OUTPUT_SCALE, 0);
    float[] scales = new float[size];
    Arrays.fill(scales, WEIGHT_SCALE);
    int weights = graph.constant("w", quantizedWeights(size), scales);
    int in = layerIn;
    int out = layerOut;
    if (!own) {
      boolean real = io == ElementType.FLOAT32;
      in =
          real
              ? graph.tensor(INPUT, io, shape)
              : graph.quantized(INPUT, io, shape, INPUT_SCALE, 128);
      out =
          real
              ? graph.tensor(OUTPUT, io, shape)
              : graph.quantized(OUTPUT, io, shape, OUTPUT_SCALE, 128);
      graph.operator(TfliteGraph.QUANTIZE, List.of(in), List.of(layerIn));
    }
    graph.operator(
        TfliteGraph.FULLY_CONNECTED,
        5,
        List.of(layerIn, weights, TfliteGraph.NONE),
        List.of(layerOut),
        TfliteGraph.FULLY_CONNECTED_OPTIONS,
        new FlatTable().int8(0, 0));
    if (!own) {
      graph.operator(
          io == ElementType.FLOAT32 ? TfliteGraph.DEQUANTIZE : TfliteGraph.QUANTIZE,
          List.of(layerOut),
          List.of(out));
    }
    graph.input(in).output(out);
    return model.toModel();
  }

  /** {@code sum = a + b}, FLOAT32[width] each. */
  public static byte[] add(int width) {
    TfliteGraph model = new TfliteGraph("add");
    Subgraph graph = model.subgraph();
    int a = graph.tensor("a", ElementType.FLOAT32, Shape.of(width));
    int b = graph.tensor("b", ElementType.FLOAT32, Shape.of(width));
    int sum = graph.tensor("sum", ElementType.FLOAT32, Shape.of(width));
    graph.input(a).input(b).output(sum);
    graph.operator(
        TfliteGraph.ADD, 1, List.of(a, b), List.of(sum), TfliteGraph.ADD_OPTIONS, new FlatTable());
    return model.toModel();
  }

  /** {@code y = table[x]}, {@code x} INT32[1] of 0 to {@code size - 1}; others are refused. */
  public static byte[] gather(int size) {
    TfliteGraph model = new TfliteGraph("gather");
    Subgraph graph = model.subgraph();
    int table = graph.constant("table", gaussian(new Random(6), 1, size));
    int x = graph.tensor(INPUT, ElementType.INT32, Shape.of(1));
    int y = graph.tensor(OUTPUT, ElementType.FLOAT32, Shape.of(1));
    graph.input(x).output(y);
    graph.operator(
        TfliteGraph.GATHER,
        1,
        List.of(table, x),
        List.of(y),
        TfliteGraph.GATHER_OPTIONS,
        new FlatTable().int32(0, 0));
    return model.toModel();
  }

  /**
   * Multiplies a matrix {@code count} times: inputs {@code count} INT64[] and {@code x}
   * FLOAT32[256, 256], outputs the count that is left and the product. One round takes some
   * milliseconds.
   */
  public static byte[] slow() {
    TfliteGraph model = new TfliteGraph("slow");
    Shape square = Shape.of(SLOW_SIZE, SLOW_SIZE);
    Subgraph main = model.subgraph();
    int count = main.tensor("count", ElementType.INT64, Shape.scalar());
    int x = main.tensor(INPUT, ElementType.FLOAT32, square);
    int rest = main.tensor("rest", ElementType.INT64, Shape.scalar());
    int y = main.tensor(OUTPUT, ElementType.FLOAT32, square);
    main.input(count).input(x).output(rest).output(y);
    main.operator(
        TfliteGraph.WHILE,
        1,
        List.of(count, x),
        List.of(rest, y),
        TfliteGraph.WHILE_OPTIONS,
        new FlatTable().int32(0, 1).int32(1, 2));
    Subgraph condition = model.subgraph();
    int left = condition.tensor("left", ElementType.INT64, Shape.scalar());
    int unused = condition.tensor("unused", ElementType.FLOAT32, square);
    int zero = condition.constant("zero", Tensor.allocate(ElementType.INT64, Shape.scalar()));
    int more = condition.tensor("more", ElementType.BOOL, Shape.scalar());
    condition.input(left).input(unused).output(more);
    condition.operator(TfliteGraph.GREATER, List.of(left, zero), List.of(more));
    Subgraph body = model.subgraph();
    int before = body.tensor("before", ElementType.INT64, Shape.scalar());
    int in = body.tensor("in", ElementType.FLOAT32, square);
    int one = body.constant("one", Tensors.scalar(1));
    int after = body.tensor("after", ElementType.INT64, Shape.scalar());
    int factor = body.constant("factor", gaussian(new Random(7), 1.0 / 16, SLOW_SIZE, SLOW_SIZE));
    int product = body.tensor("product", ElementType.FLOAT32, square);
    body.input(before).input(in).output(after).output(product);
    body.operator(
        TfliteGraph.SUB,
        1,
        List.of(before, one),
        List.of(after),
        TfliteGraph.SUB_OPTIONS,
        new FlatTable());
    body.operator(
        TfliteGraph.BATCH_MATMUL,
        1,
        List.of(in, factor),
        List.of(product),
        TfliteGraph.BATCH_MATMUL_OPTIONS,
        new FlatTable());
    return model.toModel();
  }

  /**
   * A network that remembers: {@code y} FLOAT32[1, 1, 4] of {@code x} FLOAT32[1, 1, 4] and of its
   * own last output, which is a variable of the model.
   */
  public static byte[] recurrent() {
    TfliteGraph model = new TfliteGraph("recurrent");
    Subgraph graph = model.subgraph();
    Random random = new Random(8);
    int x = graph.tensor(INPUT, ElementType.FLOAT32, Shape.of(1, 1, 4));
    int weights = graph.constant("w", gaussian(random, 1, 4, 4));
    int recurrent = graph.constant("r", gaussian(random, 1, 4, 4));
    int bias = graph.constant("b", gaussian(random, 1, 4));
    int state = graph.variable("state", ElementType.FLOAT32, Shape.of(1, 4));
    int y = graph.tensor(OUTPUT, ElementType.FLOAT32, Shape.of(1, 1, 4));
    graph.input(x).output(y);
    graph.operator(
        TfliteGraph.UNIDIRECTIONAL_SEQUENCE_RNN,
        1,
        List.of(x, weights, recurrent, bias, state),
        List.of(y),
        TfliteGraph.SEQUENCE_RNN_OPTIONS,
        new FlatTable().int8(0, 0).int8(1, 1));
    return model.toModel();
  }

  /** A model with one operator that is not TensorFlow Lite's own. */
  public static byte[] customOperator(String name) {
    TfliteGraph model = new TfliteGraph("custom");
    Subgraph graph = oneToOne(model, ElementType.FLOAT32);
    graph.custom(name, List.of(0), List.of(1));
    return model.toModel();
  }

  /** A model with one operator of some number and version, from {@code x} to {@code y}. */
  public static byte[] operator(int builtin, int version) {
    TfliteGraph model = new TfliteGraph("operator");
    Subgraph graph = oneToOne(model, ElementType.FLOAT32);
    graph.operator(builtin, version, List.of(0), List.of(1), 0, new FlatTable());
    return model.toModel();
  }

  /** A model whose input is a tensor of texts. */
  public static byte[] stringInput() {
    TfliteGraph model = new TfliteGraph("text");
    Subgraph graph = model.subgraph();
    int x = graph.text(INPUT);
    graph.input(x).output(x);
    return model.toModel();
  }

  private static Subgraph oneToOne(TfliteGraph model, ElementType type) {
    Subgraph graph = model.subgraph();
    int x = graph.tensor(INPUT, type, Shape.of(1, 4));
    int y = graph.tensor(OUTPUT, type, Shape.of(1, 4));
    return graph.input(x).output(y);
  }

  private static Tensor gaussian(Random random, double deviation, long... dims) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(dims));
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, (float) (deviation * random.nextGaussian()));
    }
    return tensor;
  }
}
