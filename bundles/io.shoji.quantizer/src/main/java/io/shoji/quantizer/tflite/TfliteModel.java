/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a {@code .tflite} file says, read within bounds: every offset, length and index is checked,
 * and no more is taken from a file than it has bytes for. Immutable, but for the file's own bytes.
 */
public final class TfliteModel {
  static final String IDENTIFIER = "TFL3";

  /** The only version of the schema that runtimes read. */
  private static final int SCHEMA_VERSION = 3;

  /** Largest file by default, bytes. */
  public static final long LARGEST_FILE = Integer.MAX_VALUE - 8L;

  private final FlatTable.File file;
  private final String description;
  private final List<OperatorCode> operatorCodes;
  private final List<Subgraph> subgraphs;
  private final List<Metadata> metadata;
  private final List<ByteBuffer> buffers;

  /**
   * A kind of operator that the model uses.
   *
   * @param builtin number of the built-in operator, 32 for those of others
   * @param name of the operator, or what a custom one calls itself
   * @param version that the runtime must have
   */
  public record OperatorCode(int builtin, String name, int version) {
    /** Whether it is none of TensorFlow Lite's own, as what the Edge TPU compiler makes. */
    public boolean isCustom() {
      return builtin == Builtin.CUSTOM;
    }
  }

  /**
   * A tensor.
   *
   * @param shape its dimensions
   * @param shapeSignature the same with -1 for those that may change; empty if none may
   * @param buffer index of its content; an empty buffer if it is computed
   * @param scales of its quantization; none if it is not quantized
   * @param zeroPoints one per scale
   * @param axis that the scales run along, if there are several
   */
  public record TfliteTensor(
      String name,
      TfliteType type,
      List<Integer> shape,
      List<Integer> shapeSignature,
      int buffer,
      List<Float> scales,
      List<Long> zeroPoints,
      int axis,
      boolean variable) {
    /** Scale and zero point, per tensor or per axis; empty if they do not say anything. */
    public Optional<Quantization> quantization() {
      float[] scale = new float[scales.size()];
      int[] zero = new int[scales.size()];
      for (int i = 0; i < scale.length; i++) {
        scale[i] = scales.get(i);
        zero[i] = i < zeroPoints.size() ? (int) (long) zeroPoints.get(i) : 0;
        if (!(scale[i] > 0) || Float.isInfinite(scale[i])) {
          return Optional.empty();
        }
      }
      return scale.length == 0
          ? Optional.empty()
          : Optional.of(
              scale.length == 1
                  ? Quantization.perTensor(scale[0], zero[0])
                  : Quantization.perAxis(axis, scale, zero));
    }

    /** Whether a dimension may change from call to call. */
    public boolean isDynamic() {
      return shapeSignature.contains(-1);
    }
  }

  /**
   * An operation.
   *
   * @param code index among the operator codes
   * @param inputs indices of tensors, -1 for one that is left out
   * @param options what its built-in options say, by the schema's names; empty if this reader does
   *     not know them
   */
  public record TfliteOperator(
      int code, List<Integer> inputs, List<Integer> outputs, Map<String, Integer> options) {}

  /**
   * A graph.
   *
   * @param inputs indices of tensors
   * @param outputs indices of tensors
   */
  public record Subgraph(
      String name,
      List<TfliteTensor> tensors,
      List<Integer> inputs,
      List<Integer> outputs,
      List<TfliteOperator> operators) {}

  /** Something that is no part of the graph, in a buffer. */
  public record Metadata(String name, int buffer) {}

  private TfliteModel(FlatTable.File file, FlatTable root) throws QuantizerException {
    this.file = file;
    long version = root.unsigned(0, 0);
    if (version != SCHEMA_VERSION) {
      throw new QuantizerException(
          Code.UNSUPPORTED, "another version of the format asked=3 found=" + version);
    }
    this.description = root.text(3);
    this.buffers = new ArrayList<>();
    for (FlatTable buffer : root.tables(4)) {
      buffers.add(content(buffer));
    }
    if (buffers.isEmpty()) {
      throw FlatTable.damaged("the model has no buffers");
    }
    this.operatorCodes = new ArrayList<>();
    for (FlatTable code : root.tables(1)) {
      // Older files know the small field only, newer ones hold a place there.
      int builtin = Math.max(code.signedByte(0, 0), code.integer(3, 0));
      boolean custom = builtin == Builtin.CUSTOM;
      operatorCodes.add(
          new OperatorCode(
              builtin, custom ? code.text(1) : Builtin.name(builtin), code.integer(2, 1)));
    }
    this.subgraphs = new ArrayList<>();
    for (FlatTable subgraph : root.tables(2)) {
      subgraphs.add(subgraph(subgraph));
    }
    if (subgraphs.isEmpty()) {
      throw FlatTable.damaged("the model has no subgraph");
    }
    this.metadata = new ArrayList<>();
    for (FlatTable entry : root.tables(6)) {
      metadata.add(
          new Metadata(entry.text(0), index(entry.unsigned(1, 0), buffers.size(), "buffer")));
    }
  }

