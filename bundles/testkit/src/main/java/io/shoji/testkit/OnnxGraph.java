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
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes an ONNX {@code GraphProto} or {@code ModelProto} (field numbers of {@code onnx.proto}), so
 * that a test makes the model it needs without Python. It writes what it is told and checks
 * nothing, because broken models are what some tests are about. Not thread safe.
 */
public final class OnnxGraph {
  private static final int ATTRIBUTE_FLOAT = 1;
  private static final int ATTRIBUTE_INT = 2;
  private static final int ATTRIBUTE_STRING = 3;
  private static final int ATTRIBUTE_TENSOR = 4;
  private static final int ATTRIBUTE_GRAPH = 5;
  private static final int ATTRIBUTE_INTS = 7;

  private final ProtobufMessage graph = new ProtobufMessage();
  private final Map<String, Long> opsets = new TreeMap<>();
  private long irVersion = 7;

  /** An empty graph of opset 13 and IR version 7, which ONNX Runtime knows since 1.8. */
  public OnnxGraph(String name) {
    graph.add(2, name);
    opsets.put("", 13L);
  }

  /** Sets the version of the ONNX operator set. */
  public OnnxGraph opset(long version) {
    return opset("", version);
  }

  /** Imports an operator set, "" being ONNX's own. */
  public OnnxGraph opset(String domain, long version) {
    opsets.put(domain, version);
    return this;
  }

  /** Sets the version of the file format. */
  public OnnxGraph irVersion(long version) {
    irVersion = version;
    return this;
  }

  /** Adds an input; dynamic dimensions become {@code N}, all one symbol. */
  public OnnxGraph input(String name, ElementType type, Shape shape) {
    graph.add(11, valueInfo(name, tensorType(typeCode(type), shape)));
    return this;
  }

  /** Adds an input of any {@code TypeProto}. */
  public OnnxGraph input(String name, ProtobufMessage type) {
    graph.add(11, valueInfo(name, type));
    return this;
  }

  /** Adds an output; dynamic dimensions become {@code N}, all one symbol. */
  public OnnxGraph output(String name, ElementType type, Shape shape) {
    graph.add(12, valueInfo(name, tensorType(typeCode(type), shape)));
    return this;
  }

  /** Adds an output of any {@code TypeProto}. */
  public OnnxGraph output(String name, ProtobufMessage type) {
    graph.add(12, valueInfo(name, type));
    return this;
  }

  /** Adds a constant whose bytes lie in the model. */
  public OnnxGraph constant(String name, Tensor value) {
    graph.add(5, tensorProto(name, value));
    return this;
  }

  /**
   * Adds a constant whose bytes lie in another file.
   *
   * @param location as the file says it, relative to the model's folder
   */
  public OnnxGraph externalConstant(
      String name, ElementType type, Shape shape, String location, long offset) {
    graph.add(5, externalTensor(name, type, shape, location, offset));
    return this;
  }

  /** Adds a constant as any {@code TensorProto}. */
  public OnnxGraph constant(ProtobufMessage tensorProto) {
    graph.add(5, tensorProto);
    return this;
  }

  /** Adds a node of ONNX's own domain. */
  public OnnxGraph node(
      String operator, List<String> inputs, List<String> outputs, Attribute... attributes) {
    return node("", operator, inputs, outputs, attributes);
  }

  /** Adds a node, named by its first output. */
  public OnnxGraph node(
      String domain,
      String operator,
      List<String> inputs,
      List<String> outputs,
      Attribute... attributes) {
    ProtobufMessage node = new ProtobufMessage();
    inputs.forEach(input -> node.add(1, input));
    outputs.forEach(output -> node.add(2, output));
    node.add(3, operator + "_" + outputs.get(0)).add(4, operator);
    for (Attribute attribute : attributes) {
      node.add(5, attribute.message);
    }
    if (!domain.isEmpty()) {
      node.add(7, domain);
    }
    graph.add(1, node);
    return this;
  }

  /** The {@code GraphProto}, for a graph within a graph. */
  public ProtobufMessage toGraph() {
    return graph;
  }

  /** The {@code ModelProto}: the content of an {@code .onnx} file. */
  public byte[] toModel() {
    ProtobufMessage model = new ProtobufMessage().add(1, irVersion).add(2, "shoji-testkit");
    model.add(7, graph);
    opsets.forEach(
        (domain, version) -> model.add(8, new ProtobufMessage().add(1, domain).add(2, version)));
    return model.toBytes();
  }

