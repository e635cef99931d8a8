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

import com.google.protobuf.ByteString;
import io.shoji.quantizer.wire.AttributeProto;
import io.shoji.quantizer.wire.AttributeProto.AttributeType;
import io.shoji.quantizer.wire.NodeProto;
import io.shoji.quantizer.wire.TensorProto;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An operation of a {@link Graph}, changeable. Not thread safe; equal only to itself. */
public final class Node {
  private final NodeProto rest;
  private final String name;
  private final String operator;
  private final String domain;
  private final List<String> inputs;
  private final List<String> outputs;
  private final Map<String, AttributeProto> attributes = new LinkedHashMap<>();

  private Node(
      NodeProto rest,
      String name,
      String operator,
      String domain,
      List<String> inputs,
      List<String> outputs) {
    this.rest = rest;
    this.name = name;
    this.operator = operator;
    this.domain = domain.equals("ai.onnx") ? "" : domain;
    this.inputs = new ArrayList<>(inputs);
    this.outputs = new ArrayList<>(outputs);
  }

  /** A node of ONNX's own operator set. */
  public static Node of(String operator, String name, List<String> inputs, List<String> outputs) {
    return of("", operator, name, inputs, outputs);
  }

  /** A node of a domain, "" being ONNX's own. */
  public static Node of(
      String domain, String operator, String name, List<String> inputs, List<String> outputs) {
    return new Node(NodeProto.getDefaultInstance(), name, operator, domain, inputs, outputs);
  }

  static Node read(NodeProto message, String name) {
    Node node =
        new Node(
            message.toBuilder().clearInput().clearOutput().clearAttribute().build(),
            name,
            message.getOpType(),
            message.getDomain(),
            message.getInputList(),
            message.getOutputList());
    message.getAttributeList().forEach(each -> node.attributes.put(each.getName(), each));
    return node;
  }

  NodeProto write() {
    NodeProto.Builder message =
        rest.toBuilder()
            .setName(name)
            .setOpType(operator)
            .addAllInput(inputs)
            .addAllOutput(outputs)
            .addAllAttribute(attributes.values());
    return domain.isEmpty() ? message.clearDomain().build() : message.setDomain(domain).build();
  }

  /** A node like this one, changed apart from it. */
  public Node copy() {
    Node copy = new Node(rest, name, operator, domain, inputs, outputs);
    copy.attributes.putAll(attributes);
    return copy;
  }

  /** Name, unique in its graph. */
  public String name() {
    return name;
  }

  /** Operator, as {@code Conv}. */
  public String operator() {
    return operator;
  }

  /** Domain of the operator; "" is ONNX's own. */
  public String domain() {
    return domain;
  }

  /** Whether this is that operator of ONNX's own domain. */
  public boolean is(String onnxOperator) {
    return domain.isEmpty() && operator.equals(onnxOperator);
  }

  /** Names of the inputs, modifiable; "" where an optional one is left out. */
  public List<String> inputs() {
    return inputs;
  }

  /** Names of the outputs, modifiable; "" where an optional one is left out. */
  public List<String> outputs() {
    return outputs;
  }

  /** Name of an input, or "" if it is left out. */
  public String input(int index) {
    return index < inputs.size() ? inputs.get(index) : "";
  }

  /** Name of the first output. */
  public String output() {
    return outputs.get(0);
  }

  /** Sets an input, leaving out the optional ones before it that are not there. */
  public void setInput(int index, String tensor) {
    while (inputs.size() <= index) {
      inputs.add("");
    }
    inputs.set(index, tensor);
  }

  /** The attributes by name, modifiable. */
  public Map<String, AttributeProto> attributes() {
    return attributes;
  }

  /** An integer attribute, or the default. */
  public long integer(String attribute, long otherwise) {
    AttributeProto found = attributes.get(attribute);
    return found == null ? otherwise : found.getI();
  }

  /** A floating-point attribute, or the default. */
  public float real(String attribute, float otherwise) {
    AttributeProto found = attributes.get(attribute);
    return found == null ? otherwise : found.getF();
  }

  /** A text attribute, or the default. */
  public String text(String attribute, String otherwise) {
    AttributeProto found = attributes.get(attribute);
    return found == null ? otherwise : found.getS().toStringUtf8();
  }

  /** An attribute of integers, or null. */
  public long @Nullable [] integers(String attribute) {
    AttributeProto found = attributes.get(attribute);
    return found == null ? null : found.getIntsList().stream().mapToLong(Long::longValue).toArray();
  }

  /** Sets an integer attribute. */
  public Node with(String attribute, long value) {
    attributes.put(attribute, start(attribute, AttributeType.INT).setI(value).build());
    return this;
  }

  /** Sets a floating-point attribute. */
  public Node with(String attribute, float value) {
    attributes.put(attribute, start(attribute, AttributeType.FLOAT).setF(value).build());
    return this;
  }

  /** Sets a text attribute. */
  public Node with(String attribute, String value) {
    attributes.put(
        attribute,
        start(attribute, AttributeType.STRING).setS(ByteString.copyFromUtf8(value)).build());
    return this;
  }

  /** Sets a tensor attribute. */
  public Node with(String attribute, TensorProto value) {
    attributes.put(attribute, start(attribute, AttributeType.TENSOR).setT(value).build());
    return this;
  }

  private static AttributeProto.Builder start(String attribute, AttributeType type) {
    return AttributeProto.newBuilder().setName(attribute).setType(type);
  }

  /** Operator and name, as {@code Conv "features.0"}. */
  @Override
  public String toString() {
    return (domain.isEmpty() ? "" : domain + ":") + operator + " \"" + name + "\"";
  }
}