  /**
   * Reads a file of at most {@link #LARGEST_FILE} bytes.
   *
   * @throws QuantizerException UNREADABLE, DAMAGED, TOO_LARGE or UNSUPPORTED
   */
  public static TfliteModel read(Path file) throws QuantizerException {
    String facts = " file=" + file;
    try {
      long size = Files.size(file);
      if (size > LARGEST_FILE) {
        throw new QuantizerException(
            Code.TOO_LARGE,
            "the file is larger than allowed bytes=" + size + " allowed=" + LARGEST_FILE + facts);
      }
      return read(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the file cannot be read" + facts + " cause=" + e, e);
    } catch (QuantizerException e) {
      String message = String.valueOf(e.getMessage());
      throw new QuantizerException(
          e.code(), message.substring(message.indexOf(' ') + 1) + facts, e);
    }
  }

  /**
   * Reads the content of a file, which must not change later.
   *
   * @throws QuantizerException DAMAGED, TOO_LARGE or UNSUPPORTED
   */
  public static TfliteModel read(byte[] content) throws QuantizerException {
    FlatTable.File file =
        new FlatTable.File(ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN));
    return new TfliteModel(file, file.root(IDENTIFIER));
  }

  private ByteBuffer content(FlatTable buffer) throws QuantizerException {
    long offset = buffer.unsignedLong(1);
    // Offsets of 0 and 1 are placeholders: the content lies in the table.
    return offset > 1 ? file.outside(offset, buffer.unsignedLong(2)) : buffer.bytes(0);
  }

  private Subgraph subgraph(FlatTable table) throws QuantizerException {
    List<TfliteTensor> tensors = new ArrayList<>();
    for (FlatTable tensor : table.tables(0)) {
      tensors.add(tensor(tensor, tensors.size()));
    }
    List<TfliteOperator> operators = new ArrayList<>();
    for (FlatTable operator : table.tables(3)) {
      int code = index(operator.unsigned(0, 0), operatorCodes.size(), "operator code");
      operators.add(
          new TfliteOperator(
              code,
              indices(operator.integers(1), tensors.size(), -1),
              indices(operator.integers(2), tensors.size(), 0),
              OperatorOptions.read(operatorCodes.get(code).builtin(), operator)));
    }
    return new Subgraph(
        table.text(4),
        List.copyOf(tensors),
        indices(table.integers(1), tensors.size(), 0),
        indices(table.integers(2), tensors.size(), 0),
        List.copyOf(operators));
  }

  private TfliteTensor tensor(FlatTable table, int index) throws QuantizerException {
    int number = table.signedByte(1, 0);
    String name = table.text(3);
    String facts = " tensor=" + index + " name=" + name;
    TfliteType type =
        TfliteType.of(number)
            .orElseThrow(
                () ->
                    new QuantizerException(
                        Code.UNSUPPORTED, "a tensor of an unknown type type=" + number + facts));
    List<Integer> shape = list(table.integers(0));
    long elements = 1;
    for (int dim : shape) {
      if (dim < -1 || (dim != 0 && elements > Long.MAX_VALUE / Math.max(1, dim) / 128)) {
        throw FlatTable.damaged("a tensor has impossible dimensions shape=" + shape + facts);
      }
      elements *= Math.max(0, dim);
    }
    int buffer = index(table.unsigned(2, 0), buffers.size(), "buffer");
    List<Float> scales = List.of();
    List<Long> zeroPoints = List.of();
    int axis = 0;
    FlatTable quantization = table.table(4);
    if (quantization != null) {
      scales = quantization.floats(2);
      zeroPoints = quantization.longs(3);
      axis = quantization.integer(6, 0);
      boolean perAxis = scales.size() > 1;
      if ((!zeroPoints.isEmpty() && zeroPoints.size() != scales.size())
          || (perAxis && (axis < 0 || axis >= shape.size() || shape.get(axis) != scales.size()))) {
        throw FlatTable.damaged(
            "a tensor's scales do not fit its shape scales="
                + scales.size()
                + " zeroPoints="
                + zeroPoints.size()
                + " axis="
                + axis
                + " shape="
                + shape
                + facts);
      }
    }
    boolean dense = table.table(6) == null;
    int found = buffers.get(buffer).remaining();
    long asked = (elements * type.bits() + 7) / 8;
    if (dense && found > 0 && type.bits() > 0 && found != asked) {
      throw FlatTable.damaged(
          "a constant holds another amount of data than its shape asks for asked="
              + asked
              + " found="
              + found
              + " unit=bytes"
              + facts);
    }
    return new TfliteTensor(
        name,
        type,
        shape,
        list(table.integers(7)),
        buffer,
        scales,
        zeroPoints,
        axis,
        table.signedByte(5, 0) != 0);
  }