  /** A {@code TypeProto} of a tensor with an element type by its ONNX number. */
  public static ProtobufMessage tensorType(int typeCode, Shape shape) {
    ProtobufMessage dims = new ProtobufMessage();
    for (long dim : shape.dims()) {
      ProtobufMessage dimension = new ProtobufMessage();
      dims.add(1, dim == Shape.DYNAMIC ? dimension.add(2, "N") : dimension.add(1, dim));
    }
    return new ProtobufMessage().add(1, new ProtobufMessage().add(1, typeCode).add(2, dims));
  }

  /** A {@code TypeProto} of a tensor without a shape. */
  public static ProtobufMessage tensorTypeOfAnyShape(ElementType type) {
    return new ProtobufMessage().add(1, new ProtobufMessage().add(1, typeCode(type)));
  }

  /** A {@code TypeProto} of a sequence of FLOAT32 tensors. */
  public static ProtobufMessage sequenceType() {
    ProtobufMessage element = tensorType(typeCode(ElementType.FLOAT32), Shape.of(Shape.DYNAMIC));
    return new ProtobufMessage().add(4, new ProtobufMessage().add(1, element));
  }

  /** A {@code TypeProto} of a tensor of strings. */
  public static ProtobufMessage stringType(Shape shape) {
    return tensorType(8, shape);
  }

  /** A {@code TensorProto} whose bytes lie in another file. */
  public static ProtobufMessage externalTensor(
      String name, ElementType type, Shape shape, String location, long offset) {
    ProtobufMessage tensor = new ProtobufMessage();
    for (long dim : shape.dims()) {
      tensor.add(1, dim);
    }
    return tensor
        .add(2, typeCode(type))
        .add(8, name)
        .add(13, new ProtobufMessage().add(1, "location").add(2, location))
        .add(13, new ProtobufMessage().add(1, "offset").add(2, Long.toString(offset)))
        .add(
            13,
            new ProtobufMessage()
                .add(1, "length")
                .add(2, Long.toString(type.bytes(shape.elementCount()))))
        .add(14, 1);
  }

  /** A {@code TensorProto} with its bytes. */
  public static ProtobufMessage tensorProto(String name, Tensor value) {
    ProtobufMessage tensor = new ProtobufMessage();
    for (long dim : value.shape().dims()) {
      tensor.add(1, dim);
    }
    ByteBuffer data = value.data().duplicate();
    byte[] raw = new byte[data.remaining()];
    data.get(raw);
    return tensor.add(2, typeCode(value.type())).add(8, name).add(9, raw);
  }

  private static ProtobufMessage valueInfo(String name, ProtobufMessage type) {
    return new ProtobufMessage().add(1, name).add(2, type);
  }

  /** Number of an element type in {@code TensorProto.DataType}. */
  public static int typeCode(ElementType type) {
    return switch (type) {
      case FLOAT32 -> 1;
      case UINT8 -> 2;
      case INT8 -> 3;
      case UINT16 -> 4;
      case INT16 -> 5;
      case INT32 -> 6;
      case INT64 -> 7;
      case BOOL -> 9;
      case FLOAT16 -> 10;
      case FLOAT64 -> 11;
      case INT4 -> 22;
    };
  }

  /** A node's attribute. */
  public static final class Attribute {
    private final ProtobufMessage message;

    private Attribute(String name, int type) {
      this.message = new ProtobufMessage().add(1, name).add(20, type);
    }

    /** An integer. */
    public static Attribute of(String name, long value) {
      Attribute attribute = new Attribute(name, ATTRIBUTE_INT);
      attribute.message.add(3, value);
      return attribute;
    }

    /** A floating-point number. */
    public static Attribute of(String name, float value) {
      Attribute attribute = new Attribute(name, ATTRIBUTE_FLOAT);
      attribute.message.add(2, value);
      return attribute;
    }

    /** A string. */
    public static Attribute of(String name, String value) {
      Attribute attribute = new Attribute(name, ATTRIBUTE_STRING);
      attribute.message.add(4, value);
      return attribute;
    }

    /** Integers. */
    public static Attribute ofInts(String name, long... values) {
      Attribute attribute = new Attribute(name, ATTRIBUTE_INTS);
      for (long value : values) {
        attribute.message.add(8, value);
      }
      return attribute;
    }

    /** A {@code TensorProto}. */
    public static Attribute ofTensor(String name, ProtobufMessage tensorProto) {
      Attribute attribute = new Attribute(name, ATTRIBUTE_TENSOR);
      attribute.message.add(5, tensorProto);
      return attribute;
    }

    /** A graph. */
    public static Attribute of(String name, OnnxGraph graph) {
      Attribute attribute = new Attribute(name, ATTRIBUTE_GRAPH);
      attribute.message.add(6, graph.toGraph());
      return attribute;
    }
  }
}
