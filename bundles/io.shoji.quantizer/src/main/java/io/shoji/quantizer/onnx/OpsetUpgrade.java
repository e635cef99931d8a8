/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.onnx;

import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.wire.AttributeProto;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says in a newer version of ONNX's operator set what a model says in an older one: where an
 * attribute became an input, a default changed or an operator was replaced, after the change notes
 * of the ONNX operators from 7 to 21.
 */
public final class OpsetUpgrade {
  /** Oldest version that can be upgraded. */
  public static final long OLDEST = 7;

  /** Newest version that this knows. */
  public static final long NEWEST = 21;

  private static final Set<String> REDUCTIONS =
      Set.of(
          "ReduceMax",
          "ReduceMin",
          "ReduceMean",
          "ReduceProd",
          "ReduceL1",
          "ReduceL2",
          "ReduceLogSum",
          "ReduceLogSumExp",
          "ReduceSumSquare");

  private final Graph graph;
  private final long from;
  private final long to;
  private final Map<String, TensorSpec> specs;

  private OpsetUpgrade(Graph graph, long from, long to, Map<String, TensorSpec> specs) {
    this.graph = graph;
    this.from = from;
    this.to = to;
    this.specs = specs;
  }

  /**
   * A copy of a model in a newer operator set; a plain copy if it is of that or a newer one.
   *
   * @param target from 7 to 21
   * @param specs descriptions of its tensors: the ranks of Softmax's inputs are needed from below
   *     13
   * @throws QuantizerException UNSUPPORTED, naming the node, if there is no way to say it
   */
  public static OnnxModel upgrade(OnnxModel model, long target, Map<String, TensorSpec> specs)
      throws QuantizerException {
    OnnxModel upgraded = model.copy();
    long from = model.opset();
    if (from >= target) {
      return upgraded;
    }
    if (from < OLDEST || target > NEWEST) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "the operator set cannot be upgraded; export the model again found="
              + from
              + " asked="
              + target
              + " oldest="
              + OLDEST);
    }
    OpsetUpgrade upgrade = new OpsetUpgrade(upgraded.graph(), from, target, specs);
    List<Node> nodes = upgraded.graph().nodes();
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      if (node.domain().isEmpty()) {
        nodes.set(i, upgrade.upgraded(node));
      }
    }
    upgraded.importOpset("", target);
    // The versions of the format that these sets came with (ONNX 1.10, 1.14 and 1.16).
    upgraded.needIrVersion(target >= 21 ? 10 : target >= 19 ? 9 : target >= 15 ? 8 : 7);
    return upgraded;
  }

  private boolean crosses(long version) {
    return from < version && to >= version;
  }

  private Node upgraded(Node node) throws QuantizerException {
    String operator = node.operator();
    if (crosses(11) && operator.equals("Scatter")) {
      return renamed(node, "ScatterElements");
    }
    if ((crosses(10) && operator.equals("Upsample"))
        || (crosses(11) && operator.equals("Resize"))) {
      return resize(node);
    }
    switch (operator) {
      case "Slice" -> {
        if (crosses(10)) {
          integersToInput(node, "starts", 1);
          integersToInput(node, "ends", 2);
          integersToInput(node, "axes", 3);
        }
      }
      case "TopK" -> {
        if (crosses(10) && node.attributes().containsKey("k")) {
          long k = node.integer("k", 1);
          node.attributes().remove("k");
          node.setInput(1, constant(node, "k", k));
        }
      }
      case "Clip" -> {
        if (crosses(11)) {
          realToInput(node, "min", 1);
          realToInput(node, "max", 2);
        }
      }
      case "Pad" -> {
        if (crosses(11)) {
          integersToInput(node, "pads", 1);
          realToInput(node, "value", 2);
        }
      }
      case "Dropout" -> {
        if (crosses(12)) {
          // Without training it does nothing, whatever the ratio.
          node.attributes().remove("ratio");
        }
      }
      case "Squeeze", "Unsqueeze", "ReduceSum" -> {
        if (crosses(13)) {
          integersToInput(node, "axes", 1);
        }
      }
      case "Split" -> {
        if (crosses(13)) {
          integersToInput(node, "split", 1);
        }
        if (crosses(18) && node.input(1).isEmpty()) {
          node.with("num_outputs", node.outputs().size());
        }
      }
      case "Softmax", "LogSoftmax", "Hardmax" -> {
        if (crosses(13)) {
          lastAxis(node);
        }
      }
      case "BatchNormalization" -> {
        node.attributes().remove("spatial");
        if (crosses(14)) {
          while (node.outputs().size() > 1) {
            node.outputs().remove(node.outputs().size() - 1);
          }
        }
      }
      case "RoiAlign" -> {
        if (crosses(16) && !node.attributes().containsKey("coordinate_transformation_mode")) {
          node.with("coordinate_transformation_mode", "output_half_pixel");
        }
      }
      case "GridSample" -> {
        if (crosses(20)) {
          String mode = node.text("mode", "bilinear");
          node.with(
              "mode", mode.equals("bilinear") ? "linear" : mode.equals("bicubic") ? "cubic" : mode);
        }
      }
      case "GroupNormalization", "DFT" -> {
        if (crosses(20) || crosses(21)) {
          throw unsayable(node, "its meaning changed");
        }
      }
      default -> {
        if (crosses(18) && REDUCTIONS.contains(operator)) {
          integersToInput(node, "axes", 1);
        }
      }
    }
    return node;
  }

  private QuantizerException unsayable(Node node, String why) {
    return new QuantizerException(
        Code.UNSUPPORTED,
        "a node cannot be said in a newer operator set, "
            + why
            + "; export the model again node="
            + node
            + " found="
            + from
            + " asked="
            + to);
  }

  private static Node renamed(Node node, String operator) {
    Node renamed = Node.of(operator, node.name(), node.inputs(), node.outputs());
    renamed.attributes().putAll(node.attributes());
    return renamed;
  }

  private String constant(Node node, String what, long... values) {
    String name = graph.newName(node.name() + "." + what);
    return graph.add(Constants.of(name, values));
  }

  private void integersToInput(Node node, String attribute, int index) {
    long[] values = node.integers(attribute);
    if (values != null) {
      node.attributes().remove(attribute);
      node.setInput(index, constant(node, attribute, values));
    }
  }

  private void realToInput(Node node, String attribute, int index) {
    AttributeProto value = node.attributes().remove(attribute);
    if (value != null) {
      String name = graph.newName(node.name() + "." + attribute);
      node.setInput(index, graph.add(Constants.scalar(name, value.getF())));
    }
  }

  /** Before 13 the axis began a block of axes; that is the same if the block has one. */
  private void lastAxis(Node node) throws QuantizerException {
    TensorSpec spec = specs.get(node.input(0));
    long axis = node.integer("axis", 1);
    long rank = spec == null ? -1 : spec.shape().rank();
    if (spec == null || (axis < 0 ? axis + rank : axis) != rank - 1) {
      throw unsayable(node, "it takes several axes together axis=" + axis + " rank=" + rank);
    }
    node.with("axis", -1);
  }

  /** Upsample and the first Resize: positions are multiplied, and cut off. */
  private Node resize(Node node) {
    long[] none = {0};
    float[] scales = realsOf(node);
    String factor = scales == null ? node.input(1) : graph.newName(node.name() + ".scales");
    if (scales != null) {
      graph.add(Constants.of(factor, new long[] {scales.length}, scales));
    }
    String roi = graph.add(Constants.of(graph.newName(node.name() + ".roi"), none, new float[0]));
    Node resize =
        Node.of("Resize", node.name(), List.of(node.input(0), roi, factor), node.outputs())
            .with("mode", node.text("mode", "nearest"))
            .with("coordinate_transformation_mode", "asymmetric");
    return node.text("mode", "nearest").equals("nearest")
        ? resize.with("nearest_mode", "floor")
        : resize;
  }

  private static float @Nullable [] realsOf(Node node) {
    AttributeProto found = node.attributes().get("scales");
    if (found == null) {
      return null;
    }
    float[] values = new float[found.getFloatsCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = found.getFloats(i);
    }
    return values;
  }
}
