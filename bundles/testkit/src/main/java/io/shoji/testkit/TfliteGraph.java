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
import java.util.ArrayList;
import java.util.List;

/**
 * A TensorFlow Lite model being written, in the schema's version 3 ({@code schema.fbs} of
 * TensorFlow Lite, whose field ids and numbers these are). Tensors and subgraphs are known by their
 * index. Not thread safe.
 */
public final class TfliteGraph {
  /** Numbers of {@code BuiltinOperator}. */
  public static final int ADD = 0;

  public static final int CONV_2D = 3;
  public static final int DEQUANTIZE = 6;
  public static final int FULLY_CONNECTED = 9;
  public static final int CUSTOM = 32;
  public static final int UNIDIRECTIONAL_SEQUENCE_RNN = 35;
  public static final int GATHER = 36;
  public static final int SUB = 41;
  public static final int GREATER = 61;
  public static final int QUANTIZE = 114;
  public static final int WHILE = 119;
  public static final int BATCH_MATMUL = 126;

  /** Numbers of the union {@code BuiltinOptions}. */
  public static final int CONV_2D_OPTIONS = 1;

  public static final int FULLY_CONNECTED_OPTIONS = 8;
  public static final int ADD_OPTIONS = 11;
  public static final int GATHER_OPTIONS = 23;
  public static final int SUB_OPTIONS = 28;
  public static final int SEQUENCE_RNN_OPTIONS = 31;
  public static final int WHILE_OPTIONS = 93;
  public static final int BATCH_MATMUL_OPTIONS = 101;

  /** An input that is left out. */
  public static final int NONE = -1;

  /** What every reader of such a file looks for. */
  public static final String IDENTIFIER = "TFL3";

  private static final int VERSION = 3;

  /** From this number on an operator's code has a field of its own. */
  private static final int PLACEHOLDER_FOR_GREATER_OP_CODES = 127;

  private final String description;
  private final List<FlatTable> operatorCodes = new ArrayList<>();
  private final List<FlatTable> buffers = new ArrayList<>();
  private final List<Subgraph> subgraphs = new ArrayList<>();

  /** An empty model; its first buffer is the empty one that tensors without data name. */
  public TfliteGraph(String description) {
    this.description = description;
    buffers.add(new FlatTable());
  }

  /** Adds a subgraph; the first is the model's own. */
  public Subgraph subgraph() {
    Subgraph subgraph = new Subgraph();
    subgraphs.add(subgraph);
    return subgraph;
  }

  /** The model as bytes of a {@code .tflite} file. */
  public byte[] toModel() {
    return toTable().toFile(IDENTIFIER);
  }

  /** The model's root table. */
  public FlatTable toTable() {
    return new FlatTable()
        .int32(0, VERSION)
        .tables(1, operatorCodes)
        .tables(2, subgraphs.stream().map(Subgraph::toTable).toList())
        .string(3, description)
        .tables(4, buffers);
  }

  /** Number of {@code TensorType}. */
  static int type(ElementType type) {
    return switch (type) {
      case FLOAT32 -> 0;
      case FLOAT16 -> 1;
      case INT32 -> 2;
      case UINT8 -> 3;
      case INT64 -> 4;
      case BOOL -> 6;
      case INT16 -> 7;
      case INT8 -> 9;
      case FLOAT64 -> 10;
      case UINT16 -> 16;
      case INT4 -> 17;
    };
  }

  /** One graph of the model. */
  public final class Subgraph {
    private final List<FlatTable> tensors = new ArrayList<>();
    private final List<FlatTable> operators = new ArrayList<>();
    private final List<Integer> inputs = new ArrayList<>();
    private final List<Integer> outputs = new ArrayList<>();

    private Subgraph() {}

    /**
     * Adds a tensor of values that a run computes; a dynamic shape is 1 there until it is known.
     */
    public int tensor(String name, ElementType type, Shape shape) {
      return add(described(name, type, shape));
    }

    /** The same, of quantized values. */
    public int quantized(String name, ElementType type, Shape shape, float scale, int zeroPoint) {
      return add(
          described(name, type, shape)
              .table(4, new FlatTable().floats(2, scale).longs(3, zeroPoint)));
    }

