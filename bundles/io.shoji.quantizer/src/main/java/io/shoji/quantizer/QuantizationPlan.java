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
import io.shoji.tensor.ElementType;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which nodes compute in integers, which tensors go through 8 bits, and which of these share one
 * scale and zero point because a node between them only moves values.
 */
final class QuantizationPlan {
  /** What a node does, as far as quantization cares. */
  private enum Kind {
    /** A layer with weights. */
    LAYER,
    /** Computes on one or more activations. */
    COMPUTE,
    /** Returns values of its first input, or between them. */
    MOVE,
    /** Returns values of all its inputs. */
    JOIN,
    /** Anything else stays in FP32. */
    OTHER
  }

  private static final Set<String> LAYERS = Set.of("Conv", "ConvTranspose", "Gemm", "MatMul");

  private static final Set<String> COMPUTES =
      Set.of(
          "Add",
          "Mul",
          "AveragePool",
          "GlobalAveragePool",
          "Sigmoid",
          "HardSigmoid",
          "HardSwish",
          "Softmax",
          "Tanh",
          "LeakyRelu",
          "Relu",
          "Clip");

  private static final Set<String> MOVES =
      Set.of(
          "Reshape",
          "Transpose",
          "Flatten",
          "Squeeze",
          "Unsqueeze",
          "MaxPool",
          "GlobalMaxPool",
          "Slice",
          "Split",
          "Gather",
          "Expand",
          "Tile",
          "DepthToSpace",
          "SpaceToDepth",
          "Resize",
          "Pad");

  /** A unit of computation: a layer and what follows it before 8 bits are left for the next. */
  record Unit(Node first, List<Node> rest) {
    String output() {
      return (rest.isEmpty() ? first : rest.get(rest.size() - 1)).output();
    }

    /** The Relu or Clip at its end, or null. */
    @Nullable Node bound() {
      Node last = rest.isEmpty() ? null : rest.get(rest.size() - 1);
      return last != null && (last.is("Relu") || last.is("Clip")) ? last : null;
    }
  }

  private final Graph graph;
  private final Map<String, TensorSpec> specs;
  private final QuantizationOptions options;
  private final Map<String, List<Node>> consumers;
  private final Map<Node, Unit> units = new LinkedHashMap<>();
  private final Set<String> quantized = new LinkedHashSet<>();
  private final Set<String> madeInIntegers = new LinkedHashSet<>();
  private final Set<String> moved = new LinkedHashSet<>();
  private final Map<String, Set<Node>> readers = new HashMap<>();
  private final Map<String, String> sharers = new HashMap<>();
  private final Map<Node, String> reasons = new LinkedHashMap<>();
  private final Set<String> refused;

  private QuantizationPlan(
      Graph graph,
      Map<String, TensorSpec> specs,
      QuantizationOptions options,
      Set<String> refused) {
    this.graph = graph;
    this.specs = specs;
    this.options = options;
    this.refused = refused;
    this.consumers = graph.consumers();
  }

  /**
   * Plans a prepared graph.
   *
   * @param refused tensors that cannot be quantized because they hold infinite values
   */
  static QuantizationPlan of(
      Graph graph,
      Map<String, TensorSpec> specs,
      QuantizationOptions options,
      Set<String> refused) {
    QuantizationPlan plan = new QuantizationPlan(graph, specs, options, refused);
    plan.decide();
    plan.dropUnread();
    return plan;
  }

  /** The units by their first node, in order. */
  Map<Node, Unit> units() {
    return units;
  }

  /** Tensors that go through 8 bits, constants among them, in order. */
  Set<String> tensors() {
    return quantized;
  }

  /** Whether integers make a tensor, so that whoever reads it gets it from 8 bits. */
  boolean isMadeInIntegers(String tensor) {
    return madeInIntegers.contains(tensor);
  }

  /** Whether a tensor holds nothing but values of those whose group it is in. */
  boolean isMoved(String tensor) {
    return moved.contains(tensor);
  }

