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

import com.google.flatbuffers.FlatBufferBuilder;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model of one subgraph, written in one go. Two writes of one model give the same bytes. */
@SuppressWarnings("ArrayRecordComponent") // nobody compares what is about to be written
final class TfliteWriter {
  private static final int SCHEMA_VERSION = 3;

  /** The runtime maps files and computes on constants where they lie. */
  private static final int ALIGNMENT = 16;

  /** A buffer that is full doubles, and none has more than 2^31 - 1 bytes. */
  private static final long LARGEST = (1 << 30) - 8;

  private final List<TensorEntry> tensors = new ArrayList<>();
  private final List<OperatorEntry> operators = new ArrayList<>();

  /** Where vectors of zero points are, by their content: weights all have the same. */
  private final Map<List<Long>, Integer> zeroPoints = new HashMap<>();

  /**
   * A tensor.
   *
   * @param scales none if the numbers mean themselves
   * @param axis that the scales run along, if there are several
   * @param data little-endian and row-major; null if it is computed
   */
  record TensorEntry(
      String name,
      TfliteType type,
      int[] shape,
      float[] scales,
      long[] zeroPoints,
      int axis,
      byte @Nullable [] data) {}

  /** An operation; -1 stands for an input that is left out. */
  record OperatorEntry(int code, int version, int[] inputs, int[] outputs, Options options) {}

  /** Options of a built-in operator: the number of its table, and the fields that are set. */
  static final class Options {
    private final int table;
    private final Map<Integer, Object> fields = new LinkedHashMap<>();

    Options(int table) {
      this.table = table;
    }

    /** A field of the schema's type byte, among which are its enumerations. */
    Options with(int field, byte value) {
      fields.put(field, value);
      return this;
    }

    Options with(int field, int value) {
      fields.put(field, value);
      return this;
    }

    Options with(int field, float value) {
      fields.put(field, value);
      return this;
    }

    Options with(int field, boolean value) {
      fields.put(field, value);
      return this;
    }

    Options with(int field, int[] values) {
      fields.put(field, values.clone());
      return this;
    }

    private int write(FlatBufferBuilder builder) {
      Map<Integer, Integer> vectors = new HashMap<>();
      int count = 0;
      for (Map.Entry<Integer, Object> entry : fields.entrySet()) {
        count = Math.max(count, entry.getKey() + 1);
        if (entry.getValue() instanceof int[] values) {
          vectors.put(entry.getKey(), TfliteWriter.ints(builder, values));
        }
      }
      builder.startTable(count);
      for (Map.Entry<Integer, Object> entry : fields.entrySet()) {
        int field = entry.getKey();
        Object value = entry.getValue();
        // Written also where it is what a reader would assume: that is not the same for all fields.
        builder.forceDefaults(true);
        if (value instanceof Byte number) {
          builder.addByte(field, number, 0);
        } else if (value instanceof Integer number) {
          builder.addInt(field, number, 0);
        } else if (value instanceof Float number) {
          builder.addFloat(field, number, 0);
        } else if (value instanceof Boolean truth) {
          builder.addBoolean(field, truth, false);
        } else {
          builder.addOffset(field, vectors.getOrDefault(field, 0), 0);
        }
        builder.forceDefaults(false);
      }
      return builder.endTable();
    }
  }

  /** Adds a tensor and returns its index. */
  int add(TensorEntry tensor) {
    tensors.add(tensor);
    return tensors.size() - 1;
  }

  TensorEntry tensor(int index) {
    return tensors.get(index);
  }

  /** Gives a tensor another name. */
  void rename(int index, String name) {
    TensorEntry old = tensors.get(index);
    tensors.set(
        index,
        new TensorEntry(name, old.type, old.shape, old.scales, old.zeroPoints, old.axis, old.data));
  }

  void add(OperatorEntry operator) {
    operators.add(operator);
  }

