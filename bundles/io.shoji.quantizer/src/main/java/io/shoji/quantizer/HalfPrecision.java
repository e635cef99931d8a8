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
import io.shoji.quantizer.wire.AttributeProto;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * FP16 conversion: weights and arithmetic in binary16, inputs and outputs of the model as they
 * were, and {@code Cast} where a node that stays in FP32 meets one that does not.
 */
public final class HalfPrecision {
  /** Largest finite binary16. */
  private static final float LARGEST = 65_504;

  /**
   * Operators that have no binary16 form in ONNX or whose results it would spoil: positions, sums
   * over many elements, and powers.
   */
  public static final Set<String> IN_FLOAT =
      Set.of(
          "NonMaxSuppression",
          "Resize",
          "Upsample",
          "RoiAlign",
          "Range",
          "CumSum",
          "TopK",
          "RandomNormal",
          "RandomNormalLike",
          "RandomUniform",
          "RandomUniformLike",
          "Multinomial",
          "Bernoulli",
          "ConstantOfShape",
          "EyeLike",
          "OneHot",
          "QuantizeLinear",
          "DequantizeLinear",
          "DynamicQuantizeLinear",
          "Pow",
          "Exp",
          "Log",
          "ReduceSum",
          "ReduceSumSquare",
          "ReduceL2",
          "ReduceLogSumExp",
          "LayerNormalization",
          "InstanceNormalization");

  private final Graph graph;
  private final Map<String, TensorSpec> specs;
  private final Map<String, String> reasons = new LinkedHashMap<>();
  private final Set<String> halves = new HashSet<>();
  private final Map<String, String> versions = new HashMap<>();
  private final List<Node> nodes = new ArrayList<>();

  private HalfPrecision(Graph graph, Map<String, TensorSpec> specs) {
    this.graph = graph;
    this.specs = specs;
  }

  /**
   * A model in FP16.
   *
   * @param model the new model
   * @param inFloat names of the nodes that stayed in FP32, with the reason
   */
  public record Converted(OnnxModel model, Map<String, String> inFloat) {}

  /**
   * Converts a copy of a prepared model.
   *
   * @param inFloat names of further nodes that stay in FP32
   */
  public static Converted convert(Preparation.Prepared prepared, Set<String> inFloat) {
    OnnxModel model = prepared.model().copy();
    HalfPrecision half = new HalfPrecision(model.graph(), prepared.tensors());
    for (Node node : model.graph().nodes()) {
      half.convert(node, inFloat);
    }
    model.graph().nodes().clear();
    model.graph().nodes().addAll(half.nodes);
    model.graph().removeUnused();
    return new Converted(model, half.reasons);
  }

  private void convert(Node node, Set<String> inFloat) {
    boolean real =
        node.outputs().stream().anyMatch(this::isReal)
            || node.inputs().stream().anyMatch(this::isReal);
    String reason = real ? reason(node, inFloat) : "";
    if (!reason.isEmpty()) {
      reasons.put(node.name(), reason);
    }
    boolean half = real && reason.isEmpty();
    for (int i = 0; i < node.inputs().size(); i++) {
      String input = node.inputs().get(i);
      if (isReal(input)) {
        node.inputs().set(i, half ? asHalf(input) : asFloat(input));
      }
    }
    if (!half) {
      nodes.add(node);
      return;
    }
    if (node.is("Cast") && node.integer("to", 0) == Constants.FLOAT) {
      node.with("to", Constants.FLOAT16);
    }
    List<Node> casts = new ArrayList<>();
    for (int i = 0; i < node.outputs().size(); i++) {
      String output = node.outputs().get(i);
      if (!isReal(output)) {
        continue;
      }
      if (graph.isOutput(output)) {
        // Outputs keep name and type.
        String inner = graph.newName(output + ".half");
        node.outputs().set(i, inner);
        versions.put(output, inner);
        casts.add(cast(inner, output, Constants.FLOAT));
      } else {
        halves.add(output);
      }
    }
    nodes.add(node);
    nodes.addAll(casts);
  }

  private boolean isReal(String tensor) {
    TensorProto constant = graph.constant(tensor);
    if (constant != null) {
      return constant.getDataType() == Constants.FLOAT;
    }
    TensorSpec spec = specs.get(tensor);
    return spec != null && spec.type() == ElementType.FLOAT32;
  }

  private String reason(Node node, Set<String> inFloat) {
    if (inFloat.contains(node.name())) {
      return "kept in FP32 as asked";
    }
    if (!node.domain().isEmpty()) {
      return "an operator of another domain";
    }
    if (IN_FLOAT.contains(node.operator())) {
      return "the operator stays in FP32";
    }
    for (AttributeProto attribute : node.attributes().values()) {
      if (attribute.hasT()) {
        return "it has a tensor as an attribute";
      }
    }
    for (String output : node.outputs()) {
      if (!output.isEmpty() && !specs.containsKey(output)) {
        return "the type of its result is not known output=" + output;
      }
    }
    for (String input : node.inputs()) {
      TensorProto constant = graph.constant(input);
      if (constant != null && constant.getDataType() == Constants.FLOAT) {
        for (float value : Constants.floats(constant)) {
          // An infinity stays what it is: masks are made of them.
          if (Math.abs(value) > LARGEST && !Float.isInfinite(value)) {
            return "a constant is too large for FP16 constant=" + input + " value=" + value;
          }
        }
      }
    }
    return "";
  }

  private String asHalf(String tensor) {
    if (halves.contains(tensor)) {
      return tensor;
    }
    String known = versions.get(tensor);
    if (known != null) {
      return known;
    }
    String name = graph.newName(tensor + ".half");
    TensorProto constant = graph.constant(tensor);
    if (constant == null) {
      nodes.add(cast(tensor, name, Constants.FLOAT16));
    } else {
      graph.add(Constants.ofHalves(name, Constants.dims(constant), Constants.floats(constant)));
    }
    versions.put(tensor, name);
    return name;
  }

  private String asFloat(String tensor) {
    if (!halves.contains(tensor)) {
      return tensor;
    }
    String key = tensor + " as FP32";
    String known = versions.get(key);
    if (known != null) {
      return known;
    }
    String name = graph.newName(tensor + ".float");
    nodes.add(cast(tensor, name, Constants.FLOAT));
    versions.put(key, name);
    return name;
  }

  private static Node cast(String from, String to, int type) {
    return Node.of("Cast", to + ".cast", List.of(from), List.of(to)).with("to", type);
  }
}