  /** The nodes that read a tensor as integers. */
  Set<Node> readers(String tensor) {
    return readers.getOrDefault(tensor, Set.of());
  }

  /** The tensor that stands for all that share its scale and zero point. */
  String group(String tensor) {
    String next = sharers.getOrDefault(tensor, tensor);
    return next.equals(tensor) ? tensor : group(next);
  }

  /** Why each of the other nodes stays in FP32. */
  Map<Node, String> reasons() {
    return reasons;
  }

  /** The range that an operator fixes whatever its input, or null. */
  static @Nullable Range fixedRange(Node node) {
    return switch (node.domain().isEmpty() ? node.operator() : "") {
      // 255 steps of 1/256: TensorFlow Lite asks for this very scale.
      case "Sigmoid", "HardSigmoid", "Softmax" -> new Range(0, 255f / 256);
      case "Tanh" -> new Range(-1, 127f / 128);
      default -> null;
    };
  }

  private void decide() {
    Set<Node> claimed = new LinkedHashSet<>();
    for (Node node : graph.nodes()) {
      if (claimed.contains(node)) {
        continue;
      }
      Kind kind = kind(node);
      String reason = kind == Kind.OTHER ? "the operator is not quantized" : reason(node, kind);
      if (reason != null) {
        reasons.put(node, reason);
        continue;
      }
      Unit unit = new Unit(node, kind == Kind.LAYER || isSum(node) ? following(node) : List.of());
      claimed.addAll(unit.rest());
      units.put(node, unit);
      for (String input : activations(node, kind)) {
        quantized.add(input);
        readers.computeIfAbsent(input, key -> new LinkedHashSet<>()).add(node);
      }
      if (kind == Kind.MOVE) {
        for (String output : node.outputs()) {
          if (!output.isEmpty()) {
            made(output);
            share(node.input(0), output);
            moved.add(output);
          }
        }
      } else {
        made(unit.output());
        if (kind == Kind.JOIN) {
          node.inputs().forEach(input -> share(input, node.output()));
          moved.add(node.output());
        }
      }
    }
  }

  private void made(String tensor) {
    quantized.add(tensor);
    madeInIntegers.add(tensor);
  }

  private void share(String one, String other) {
    String left = group(one);
    String right = group(other);
    if (!left.equals(right)) {
      sharers.put(right, left);
    }
  }

  private static boolean isSum(Node node) {
    return node.is("Add") || node.is("Mul");
  }

  private Kind kind(Node node) {
    if (!node.domain().isEmpty()) {
      return Kind.OTHER;
    }
    String operator = node.operator();
    if (LAYERS.contains(operator)) {
      return Kind.LAYER;
    }
    if (operator.equals("AveragePool") && options.integerOutputs()) {
      // TensorFlow Lite's averages have the scale of what they are made from.
      return Kind.MOVE;
    }
    if (COMPUTES.contains(operator)) {
      return Kind.COMPUTE;
    }
    if (operator.equals("Resize")) {
      // Cubic interpolation goes beyond its inputs.
      return node.text("mode", "nearest").equals("cubic") ? Kind.OTHER : Kind.MOVE;
    }
    if (operator.equals("Pad")) {
      return isPadOfZeros(node) ? Kind.MOVE : Kind.OTHER;
    }
    if (operator.equals("MaxPool")
        && node.outputs().size() > 1
        && !node.outputs().get(1).isEmpty()) {
      return Kind.OTHER;
    }
    return MOVES.contains(operator)
        ? Kind.MOVE
        : operator.equals("Concat") ? Kind.JOIN : Kind.OTHER;
  }

  private boolean isPadOfZeros(Node node) {
    if (!node.text("mode", "constant").equals("constant") || node.input(2).isEmpty()) {
      return true;
    }
    TensorProto value = graph.constant(node.input(2));
    return value != null && Constants.isReal(value) && Constants.floats(value)[0] == 0;
  }