  /**
   * The file's content.
   *
   * @throws QuantizerException TOO_LARGE if the constants are more than the format's tools take
   */
  byte[] toBytes(String description, int[] inputs, int[] outputs) throws QuantizerException {
    long size = 1 << 16;
    for (TensorEntry tensor : tensors) {
      size += 256 + (tensor.data == null ? 0 : tensor.data.length);
    }
    if (size > LARGEST) {
      throw new QuantizerException(
          Code.TOO_LARGE,
          "the model is larger than a file can be bytes=" + size + " allowed=" + LARGEST);
    }
    FlatBufferBuilder builder = new FlatBufferBuilder((int) size);
    zeroPoints.clear();
    List<byte[]> contents = new ArrayList<>();
    contents.add(new byte[0]);
    int[] tensorOffsets = new int[tensors.size()];
    int[] bufferOfTensor = new int[tensors.size()];
    for (int i = 0; i < tensors.size(); i++) {
      byte[] data = tensors.get(i).data;
      if (data != null) {
        bufferOfTensor[i] = contents.size();
        contents.add(data);
      }
    }
    for (int i = 0; i < tensors.size(); i++) {
      tensorOffsets[i] = write(builder, tensors.get(i), bufferOfTensor[i]);
    }
    List<List<Integer>> codes = new ArrayList<>();
    int[] operatorOffsets = new int[operators.size()];
    for (int i = 0; i < operators.size(); i++) {
      OperatorEntry operator = operators.get(i);
      List<Integer> code = List.of(operator.code, operator.version);
      if (!codes.contains(code)) {
        codes.add(code);
      }
      operatorOffsets[i] = write(builder, operator, codes.indexOf(code));
    }
    int tensorVector = builder.createVectorOfTables(tensorOffsets);
    int operatorVector = builder.createVectorOfTables(operatorOffsets);
    int inputVector = ints(builder, inputs);
    int outputVector = ints(builder, outputs);
    int name = builder.createString("main");
    builder.startTable(5);
    builder.addOffset(0, tensorVector, 0);
    builder.addOffset(1, inputVector, 0);
    builder.addOffset(2, outputVector, 0);
    builder.addOffset(3, operatorVector, 0);
    builder.addOffset(4, name, 0);
    int subgraphs = builder.createVectorOfTables(new int[] {builder.endTable()});
    int[] codeOffsets = new int[codes.size()];
    for (int i = 0; i < codeOffsets.length; i++) {
      int code = codes.get(i).get(0);
      builder.startTable(4);
      builder.addByte(0, (byte) Math.min(code, Builtin.PLACEHOLDER), 0);
      builder.addInt(2, codes.get(i).get(1), 1);
      builder.addInt(3, code, 0);
      codeOffsets[i] = builder.endTable();
    }
    int codeVector = builder.createVectorOfTables(codeOffsets);
    int text = builder.createString(description);
    int[] bufferOffsets = new int[contents.size()];
    for (int i = 0; i < bufferOffsets.length; i++) {
      byte[] content = contents.get(i);
      int vector = 0;
      if (content.length > 0) {
        ByteBuffer room = builder.createUnintializedVector(1, content.length, ALIGNMENT);
        room.put(content);
        vector = builder.endVector();
      }
      builder.startTable(1);
      builder.addOffset(0, vector, 0);
      bufferOffsets[i] = builder.endTable();
    }
    int buffers = builder.createVectorOfTables(bufferOffsets);
    builder.startTable(5);
    builder.addInt(0, SCHEMA_VERSION, 0);
    builder.addOffset(1, codeVector, 0);
    builder.addOffset(2, subgraphs, 0);
    builder.addOffset(3, text, 0);
    builder.addOffset(4, buffers, 0);
    builder.finish(builder.endTable(), TfliteModel.IDENTIFIER);
    return builder.sizedByteArray();
  }

  private int write(FlatBufferBuilder builder, TensorEntry tensor, int buffer) {
    int quantization = 0;
    if (tensor.scales.length > 0) {
      builder.startVector(4, tensor.scales.length, 4);
      for (int i = tensor.scales.length - 1; i >= 0; i--) {
        builder.addFloat(tensor.scales[i]);
      }
      int scales = builder.endVector();
      int zeros = zeroPoints(builder, tensor.zeroPoints);
      builder.startTable(7);
      builder.addOffset(2, scales, 0);
      builder.addOffset(3, zeros, 0);
      builder.addInt(6, tensor.axis, 0);
      quantization = builder.endTable();
    }
    int shape = ints(builder, tensor.shape);
    int name = builder.createString(tensor.name);
    builder.startTable(5);
    builder.addOffset(0, shape, 0);
    builder.addByte(1, (byte) tensor.type.number(), 0);
    builder.addInt(2, buffer, 0);
    builder.addOffset(3, name, 0);
    builder.addOffset(4, quantization, 0);
    return builder.endTable();
  }

  private int zeroPoints(FlatBufferBuilder builder, long[] values) {
    List<Long> key = Arrays.stream(values).boxed().toList();
    Integer known = zeroPoints.get(key);
    if (known != null) {
      return known;
    }
    builder.startVector(8, values.length, 8);
    for (int i = values.length - 1; i >= 0; i--) {
      builder.addLong(values[i]);
    }
    int made = builder.endVector();
    zeroPoints.put(key, made);
    return made;
  }

  private static int write(FlatBufferBuilder builder, OperatorEntry operator, int code) {
    int options = operator.options.table == 0 ? 0 : operator.options.write(builder);
    int inputs = ints(builder, operator.inputs);
    int outputs = ints(builder, operator.outputs);
    builder.startTable(5);
    builder.addInt(0, code, 0);
    builder.addOffset(1, inputs, 0);
    builder.addOffset(2, outputs, 0);
    builder.addByte(3, (byte) operator.options.table, 0);
    builder.addOffset(4, options, 0);
    return builder.endTable();
  }

  private static int ints(FlatBufferBuilder builder, int[] values) {
    builder.startVector(4, values.length, 4);
    for (int i = values.length - 1; i >= 0; i--) {
      builder.addInt(values[i]);
    }
    return builder.endVector();
  }
}
