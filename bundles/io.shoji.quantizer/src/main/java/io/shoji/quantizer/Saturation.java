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
import io.shoji.quantizer.wire.TensorProto;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Values that need no range of their own because whoever reads them levels off: what a sigmoid, a
 * SiLU or a GELU makes of -16 and of -8 is the same in 8 bits. Cutting them off leaves finer steps
 * to the values that matter, at a price of half a step of the result.
 */
final class Saturation {
  /** Where these functions are lowest, rounded; below, they rise towards 0. */
  private static final double LOWEST_SILU = -1.2785;

  private static final double LOWEST_GELU = -0.7518;

  /** No function here moves by a step of 8 bits that far out. */
  private static final double FAR = 100;

  /** Step of what a sigmoid or a hyperbolic tangent makes: see {@link QuantizationPlan}. */
  private static final double SIGMOID_STEP = 1.0 / 256;

  private static final double TANH_STEP = 1.0 / 128;

  private final Graph graph;
  private final Map<String, List<Node>> consumers;

  Saturation(Graph graph) {
    this.graph = graph;
    this.consumers = graph.consumers();
  }

  /** Gives the range of the values seen of a tensor. */
  @FunctionalInterface
  interface Ranges {
    /** The range, or null if the tensor was not watched. */
    @Nullable Range of(String tensor);
  }

  /** The part of a tensor's range that makes a difference to those who read it. */
  Range cut(String tensor, Range range, Ranges ranges) {
    List<Node> readers = consumers.getOrDefault(tensor, List.of());
    if (graph.isOutput(tensor) || readers.isEmpty()) {
      return range;
    }
    Range needed = needed(tensor, readers, ranges);
    return needed == null
        ? range
        : new Range(Math.max(range.low(), needed.low()), Math.min(range.high(), needed.high()));
  }

  private @Nullable Range needed(String tensor, List<Node> readers, Ranges ranges) {
    if (readers.size() == 1) {
      return alone(readers.get(0));
    }
    if (readers.size() != 2) {
      return null;
    }
    Range gated = gated(tensor, readers.get(0), readers.get(1), ranges);
    return gated == null ? gated(tensor, readers.get(1), readers.get(0), ranges) : gated;
  }

  /** What a product of the tensor and of a gate that the tensor opens needs. */
  private @Nullable Range gated(String tensor, Node product, Node gate, Ranges ranges) {
    if (!product.is("Mul") || product.inputs().size() != 2) {
      return null;
    }
    String factor = product.input(0).equals(tensor) ? product.input(1) : product.input(0);
    if (factor.equals(tensor)) {
      return null;
    }
    Range result = ranges.of(product.output());
    if (result == null || result.isEmpty()) {
      return null;
    }
    double step = ((double) result.high() - result.low()) / 255;
    if (gate.is("Sigmoid") && factor.equals(gate.output())) {
      return above(low(x -> x / (1 + Math.exp(-x)), LOWEST_SILU, step));
    }
    if (gate.is("HardSigmoid") && factor.equals(gate.output())) {
      return above(hardSigmoid(gate).low());
    }
    if (isGelu(gate, factor)) {
      // The product is of x and twice the share: it is halved afterwards.
      return above(low(x -> 2 * x * normal(x), LOWEST_GELU, step));
    }
    return null;
  }

  private static @Nullable Range alone(Node reader) {
    return switch (reader.domain().isEmpty() ? reader.operator() : "") {
      // Where the rest to 0 or 1 is half a step.
      case "Sigmoid" -> around(Math.log(2 / SIGMOID_STEP - 1));
      case "Tanh" -> around(0.5 * Math.log(4 / TANH_STEP - 1));
      case "HardSigmoid" -> hardSigmoid(reader);
      case "HardSwish" -> above(-3);
      default -> null;
    };
  }

  private static Range hardSigmoid(Node node) {
    double alpha = node.real("alpha", 0.2f);
    double beta = node.real("beta", 0.5f);
    return alpha > 0
        ? new Range((float) (-beta / alpha), (float) ((1 - beta) / alpha))
        : new Range(-Float.MAX_VALUE, Float.MAX_VALUE);
  }

  private static Range around(double magnitude) {
    return new Range((float) -magnitude, (float) magnitude);
  }

  private static Range above(double low) {
    return new Range((float) low, Float.MAX_VALUE);
  }

  /** Where a function that rises from {@code lowest} towards 0 on the left is half a step off. */
  private static double low(DoubleUnaryOperator function, double lowest, double step) {
    double near = lowest;
    double far = -FAR;
    if (-function.applyAsDouble(near) <= step / 2) {
      return near;
    }
    while (near - far > 1e-6) {
      double middle = (near + far) / 2;
      if (-function.applyAsDouble(middle) <= step / 2) {
        far = middle;
      } else {
        near = middle;
      }
    }
    return far;
  }

  /** Whether a factor is {@code 1 + erf(x / sqrt(2))}, which {@code first} begins. */
  private boolean isGelu(Node first, String factor) {
    Node add = producer(factor);
    if (add == null || !add.is("Add") || !isOne(add)) {
      return false;
    }
    Node erf = producerOf(add, "Erf");
    return erf != null && erf.input(0).equals(first.output()) && scales(first);
  }

  private @Nullable Node producer(String tensor) {
    return graph.producers().get(tensor);
  }

  private @Nullable Node producerOf(Node node, String operator) {
    for (String input : node.inputs()) {
      Node producer = producer(input);
      if (producer != null && producer.is(operator)) {
        return producer;
      }
    }
    return null;
  }

  /** Whether a node divides by the root of 2, or multiplies by its inverse. */
  private boolean scales(Node node) {
    double root = Math.sqrt(2);
    return node.is("Div")
        ? isNear(node.input(1), root)
        : node.is("Mul") && (isNear(node.input(0), 1 / root) || isNear(node.input(1), 1 / root));
  }

  private boolean isOne(Node add) {
    return isNear(add.input(0), 1) || isNear(add.input(1), 1);
  }

  private boolean isNear(String tensor, double value) {
    TensorProto constant = graph.constant(tensor);
    return constant != null
        && constant.getDataType() == Constants.FLOAT
        && Constants.size(constant) == 1
        && Math.abs(Constants.floats(constant)[0] - value) < 1e-3;
  }

  /**
   * Distribution function of the standard normal distribution below 0, by the integral of its
   * density (Simpson's rule).
   */
  private static double normal(double x) {
    double from = Math.max(-40, x - 12);
    int parts = 400;
    double width = (x - from) / parts;
    double sum = 0;
    for (int i = 0; i <= parts; i++) {
      double t = from + i * width;
      int weight = i == 0 || i == parts ? 1 : i % 2 == 1 ? 4 : 2;
      sum += weight * Math.exp(-t * t / 2);
    }
    return sum * width / 3 / Math.sqrt(2 * Math.PI);
  }
}