  /** The inputs that are activations: those that go through 8 bits with one scale. */
  private List<String> activations(Node node, Kind kind) {
    return switch (kind) {
      case LAYER ->
          node.is("MatMul") && !isWeight(node, 1)
              ? List.of(node.input(0), node.input(1))
              : List.of(node.input(0));
      case COMPUTE ->
          isSum(node) ? List.copyOf(new LinkedHashSet<>(node.inputs())) : List.of(node.input(0));
      case JOIN -> List.copyOf(new LinkedHashSet<>(node.inputs()));
      case MOVE -> List.of(node.input(0));
      case OTHER -> List.of();
    };
  }

  private boolean isWeight(Node node, int index) {
    return graph.constant(node.input(index)) != null;
  }

  /** Why a node of a kind that is quantized is not, or null. */
  private @Nullable String reason(Node node, Kind kind) {
    if (options.inFloat().contains(node.name())) {
      return "kept in FP32 as asked";
    }
    boolean anyQuantized = false;
    for (String input : activations(node, kind)) {
      TensorProto constant = graph.constant(input);
      TensorSpec spec = specs.get(input);
      boolean real =
          constant != null
              ? constant.getDataType() == Constants.FLOAT
              : spec != null && spec.type() == ElementType.FLOAT32;
      if (constant == null && spec == null) {
        return "the rank or type of an input shows only when it runs input=" + input;
      }
      if (!real) {
        return "an input is not FP32 input=" + input;
      }
      if (constant != null && (Constants.size(constant) == 0 || !isFinite(constant))) {
        return "a constant is empty or not finite input=" + input;
      }
      if (constant != null && constant.getDimsCount() == 0 && !options.integerBias()) {
        return "TensorRT quantizes no constant of rank 0 input=" + input;
      }
      if (refused.contains(input)) {
        return "an input has infinite values input=" + input;
      }
      anyQuantized |= quantized.contains(input) && constant == null;
    }
    for (String output : node.outputs()) {
      if (refused.contains(output)) {
        return "its result has infinite values output=" + output;
      }
    }
    if (kind == Kind.LAYER) {
      return layerReason(node);
    }
    if (!anyQuantized && !options.integerOutputs()) {
      return "no input comes in 8 bits";
    }
    boolean last =
        node.outputs().stream()
            .allMatch(output -> graph.isOutput(output) && !consumers.containsKey(output));
    if (last && !options.integerOutputs()) {
      return "it makes an output of the model";
    }
    return null;
  }

  private @Nullable String layerReason(Node node) {
    if (node.is("MatMul")) {
      TensorSpec left = specs.get(node.input(0));
      if (left != null && left.shape().rank() < 2) {
        return "a product of a vector";
      }
      if (!isWeight(node, 1)) {
        return null;
      }
    }
    TensorProto weight = graph.constant(node.input(1));
    if (weight == null || weight.getDataType() != Constants.FLOAT) {
      return "its weights are no FP32 constant";
    }
    if (weight.getDimsCount() < 2 || Constants.size(weight) == 0 || !isFinite(weight)) {
      return "its weights are empty, a vector or not finite";
    }
    if (node.is("MatMul")) {
      return null;
    }
    Channels channels = Channels.of(node, Constants.dims(weight));
    if (channels == null) {
      return "its weights have an unknown layout";
    }
    if (node.is("Gemm")
        && (node.integer("transA", 0) != 0
            || node.real("alpha", 1) != 1
            || node.real("beta", 1) != 1)) {
      return "a Gemm with a transposed input or with factors";
    }
    if (node.input(2).isEmpty()) {
      return null;
    }
    TensorProto bias = graph.constant(node.input(2));
    boolean fits =
        bias != null
            && bias.getDataType() == Constants.FLOAT
            && bias.getDimsCount() == 1
            && bias.getDims(0) == channels.outputs()
            && isFinite(bias);
    return fits ? null : "its bias is not one finite constant per channel";
  }

