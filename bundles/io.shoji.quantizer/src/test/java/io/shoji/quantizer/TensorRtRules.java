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

import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.wire.TensorProto;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What NVIDIA documents that TensorRT asks of explicit quantization: the operators Quantize and
 * Dequantize of the TensorRT operator reference, "Working with Quantized Types" of its developer
 * guide, and the notes of its ONNX parser.
 */
final class TensorRtRules {
  private static final Set<String> WEIGHTED = Set.of("Conv", "ConvTranspose", "Gemm", "MatMul");

  private TensorRtRules() {}

  static void check(OnnxModel model) {
    Graph graph = model.graph();
    Map<String, Node> producers = graph.producers();
    Map<String, List<Node>> consumers = graph.consumers();
    for (Node node : graph.nodes()) {
      if (node.is("QuantizeLinear") || node.is("DequantizeLinear")) {
        checkPair(graph, node, producers, consumers);
      } else {
        checkLayer(graph, node, producers);
      }
    }
  }

  private static void checkPair(
      Graph graph, Node node, Map<String, Node> producers, Map<String, List<Node>> consumers) {
    // Older parsers ask for all three inputs.
    assertThat(node.inputs()).as("%s", node).hasSize(3);
    TensorProto scale = graph.constant(node.input(1));
    TensorProto zero = graph.constant(node.input(2));
    assertThat(scale).as("scale of %s is a constant", node).isNotNull();
    assertThat(zero).as("zero point of %s is a constant", node).isNotNull();
    assertThat(scale.getDataType()).isEqualTo(Constants.FLOAT);
    assertThat(scale.getDimsCount()).as("scale of %s", node).isLessThanOrEqualTo(1);
    assertThat(Constants.dims(zero)).as("zero point of %s", node).isEqualTo(Constants.dims(scale));
    assertThat(zero.getDataType()).as("%s", node).isEqualTo(Constants.INT8);
    assertThat(Constants.integers(zero)).as("%s is symmetric", node).containsOnly(0);
    for (float value : Constants.floats(scale)) {
      assertThat(value).as("scale of %s", node).isPositive().isFinite();
    }
    if (node.is("QuantizeLinear")) {
      assertThat(scale.getDimsCount()).as("%s: activations per tensor", node).isZero();
      // Q and DQ stand together, so that TensorRT moves them as a pair and fuses them.
      assertThat(graph.isOutput(node.output())).isFalse();
      assertThat(consumers.get(node.output()))
          .as("%s", node)
          .isNotEmpty()
          .allSatisfy(reader -> assertThat(reader.is("DequantizeLinear")).isTrue())
          .allSatisfy(reader -> assertThat(reader.input(1)).isEqualTo(node.input(1)));
      return;
    }
    TensorProto integers = graph.constant(node.input(0));
    if (integers == null) {
      assertThat(producers.get(node.input(0)).is("QuantizeLinear")).as("%s", node).isTrue();
      return;
    }
    assertThat(integers.getDataType()).as("%s", node).isEqualTo(Constants.INT8);
    // The parser takes the axis of a tensor of rank 0 for an error, even where it means nothing.
    assertThat(integers.getDimsCount()).as("%s of a scalar", node).isPositive();
    int axis = (int) node.integer("axis", 1);
    assertThat(axis).isBetween(0, integers.getDimsCount());
    if (scale.getDimsCount() == 1) {
      assertThat(Constants.size(scale)).as("%s", node).isEqualTo(integers.getDims(axis));
    }
  }

  private static void checkLayer(Graph graph, Node node, Map<String, Node> producers) {
    boolean[] quantized = new boolean[node.inputs().size()];
    for (int i = 0; i < quantized.length; i++) {
      Node producer = producers.get(node.input(i));
      quantized[i] = producer != null && producer.is("DequantizeLinear");
    }
    if (WEIGHTED.contains(node.operator()) && quantized[0]) {
      // Weights and activations both, else it computes in floating point.
      assertThat(quantized[1]).as("weights of %s", node).isTrue();
      if (quantized.length > 2) {
        assertThat(graph.constant(node.input(2)).getDataType())
            .as("bias of %s", node)
            .isEqualTo(Constants.FLOAT);
      }
      Node weights = producers.get(node.input(1));
      if (graph.constant(weights.input(0)) != null
          && graph.constant(weights.input(1)).getDimsCount() == 1) {
        int expected =
            switch (node.operator()) {
              case "Conv" -> 0;
              case "Gemm" -> node.integer("transB", 0) == 0 ? 1 : 0;
              default -> 1;
            };
        assertThat(weights.integer("axis", 1)).as("channels of %s", node).isEqualTo(expected);
      }
    }
    if (node.is("Add") || node.is("Mul") || node.is("Concat")) {
      boolean any = false;
      boolean all = true;
      for (boolean each : quantized) {
        any |= each;
        all &= each;
      }
      assertThat(any).as("%s: all inputs in 8 bits or none", node).isEqualTo(all);
    }
  }
}