    /** Adds a tensor of texts. */
    public int text(String name) {
      return add(new FlatTable().ints(0, 1).int8(1, 5).string(3, name));
    }

    /** Adds a tensor whose values stay from run to run. */
    public int variable(String name, ElementType type, Shape shape) {
      return add(described(name, type, shape).int8(5, 1));
    }

    /** Adds a constant. */
    public int constant(String name, Tensor content) {
      return add(described(name, content.type(), content.shape()).int32(2, buffer(content)));
    }

    /** Adds a constant of quantized values, with one scale or one for each index of axis 0. */
    public int constant(String name, Tensor content, float... scales) {
      return add(
          described(name, content.type(), content.shape())
              .int32(2, buffer(content))
              .table(
                  4,
                  new FlatTable().floats(2, scales).longs(3, new long[scales.length]).int32(6, 0)));
    }

    /** Adds a tensor as it is given. */
    public int add(FlatTable tensor) {
      tensors.add(tensor);
      return tensors.size() - 1;
    }

    /** Names an input. */
    public Subgraph input(int tensor) {
      inputs.add(tensor);
      return this;
    }

    /** Names an output. */
    public Subgraph output(int tensor) {
      outputs.add(tensor);
      return this;
    }

    /** Adds an operator of version 1 without options. */
    public Subgraph operator(int builtin, List<Integer> from, List<Integer> to) {
      return operator(builtin, 1, from, to, 0, new FlatTable());
    }

    /**
     * Adds an operator.
     *
     * @param optionsType number of the union {@code BuiltinOptions}; 0 for none
     */
    public Subgraph operator(
        int builtin,
        int version,
        List<Integer> from,
        List<Integer> to,
        int optionsType,
        FlatTable options) {
      operatorCodes.add(
          new FlatTable()
              .int8(0, Math.min(builtin, PLACEHOLDER_FOR_GREATER_OP_CODES))
              .int32(2, version)
              .int32(3, builtin));
      return operator(from, to, optionsType, options);
    }

    /** Adds an operator that is not one of TensorFlow Lite's own. */
    public Subgraph custom(String name, List<Integer> from, List<Integer> to) {
      operatorCodes.add(new FlatTable().int8(0, CUSTOM).string(1, name).int32(3, CUSTOM));
      return operator(from, to, 0, new FlatTable());
    }

    /** The same, with options in a form of its own. */
    public Subgraph custom(String name, List<Integer> from, List<Integer> to, byte[] options) {
      custom(name, from, to);
      operators.get(operators.size() - 1).bytes(5, options);
      return this;
    }

    private Subgraph operator(
        List<Integer> from, List<Integer> to, int optionsType, FlatTable options) {
      FlatTable operator =
          new FlatTable()
              .int32(0, operatorCodes.size() - 1)
              .ints(1, array(from))
              .ints(2, array(to));
      if (optionsType != 0) {
        operator.int8(3, optionsType).table(4, options);
      }
      operators.add(operator);
      return this;
    }

    private FlatTable described(String name, ElementType type, Shape shape) {
      int[] dims = new int[shape.rank()];
      int[] signature = new int[shape.rank()];
      for (int i = 0; i < dims.length; i++) {
        signature[i] = Math.toIntExact(shape.dim(i));
        dims[i] = Math.max(1, signature[i]);
      }
      FlatTable tensor =
          new FlatTable().ints(0, dims).int8(1, type(type)).string(3, name).int8(8, 1);
      return shape.isDynamic() ? tensor.ints(7, signature) : tensor;
    }

    private int buffer(Tensor content) {
      buffers.add(new FlatTable().bytes(0, Tensors.bytes(content)));
      return buffers.size() - 1;
    }

    private FlatTable toTable() {
      return new FlatTable()
          .tables(0, tensors)
          .ints(1, array(inputs))
          .ints(2, array(outputs))
          .tables(3, operators)
          .string(4, "graph");
    }

    private static int[] array(List<Integer> values) {
      return values.stream().mapToInt(Integer::intValue).toArray();
    }
  }
}