  private static boolean isFinite(TensorProto constant) {
    for (float value : Constants.floats(constant)) {
      if (!Float.isFinite(value)) {
        return false;
      }
    }
    return true;
  }

  /** The constant bias of a product, and the Relu or Clip after a layer, if nothing else reads. */
  private List<Node> following(Node layer) {
    List<Node> rest = new ArrayList<>();
    Node last = layer;
    while (true) {
      String output = last.output();
      List<Node> next = consumers.getOrDefault(output, List.of());
      if (graph.isOutput(output)
          || next.size() != 1
          || options.inFloat().contains(next.get(0).name())) {
        return rest;
      }
      Node follower = next.get(0);
      if (layer.is("MatMul") && last == layer && isWeight(layer, 1) && addsBias(layer, follower)) {
        rest.add(follower);
        last = follower;
      } else if (isBound(follower) && !refused.contains(follower.output())) {
        rest.add(follower);
        return rest;
      } else {
        return rest;
      }
    }
  }

  private boolean addsBias(Node product, Node add) {
    if (!add.is("Add")) {
      return false;
    }
    String other = add.input(0).equals(product.output()) ? add.input(1) : add.input(0);
    TensorProto bias = graph.constant(other);
    return bias != null
        && bias.getDataType() == Constants.FLOAT
        && bias.getDimsCount() <= 1
        && isFinite(bias);
  }

  private boolean isBound(Node node) {
    if (node.is("Relu")) {
      return true;
    }
    return node.is("Clip") && bounds(graph, node) != null;
  }

  /** What Relu or Clip leaves, or null if that is no constant. */
  static @Nullable Bounds bounds(Graph graph, Node node) {
    if (node.is("Relu")) {
      return new Bounds(0, Float.POSITIVE_INFINITY);
    }
    float[] ends = {Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY};
    for (int i = 0; i < 2; i++) {
      if (!node.input(i + 1).isEmpty()) {
        TensorProto end = graph.constant(node.input(i + 1));
        if (end == null || end.getDataType() != Constants.FLOAT || Constants.size(end) != 1) {
          return null;
        }
        ends[i] = Constants.floats(end)[0];
      }
    }
    return new Bounds(ends[0], ends[1]);
  }

  /** Limits of values; may be infinite. */
  record Bounds(float low, float high) {}

  /**
   * Takes back what was in vain, from the end: a node whose result nothing reads in 8 bits stays in
   * FP32, since its result would have to leave 8 bits at once. A Gemm or MatMul still computes in
   * integers and gives FP32, for which the runtime has a kernel; for a convolution it has none.
   */
  private void dropUnread() {
    List<Unit> all = new ArrayList<>(units.values());
    for (int i = all.size() - 1; i >= 0; i--) {
      Unit unit = all.get(i);
      Node first = unit.first();
      List<String> outputs =
          first.outputs().size() > 1 ? List.copyOf(first.outputs()) : List.of(unit.output());
      boolean read =
          outputs.stream()
              .anyMatch(
                  output ->
                      !readers(output).isEmpty()
                          || (options.integerOutputs() && graph.isOutput(output)));
      if (read || first.is("Conv") || first.is("ConvTranspose")) {
        continue;
      }
      outputs.forEach(quantized::remove);
      outputs.forEach(madeInIntegers::remove);
      if (!LAYERS.contains(first.operator())) {
        units.remove(first);
        reasons.put(first, "nothing reads its result in 8 bits");
        unit.rest().forEach(node -> reasons.put(node, "nothing reads its result in 8 bits"));
        for (String input : new LinkedHashSet<>(first.inputs())) {
          Set<Node> left = readers.get(input);
          if (left != null && left.remove(first) && left.isEmpty() && !isMadeInIntegers(input)) {
            quantized.remove(input);
          }
        }
      }
    }
  }
}