  private static List<Integer> list(int[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  private static List<Integer> indices(int[] values, int count, int least)
      throws QuantizerException {
    for (int value : values) {
      if (value < least || value >= count) {
        throw FlatTable.damaged("there is no such tensor index=" + value + " count=" + count);
      }
    }
    return list(values);
  }

  private static int index(long value, int count, String what) throws QuantizerException {
    if (value >= count) {
      throw FlatTable.damaged("there is no such " + what + " index=" + value + " count=" + count);
    }
    return (int) value;
  }

  /** What the file says of itself; may be empty. */
  public String description() {
    return description;
  }

  /** The kinds of operators. */
  public List<OperatorCode> operatorCodes() {
    return List.copyOf(operatorCodes);
  }

  /** The graphs; the first is the one that runs. */
  public List<Subgraph> subgraphs() {
    return List.copyOf(subgraphs);
  }

  /** The graph that runs. */
  public Subgraph main() {
    return subgraphs.get(0);
  }

  /** The kind of an operation. */
  public OperatorCode code(TfliteOperator operator) {
    return operatorCodes.get(operator.code());
  }

  /** How many operations there are of each kind, in all graphs, in the order of their first. */
  public Map<String, Integer> operatorCounts() {
    Map<String, Integer> counts = new LinkedHashMap<>();
    for (Subgraph subgraph : subgraphs) {
      for (TfliteOperator operator : subgraph.operators()) {
        counts.merge(code(operator).name(), 1, Integer::sum);
      }
    }
    return counts;
  }

  /** What is no part of the graph. */
  public List<Metadata> metadata() {
    return List.copyOf(metadata);
  }

  /** Number of buffers. */
  public int bufferCount() {
    return buffers.size();
  }

  /** The content of a buffer, read-only, little-endian; empty for what is computed. */
  public ByteBuffer buffer(int index) {
    return buffers.get(index).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Number of elements of all constants. */
  public long parameters() {
    long count = 0;
    for (Subgraph subgraph : subgraphs) {
      for (TfliteTensor tensor : subgraph.tensors()) {
        int bytes = buffers.get(tensor.buffer()).remaining();
        count += tensor.type().bits() == 0 ? 0 : 8L * bytes / tensor.type().bits();
      }
    }
    return count;
  }

  /**
   * The inputs of the graph that runs, as drivers see them.
   *
   * @throws QuantizerException UNSUPPORTED if one is of a type that no driver handles
   */
  public List<TensorSpec> inputs() throws QuantizerException {
    return specs(main().inputs());
  }

  /**
   * The outputs of the graph that runs, as drivers see them.
   *
   * @throws QuantizerException UNSUPPORTED if one is of a type that no driver handles
   */
  public List<TensorSpec> outputs() throws QuantizerException {
    return specs(main().outputs());
  }

  private List<TensorSpec> specs(List<Integer> indices) throws QuantizerException {
    List<TensorSpec> specs = new ArrayList<>();
    for (int index : indices) {
      TfliteTensor tensor = main().tensors().get(index);
      List<Integer> shape = tensor.isDynamic() ? tensor.shapeSignature() : tensor.shape();
      String facts = " tensor=" + index + " name=" + tensor.name() + " type=" + tensor.type();
      if (tensor.type().element().isEmpty()) {
        throw new QuantizerException(
            Code.UNSUPPORTED, "an input or output of a type that no driver handles" + facts);
      }
      try {
        TensorSpec spec =
            TensorSpec.of(
                tensor.name().isEmpty() ? "tensor." + index : tensor.name(),
                tensor.type().element().get(),
                Shape.of(shape.stream().mapToLong(Integer::longValue).toArray()));
        Optional<Quantization> quantization = tensor.quantization();
        specs.add(quantization.isEmpty() ? spec : spec.withQuantization(quantization.get()));
      } catch (IllegalArgumentException e) {
        throw new QuantizerException(
            Code.DAMAGED, "an input or output contradicts itself: " + e.getMessage() + facts, e);
      }
    }
    return specs;
  }
}
