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
import io.shoji.quantizer.onnx.OpsetUpgrade;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * INT4 weights of products, in blocks along the input channels that have one scale each;
 * activations and arithmetic stay in FP32. Symmetric: a block's values are -8 to 7 times its scale,
 * the scale's sign such that the value of largest magnitude is -8.
 */
public final class Int4Quantizer {
  /** How the weights are written. */
  public enum Form {
    /** {@code DequantizeLinear} with blocks, for which the model becomes one of operator set 21. */
    DEQUANTIZE_LINEAR,
    /** {@code com.microsoft:MatMulNBits}, which ONNX Runtime has for every operator set. */
    MAT_MUL_N_BITS
  }

  /** First operator set with INT4 and blocks. */
  private static final int INT4_OPSET = 21;

  private static final int INT4_IR_VERSION = 10;

  private Int4Quantizer() {}

  /**
   * Converts a copy of a prepared model.
   *
   * @param blockSize weights that share a scale: a power of two, at least 16
   * @return the model and what became of its products
   * @throws QuantizerException INVALID_OPTION for a block size, UNSUPPORTED for an operator set
   *     that cannot be upgraded to 21
   */
  public static DynamicQuantizer.Converted quantize(OnnxModel prepared, Form form, int blockSize)
      throws QuantizerException {
    if (blockSize < 16 || Integer.bitCount(blockSize) != 1) {
      throw new QuantizerException(
          Code.INVALID_OPTION, "a block is a power of two, at least 16 found=" + blockSize);
    }
    OnnxModel model =
        form == Form.DEQUANTIZE_LINEAR
            ? OpsetUpgrade.upgrade(prepared, INT4_OPSET, Map.of())
            : prepared.copy();
    Graph graph = model.graph();
    List<String> converted = new ArrayList<>();
    Map<String, String> kept = new LinkedHashMap<>();
    List<Node> nodes = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (!node.is("MatMul") && !node.is("Gemm")) {
        nodes.add(node);
        continue;
      }
      DynamicQuantizer.Weights weights = DynamicQuantizer.Weights.of(graph, node);
      if (weights == null) {
        kept.put(node.name(), "its weights are no FP32 constant of rank 2, or it has factors");
        nodes.add(node);
      } else if (weights.rows() < blockSize) {
        kept.put(node.name(), "it has fewer inputs than a block");
        nodes.add(node);
      } else {
        converted.add(node.name());
        Blocks blocks = new Blocks(weights, blockSize);
        if (form == Form.DEQUANTIZE_LINEAR) {
          dequantize(graph, node, blocks, nodes);
        } else {
          multiply(graph, node, blocks, nodes);
        }
      }
    }
    graph.nodes().clear();
    graph.nodes().addAll(nodes);
    graph.removeUnused();
    if (form == Form.DEQUANTIZE_LINEAR) {
      model.needIrVersion(INT4_IR_VERSION);
    } else if (!converted.isEmpty()) {
      model.importOpset("com.microsoft", 1);
    }
    return new DynamicQuantizer.Converted(model, List.copyOf(converted), kept);
  }

  /** Weights [rows, columns], two per byte, and scales [blocks, columns], both row-major. */
  private static void dequantize(Graph graph, Node node, Blocks blocks, List<Node> nodes) {
    DynamicQuantizer.Weights weights = blocks.weights;
    byte[] packed = new byte[(weights.rows() * weights.columns() + 1) / 2];
    for (int r = 0; r < weights.rows(); r++) {
      for (int c = 0; c < weights.columns(); c++) {
        int at = r * weights.columns() + c;
        packed[at / 2] |= (byte) ((blocks.get(r, c) & 0xf) << (at % 2 * 4));
      }
    }
    float[] scales = new float[blocks.count * weights.columns()];
    for (int b = 0; b < blocks.count; b++) {
      for (int c = 0; c < weights.columns(); c++) {
        scales[b * weights.columns() + c] = blocks.scale(b, c);
      }
    }
    String name = node.input(1);
    String integers =
        graph.add(
            Constants.of(
                graph.newName(name + ".q"),
                Constants.INT4,
                new long[] {weights.rows(), weights.columns()},
                packed));
    String scale =
        graph.add(
            Constants.of(
                graph.newName(name + ".scale"),
                new long[] {blocks.count, weights.columns()},
                scales));
    String real = graph.newName(name + ".dq");
    nodes.add(
        Node.of("DequantizeLinear", real, List.of(integers, scale), List.of(real))
            .with("axis", 0)
            .with("block_size", blocks.size));
    node.setInput(1, real);
    node.attributes().remove("transB");
    nodes.add(node);
  }

  /** Weights [columns, blocks, size / 2] with zero point 8, scales [columns * blocks]. */
  private static void multiply(Graph graph, Node node, Blocks blocks, List<Node> nodes) {
    DynamicQuantizer.Weights weights = blocks.weights;
    int half = blocks.size / 2;
    byte[] packed = new byte[weights.columns() * blocks.count * half];
    float[] scales = new float[weights.columns() * blocks.count];
    for (int c = 0; c < weights.columns(); c++) {
      for (int b = 0; b < blocks.count; b++) {
        scales[c * blocks.count + b] = blocks.scale(b, c);
        for (int i = 0; i < blocks.size; i++) {
          int row = b * blocks.size + i;
          int value = row < weights.rows() ? blocks.get(row, c) + 8 : 8;
          packed[(c * blocks.count + b) * half + i / 2] |= (byte) (value << (i % 2 * 4));
        }
      }
    }
    String name = node.input(1);
    String integers =
        graph.add(
            Constants.of(
                graph.newName(name + ".q"),
                Constants.UINT8,
                new long[] {weights.columns(), blocks.count, half},
                packed));
    String scale =
        graph.add(Constants.of(graph.newName(name + ".scale"), new long[] {scales.length}, scales));
    boolean bias = node.is("Gemm") && !node.input(2).isEmpty();
    String product = bias ? graph.newName(node.name() + ".product") : node.output();
    nodes.add(
        Node.of(
                "com.microsoft",
                "MatMulNBits",
                bias ? product : node.name(),
                List.of(node.input(0), integers, scale),
                List.of(product))
            .with("K", weights.rows())
            .with("N", weights.columns())
            .with("bits", 4)
            .with("block_size", blocks.size));
    if (bias) {
      nodes.add(
          Node.of("Add", node.name(), List.of(product, node.input(2)), List.of(node.output())));
    }
  }

  /** Weights in blocks of rows. */
  private static final class Blocks {
    private final DynamicQuantizer.Weights weights;
    private final int size;
    private final int count;
    private final float[] scales;

    Blocks(DynamicQuantizer.Weights weights, int size) {
      this.weights = weights;
      this.size = size;
      this.count = (weights.rows() + size - 1) / size;
      this.scales = new float[count * weights.columns()];
      for (int b = 0; b < count; b++) {
        for (int c = 0; c < weights.columns(); c++) {
          float largest = 0;
          for (int r = b * size; r < Math.min(weights.rows(), (b + 1) * size); r++) {
            float value = weights.get(r, c);
            largest = Math.abs(value) > Math.abs(largest) ? value : largest;
          }
          scales[b * weights.columns() + c] = Math.abs(largest) < 0x1p-100f ? 1 : largest / -8;
        }
      }
    }

    float scale(int block, int column) {
      return scales[block * weights.columns() + column];
    }

    int get(int row, int column) {
      double steps = Math.rint(weights.get(row, column) / scale(row / size, column));
      return (int) Math.max(-8, Math.min(7, steps));
    }
  }
}
