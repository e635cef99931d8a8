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

import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.wire.TensorProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Dynamic INT8 quantization of products: weights are INT8 per output channel, activations become
 * UINT8 by {@code DynamicQuantizeLinear} at each run, so no calibration is needed. For models that
 * are mostly MatMul or Gemm; convolutions stay in FP32.
 */
public final class DynamicQuantizer {
  private static final int LARGEST = 127;

  private DynamicQuantizer() {}

  /**
   * A model and what became of its products.
   *
   * @param model the new model
   * @param converted names of the products that were converted
   * @param kept the other products, with the reason
   */
  public record Converted(OnnxModel model, List<String> converted, Map<String, String> kept) {}

  /**
   * Converts a copy of a prepared model.
   *
   * @throws QuantizerException UNSUPPORTED if the operator set is older than 13
   */
  public static Converted quantize(OnnxModel prepared) throws QuantizerException {
    if (prepared.opset() < OnnxModel.OLDEST_OPSET) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "quantization needs a newer operator set; export the model again found="
              + prepared.opset()
              + " needed="
              + OnnxModel.OLDEST_OPSET);
    }
    OnnxModel model = prepared.copy();
    Graph graph = model.graph();
    List<String> converted = new ArrayList<>();
    Map<String, String> kept = new LinkedHashMap<>();
    Map<String, List<String>> inputs = new HashMap<>();
    List<Node> nodes = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (!node.is("MatMul") && !node.is("Gemm")) {
        nodes.add(node);
        continue;
      }
      Weights weights = Weights.of(graph, node);
      if (weights == null) {
        kept.put(node.name(), "its weights are no FP32 constant of rank 2, or it has factors");
        nodes.add(node);
        continue;
      }
      converted.add(node.name());
      convert(graph, node, weights, inputs, nodes);
    }
    graph.nodes().clear();
    graph.nodes().addAll(nodes);
    graph.removeUnused();
    return new Converted(model, List.copyOf(converted), kept);
  }

  private static void convert(
      Graph graph, Node node, Weights weights, Map<String, List<String>> inputs, List<Node> nodes) {
    String input = node.input(0);
    List<String> quantized = inputs.get(input);
    if (quantized == null) {
      quantized =
          List.of(
              graph.newName(input + ".q"),
              graph.newName(input + ".scale"),
              graph.newName(input + ".zero"));
      inputs.put(input, quantized);
      nodes.add(Node.of("DynamicQuantizeLinear", quantized.get(0), List.of(input), quantized));
    }
    int columns = weights.columns();
    float[] scales = new float[columns];
    byte[] integers = new byte[weights.rows() * columns];
    for (int c = 0; c < columns; c++) {
      float magnitude = 0;
      for (int r = 0; r < weights.rows(); r++) {
        magnitude = Math.max(magnitude, Math.abs(weights.get(r, c)));
      }
      scales[c] = magnitude < 0x1p-100f ? 1 : magnitude / LARGEST;
      for (int r = 0; r < weights.rows(); r++) {
        double steps = Math.rint(weights.get(r, c) / scales[c]);
        integers[r * columns + c] = (byte) Math.max(-LARGEST, Math.min(LARGEST, steps));
      }
    }
    String name = node.input(1);
    String weight =
        graph.add(
            Constants.of(
                graph.newName(name + ".q"),
                Constants.INT8,
                new long[] {weights.rows(), columns},
                integers));
    String scale =
        graph.add(Constants.of(graph.newName(name + ".scale"), new long[] {columns}, scales));
    String sum = graph.newName(node.name() + ".sum");
    String real = graph.newName(node.name() + ".real");
    String factor = graph.newName(node.name() + ".factor");
    boolean bias = node.is("Gemm") && !node.input(2).isEmpty();
    String product = bias ? graph.newName(node.name() + ".product") : node.output();
    nodes.add(
        Node.of(
            "MatMulInteger",
            sum,
            List.of(quantized.get(0), weight, quantized.get(2)),
            List.of(sum)));
    nodes.add(Node.of("Cast", real, List.of(sum), List.of(real)).with("to", Constants.FLOAT));
    nodes.add(Node.of("Mul", factor, List.of(quantized.get(1), scale), List.of(factor)));
    nodes.add(Node.of("Mul", product, List.of(real, factor), List.of(product)));
    if (bias) {
      nodes.add(
          Node.of("Add", node.name(), List.of(product, node.input(2)), List.of(node.output())));
    }
  }

  /** Constant weights of a product as rows (inputs) and columns (outputs). */
  static final class Weights {
    private final float[] values;
    private final int rows;
    private final int columns;
    private final boolean transposed;

    private Weights(float[] values, int rows, int columns, boolean transposed) {
      this.values = values;
      this.rows = rows;
      this.columns = columns;
      this.transposed = transposed;
    }

    static @Nullable Weights of(Graph graph, Node node) {
      TensorProto weight = graph.constant(node.input(1));
      if (weight == null
          || weight.getDataType() != Constants.FLOAT
          || weight.getDimsCount() != 2
          || Constants.size(weight) == 0
          || node.integer("transA", 0) != 0
          || node.real("alpha", 1) != 1
          || node.real("beta", 1) != 1) {
        return null;
      }
      float[] values = Constants.floats(weight);
      for (float value : values) {
        if (!Float.isFinite(value)) {
          return null;
        }
      }
      boolean transposed = node.integer("transB", 0) != 0;
      int first = (int) weight.getDims(0);
      int second = (int) weight.getDims(1);
      return new Weights(
          values, transposed ? second : first, transposed ? first : second, transposed);
    }

    int rows() {
      return rows;
    }

    int columns() {
      return columns;
    }

    float get(int row, int column) {
      return values[transposed ? column * rows + row : row * columns + column];
    }
  }
}
