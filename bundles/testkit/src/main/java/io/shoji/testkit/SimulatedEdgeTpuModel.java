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
import io.shoji.testkit.SimulatedHef.Dense;
import io.shoji.testkit.TfliteGraph.Subgraph;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Writes TensorFlow Lite models as the Edge TPU compiler does, which the simulated runtime runs:
 * the operator {@code edgetpu-custom-op} with a package of the form DWN1 in its options, and in the
 * package, for the chip's program, a small integer network. The same network is computed by {@link
 * SimulatedHef#apply}, so that a test knows what must come out.
 *
 * <p>The network computes on UINT8; INT8 is the same number less 128.
 */
public final class SimulatedEdgeTpuModel {
  /** Name of the operator. */
  public static final String OPERATOR = "edgetpu-custom-op";

  /** What libedgetpu of 2024 says of itself. */
  public static final int RUNTIME = 14;

  /** Scale of inputs and outputs. */
  public static final float SCALE = 1f / 128;

  private static final int PROGRAM_IDENTIFIER = 0x4a4f4853;

  private SimulatedEdgeTpuModel() {}

  /**
   * The compiler's operator and nothing else: {@code x} [1, in] to {@code y} [1, out].
   *
   * @param io INT8 or UINT8, or what no compiler would write
   * @param ms device time of each inference
   */
  public static byte[] of(ElementType io, double ms, List<Dense> layers) {
    return of(io, ms, RUNTIME, layers);
  }

  /** The same, for a runtime of at least this version. */
  public static byte[] of(ElementType io, double ms, int minRuntimeVersion, List<Dense> layers) {
    TfliteGraph model = new TfliteGraph("compiled");
    Subgraph graph = model.subgraph();
    int x = tensor(graph, "x", io, width(layers.get(0), 0));
    int y = tensor(graph, "y", io, width(layers.get(layers.size() - 1), 1));
    graph.input(x).output(y);
    graph.custom(OPERATOR, List.of(x), List.of(y), program(minRuntimeVersion, ms, layers));
    return model.toModel();
  }

  /**
   * The compiler's operator with two that stay on the processor: a fully connected layer behind it,
   * and a conversion to FLOAT32.
   */
  public static byte[] withRest(List<Dense> layers) {
    TfliteGraph model = new TfliteGraph("compiled in part");
    Subgraph graph = model.subgraph();
    int width = width(layers.get(layers.size() - 1), 1);
    int x = tensor(graph, "x", ElementType.INT8, width(layers.get(0), 0));
    int h = tensor(graph, "h", ElementType.INT8, width);
    int y = tensor(graph, "y", ElementType.INT8, width);
    int real = graph.tensor("real", ElementType.FLOAT32, Shape.of(1, width));
    Tensor weights = Tensor.allocate(ElementType.INT8, Shape.of(width, width));
    for (int i = 0; i < width; i++) {
      weights.setLong((long) i * width + i, 64);
    }
    int w = graph.constant("w", weights, 1f / 64);
    graph.input(x).output(real);
    graph.custom(OPERATOR, List.of(x), List.of(h), program(RUNTIME, 0, layers));
    graph.operator(
        TfliteGraph.FULLY_CONNECTED,
        5,
        List.of(h, w, TfliteGraph.NONE),
        List.of(y),
        TfliteGraph.FULLY_CONNECTED_OPTIONS,
        new FlatTable().int8(0, 0));
    graph.operator(TfliteGraph.DEQUANTIZE, List.of(y), List.of(real));
    return model.toModel();
  }

  /** What no compiler would write: the number of rows is open. */
  public static byte[] withOpenBatch(List<Dense> layers) {
    TfliteGraph model = new TfliteGraph("open batch");
    Subgraph graph = model.subgraph();
    int x =
        graph.quantized(
            "x", ElementType.INT8, Shape.of(Shape.DYNAMIC, width(layers.get(0), 0)), SCALE, 0);
    int y =
        graph.quantized(
            "y",
            ElementType.INT8,
            Shape.of(Shape.DYNAMIC, width(layers.get(layers.size() - 1), 1)),
            SCALE,
            0);
    graph.input(x).output(y);
    graph.custom(OPERATOR, List.of(x), List.of(y), program(RUNTIME, 0, layers));
    return model.toModel();
  }

  /** The compiler's operator with these options. */
  public static byte[] withOptions(byte[] options) {
    TfliteGraph model = new TfliteGraph("options");
    Subgraph graph = model.subgraph();
    int x = tensor(graph, "x", ElementType.INT8, 4);
    int y = tensor(graph, "y", ElementType.INT8, 4);
    graph.input(x).output(y).custom(OPERATOR, List.of(x), List.of(y), options);
    return model.toModel();
  }

  /** A package of the form DWN1 with a network for the simulated chip. */
  public static byte[] program(int minRuntimeVersion, double ms, List<Dense> layers) {
    int[] words =
        IntStream.concat(
                IntStream.of(PROGRAM_IDENTIFIER, (int) (1_000 * ms), layers.size()),
                layers.stream().flatMapToInt(Dense::numbers))
            .toArray();
    ByteBuffer bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(words);
    return new FlatTable()
        .int32(0, minRuntimeVersion)
        .bytes(1, bytes.array())
        .string(4, "simulated")
        .toFile("DWN1");
  }

  /** {@link SimulatedHef#classifier} in INT8, which takes so long on the device. */
  public static byte[] classifier(double ms) {
    return of(ElementType.INT8, ms, SimulatedHef.classifier());
  }

  private static int width(Dense layer, int which) {
    return layer.numbers().skip(which).findFirst().orElseThrow();
  }

  private static int tensor(Subgraph graph, String name, ElementType io, int width) {
    Shape shape = Shape.of(1, width);
    return io.isFloatingPoint()
        ? graph.tensor(name, io, shape)
        : graph.quantized(name, io, shape, SCALE, io == ElementType.UINT8 ? 128 : 0);
  }
}
