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
import io.shoji.quantizer.wire.GraphProto;
import io.shoji.quantizer.wire.NodeProto;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.quantizer.wire.TypeProto;
import io.shoji.quantizer.wire.ValueInfoProto;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model's graph, changeable: nodes in an order in which they can run, constants, inputs and
 * outputs. Every tensor has one producer (a node, a constant or an input). Graphs within graphs
 * (control flow) and values that are no tensors (sequences, optionals) are refused when it is read.
 * Not thread safe.
 */
public final class Graph {
  private final GraphProto rest;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, TensorProto> constants = new LinkedHashMap<>();
  private final List<ValueInfoProto> inputs = new ArrayList<>();
  private final List<ValueInfoProto> outputs = new ArrayList<>();
  private final Set<String> names = new HashSet<>();

  private Graph(GraphProto rest) {
    this.rest = rest;
  }

  /**
   * Reads and checks a graph.
   *
   * @throws QuantizerException DAMAGED, TOO_LARGE or UNSUPPORTED, naming the node or tensor
   */
  static Graph read(GraphProto message) throws QuantizerException {
    Graph graph =
        new Graph(
            message.toBuilder()
                .clearNode()
                .clearInitializer()
                .clearInput()
                .clearOutput()
                .clearValueInfo()
                .build());
    if (message.getSparseInitializerCount() > 0) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "sparse weights are not supported; save the model with dense ones count="
              + message.getSparseInitializerCount());
    }
    for (TensorProto constant : message.getInitializerList()) {
      Constants.check(constant);
      if (constant.getName().isEmpty()
          || graph.constants.put(constant.getName(), constant) != null) {
        throw damaged("two constants have one name, or one has none", constant.getName());
      }
    }
    for (ValueInfoProto input : message.getInputList()) {
      checkTensor("input", input);
      // Up to IR version 3 constants are listed among the inputs, as defaults.
      if (!graph.constants.containsKey(input.getName())) {
        graph.inputs.add(input);
      }
    }
    for (ValueInfoProto output : message.getOutputList()) {
      checkTensor("output", output);
      graph.outputs.add(output);
    }
    if (graph.outputs.isEmpty()) {
      throw new QuantizerException(Code.DAMAGED, "the model has no outputs");
    }
    List<Node> read = new ArrayList<>();
    Set<String> nodeNames = new HashSet<>();
    for (NodeProto node : message.getNodeList()) {
      checkNode(node);
      String name =
          node.getName().isEmpty() ? node.getOpType() + "_" + read.size() : node.getName();
      String unique = name;
      for (int i = 2; !nodeNames.add(unique); i++) {
        unique = name + "_" + i;
      }
      Node next = Node.read(node, unique);
      TensorProto value = next.is("Constant") ? constantOf(next) : null;
      if (value == null) {
        read.add(next);
      } else {
        Constants.check(value);
        if (graph.constants.put(value.getName(), value) != null) {
          throw damaged("two tensors have one name", value.getName());
        }
      }
    }
    graph.sort(read);
    return graph;
  }

  private static void checkTensor(String kind, ValueInfoProto value) throws QuantizerException {
    TypeProto type = value.getType();
    if (type.getValueCase() != TypeProto.ValueCase.TENSOR_TYPE
        && type.getValueCase() != TypeProto.ValueCase.VALUE_NOT_SET) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "the model has an "
              + kind
              + " that is no tensor; only tensors can be quantized name="
              + value.getName()
              + " found="
              + type.getValueCase());
    }
    if (value.getName().isEmpty()) {
      throw new QuantizerException(Code.DAMAGED, "the model has an " + kind + " without a name");
    }
  }

  private static void checkNode(NodeProto node) throws QuantizerException {
    String facts = " node=" + node.getName() + " operator=" + node.getOpType();
    if (node.getOpType().isEmpty()) {
      throw new QuantizerException(Code.DAMAGED, "a node has no operator" + facts);
    }
    if (node.getOpType().startsWith("Sequence")
        || node.getOpType().equals("SplitToSequence")
        || node.getOpType().equals("ConcatFromSequence")
        || node.getOpType().startsWith("Optional")) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "the model uses sequences or optionals; export it with tensors only" + facts);
    }
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.hasG() || attribute.getGraphsCount() > 0) {
        throw new QuantizerException(
            Code.UNSUPPORTED,
            "the model has control flow (a graph within a node); export it with a fixed number of"
                + " steps, or unrolled"
                + facts
                + " attribute="
                + attribute.getName());
      }
      if (!attribute.getRefAttrName().isEmpty()) {
        throw new QuantizerException(
            Code.DAMAGED, "a node outside a function refers to an attribute of one" + facts);
      }
      if (attribute.hasT()) {
        Constants.check(attribute.getT());
      }
    }
  }

  private static @Nullable TensorProto constantOf(Node node) {
    String name = node.output();
    AttributeProto value = node.attributes().get("value");
    if (value != null && value.hasT()) {
      return value.getT().toBuilder().setName(name).build();
    }
    AttributeProto real = node.attributes().get("value_float");
    if (real != null) {
      return Constants.scalar(name, real.getF());
    }
    AttributeProto reals = node.attributes().get("value_floats");
    if (reals != null) {
      float[] values = new float[reals.getFloatsCount()];
      for (int i = 0; i < values.length; i++) {
        values[i] = reals.getFloats(i);
      }
      return Constants.of(name, new long[] {values.length}, values);
    }
    AttributeProto integer = node.attributes().get("value_int");
    if (integer != null) {
      return Constants.of(name, integer.getI()).toBuilder().clearDims().build();
    }
    long[] integers = node.integers("value_ints");
    return integers == null ? null : Constants.of(name, integers);
  }

  private static QuantizerException damaged(String what, String name) {
    return new QuantizerException(Code.DAMAGED, what + " name=" + name);
  }

  /** Puts nodes in an order in which they can run, the given one where that is possible. */
  private void sort(List<Node> unsorted) throws QuantizerException {
    Map<String, Node> makers = new HashMap<>();
    Set<String> ready = new HashSet<>(constants.keySet());
    inputs.forEach(input -> ready.add(input.getName()));
    names.addAll(ready);
    for (Node node : unsorted) {
      for (String output : node.outputs()) {
        if (!output.isEmpty() && (makers.put(output, node) != null || ready.contains(output))) {
          throw damaged("two nodes make one tensor", output);
        }
        names.add(output);
      }
    }
    Map<Node, Integer> missing = new HashMap<>();
    Map<String, List<Node>> waiting = new HashMap<>();
    for (Node node : unsorted) {
      Set<String> needs = new HashSet<>();
      for (String input : node.inputs()) {
        if (input.isEmpty() || ready.contains(input)) {
          continue;
        }
        if (!makers.containsKey(input)) {
          throw damaged("a node reads a tensor that nothing makes node=" + node, input);
        }
        if (needs.add(input)) {
          waiting.computeIfAbsent(input, key -> new ArrayList<>()).add(node);
        }
      }
      missing.put(node, needs.size());
    }
    Map<Node, Integer> places = new HashMap<>();
    for (Node node : unsorted) {
      places.put(node, places.size());
    }
    Set<Node> done = new HashSet<>();
    for (Node first : unsorted) {
      // Everything before is done or waits: this one runs now if it can, and sets others free.
      Deque<Node> free = new ArrayDeque<>();
      if (missing.getOrDefault(first, 0) == 0 && !done.contains(first)) {
        free.add(first);
      }
      while (!free.isEmpty()) {
        Node node = free.poll();
        if (!done.add(node)) {
          continue;
        }
        nodes.add(node);
        Set<String> made = new LinkedHashSet<>(node.outputs());
        for (String output : made) {
          for (Node reader : waiting.getOrDefault(output, List.of())) {
            boolean passed = places.getOrDefault(reader, 0) < places.getOrDefault(first, 0);
            if (missing.merge(reader, -1, Integer::sum) == 0 && passed) {
              free.add(reader);
            }
          }
        }
      }
    }
    if (done.size() != unsorted.size()) {
      Node stuck = unsorted.stream().filter(node -> !done.contains(node)).findFirst().orElseThrow();
      throw new QuantizerException(Code.DAMAGED, "the graph has a cycle node=" + stuck);
    }
    for (ValueInfoProto output : outputs) {
      if (!names.contains(output.getName())) {
        throw damaged("nothing makes an output of the model", output.getName());
      }
    }
  }

  /** A graph like this one, changed apart from it. */
  public Graph copy() {
    Graph copy = new Graph(rest);
    nodes.forEach(node -> copy.nodes.add(node.copy()));
    copy.constants.putAll(constants);
    copy.inputs.addAll(inputs);
    copy.outputs.addAll(outputs);
    copy.names.addAll(names);
    return copy;
  }

  GraphProto write() {
    return rest.toBuilder()
        .addAllNode(nodes.stream().map(Node::write).toList())
        .addAllInitializer(constants.values())
        .addAllInput(inputs)
        .addAllOutput(outputs)
        .build();
  }

  /** The nodes in an order in which they can run, modifiable as long as that holds. */
  public List<Node> nodes() {
    return nodes;
  }

  /** The constants by name, modifiable. */
  public Map<String, TensorProto> constants() {
    return constants;
  }

  /** The inputs, modifiable. */
  public List<ValueInfoProto> inputs() {
    return inputs;
  }

  /** The outputs, modifiable. */
  public List<ValueInfoProto> outputs() {
    return outputs;
  }

  /** Names of the inputs, in order. */
  public List<String> inputNames() {
    return inputs.stream().map(ValueInfoProto::getName).toList();
  }

  /** Names of the outputs, in order. */
  public List<String> outputNames() {
    return outputs.stream().map(ValueInfoProto::getName).toList();
  }

  /** Whether a tensor is an output of the model. */
  public boolean isOutput(String tensor) {
    return outputs.stream().anyMatch(output -> output.getName().equals(tensor));
  }

  /** The constant of that name, or null. */
  public @Nullable TensorProto constant(String tensor) {
    return constants.get(tensor);
  }

  /** Adds a constant under its name. */
  public String add(TensorProto constant) {
    constants.put(constant.getName(), constant);
    names.add(constant.getName());
    return constant.getName();
  }

  /** A name that no tensor has yet, taken from now on: the wish, or the wish with a number. */
  public String newName(String wish) {
    String name = wish;
    for (int i = 2; !names.add(name); i++) {
      name = wish + "_" + i;
    }
    return name;
  }

  /** The node that makes each tensor; valid until the graph changes. */
  public Map<String, Node> producers() {
    Map<String, Node> producers = new HashMap<>();
    for (Node node : nodes) {
      node.outputs().stream()
          .filter(each -> !each.isEmpty())
          .forEach(each -> producers.put(each, node));
    }
    return producers;
  }

  /** The nodes that read each tensor, once each; valid until the graph changes. */
  public Map<String, List<Node>> consumers() {
    Map<String, List<Node>> consumers = new HashMap<>();
    for (Node node : nodes) {
      for (String input : new LinkedHashSet<>(node.inputs())) {
        if (!input.isEmpty()) {
          consumers.computeIfAbsent(input, key -> new ArrayList<>()).add(node);
        }
      }
    }
    return consumers;
  }

  /** Lets all nodes read {@code to} where they read {@code from}. */
  public void redirect(String from, String to) {
    for (Node node : nodes) {
      node.inputs().replaceAll(input -> input.equals(from) ? to : input);
    }
  }

  /** Removes nodes; who used them has been taken care of. */
  public void remove(Collection<Node> removed) {
    Set<Node> set = new HashSet<>(removed);
    nodes.removeIf(set::contains);
  }

  /** Removes nodes and constants whose results nothing uses. */
  public void removeUnused() {
    Set<String> used = new HashSet<>(outputNames());
    List<Node> kept = new ArrayList<>();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      if (node.outputs().stream().anyMatch(used::contains)) {
        used.addAll(node.inputs());
        kept.add(node);
      }
    }
    Collections.reverse(kept);
    nodes.clear();
    nodes.addAll(kept);
    constants.keySet().removeIf(name -> !used.contains(name));
  }
}
