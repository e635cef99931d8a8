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
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Float16;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Values of constants. ONNX keeps them either in {@code raw_data}, little-endian and row-major, or
 * in a field per type.
 */
public final class Constants {
  /** {@code TensorProto.FLOAT}. */
  public static final int FLOAT = 1;

  /** {@code TensorProto.UINT8}. */
  public static final int UINT8 = 2;

  /** {@code TensorProto.INT8}. */
  public static final int INT8 = 3;

  /** {@code TensorProto.UINT16}. */
  public static final int UINT16 = 4;

  /** {@code TensorProto.INT16}. */
  public static final int INT16 = 5;

  /** {@code TensorProto.INT32}. */
  public static final int INT32 = 6;

  /** {@code TensorProto.INT64}. */
  public static final int INT64 = 7;

  /** {@code TensorProto.STRING}. */
  public static final int STRING = 8;

  /** {@code TensorProto.BOOL}. */
  public static final int BOOL = 9;

  /** {@code TensorProto.FLOAT16}. */
  public static final int FLOAT16 = 10;

  /** {@code TensorProto.DOUBLE}. */
  public static final int DOUBLE = 11;

  /** {@code TensorProto.UINT4}. */
  public static final int UINT4 = 21;

  /** {@code TensorProto.INT4}. */
  public static final int INT4 = 22;

  private Constants() {}

  /** Number of elements; 1 for a scalar. */
  public static int size(TensorProto tensor) {
    long size = 1;
    for (long dim : tensor.getDimsList()) {
      size = Math.multiplyExact(size, dim);
    }
    return Math.toIntExact(size);
  }

  /** The dimensions. */
  public static long[] dims(TensorProto tensor) {
    return tensor.getDimsList().stream().mapToLong(Long::longValue).toArray();
  }

  /**
   * Checks that dimensions and content fit each other, so that nothing later has to.
   *
   * @throws QuantizerException DAMAGED or TOO_LARGE
   */
  static void check(TensorProto tensor) throws QuantizerException {
    long size = 1;
    String facts =
        " name="
            + tensor.getName()
            + " type="
            + tensor.getDataType()
            + " dims="
            + tensor.getDimsList();
    for (long dim : tensor.getDimsList()) {
      if (dim < 0) {
        throw new QuantizerException(Code.DAMAGED, "a constant has a negative dimension" + facts);
      }
      try {
        size = Math.multiplyExact(size, dim);
      } catch (ArithmeticException e) {
        throw new QuantizerException(Code.TOO_LARGE, "a constant is too large" + facts, e);
      }
    }
    if (size > Integer.MAX_VALUE / 8) {
      throw new QuantizerException(Code.TOO_LARGE, "a constant is too large" + facts);
    }
    if (tensor.getDataType() == STRING) {
      return;
    }
    int bits = bits(tensor.getDataType());
    if (bits == 0) {
      // A type that nothing here reads: it only travels along.
      return;
    }
    boolean raw = tensor.hasRawData();
    long asked = raw ? (size * bits + 7) / 8 : bits == 4 ? (size + 1) / 2 : size;
    long found = raw ? tensor.getRawData().size() : fieldSize(tensor);
    if (asked != found) {
      throw new QuantizerException(
          Code.DAMAGED,
          "a constant holds another amount of data than its dimensions ask for asked="
              + asked
              + " found="
              + found
              + (raw ? " unit=bytes" : " unit=values")
              + facts);
    }
  }

  private static int bits(int type) {
    return switch (type) {
      case UINT8, INT8, BOOL -> 8;
      case UINT16, INT16, FLOAT16, 16 -> 16;
      case FLOAT, INT32, 12 -> 32;
      case INT64, DOUBLE, 13 -> 64;
      case UINT4, INT4 -> 4;
      default -> 0;
    };
  }

  private static int fieldSize(TensorProto tensor) {
    return switch (tensor.getDataType()) {
      case FLOAT -> tensor.getFloatDataCount();
      case INT64 -> tensor.getInt64DataCount();
      case DOUBLE -> tensor.getDoubleDataCount();
      case 12, 13 -> tensor.getUint64DataCount();
      default -> tensor.getInt32DataCount();
    };
  }

  /** Whether {@link #floats} reads it. */
  public static boolean isReal(TensorProto tensor) {
    int type = tensor.getDataType();
    return type == FLOAT || type == FLOAT16 || type == DOUBLE;
  }

  /**
   * The values of a constant of floating-point type.
   *
   * @throws IllegalArgumentException if it is of another type
   */
  public static float[] floats(TensorProto tensor) {
    float[] values = new float[size(tensor)];
    ByteBuffer raw = raw(tensor);
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.getDataType()) {
            case FLOAT -> raw != null ? raw.getFloat(4 * i) : tensor.getFloatData(i);
            case DOUBLE -> (float) (raw != null ? raw.getDouble(8 * i) : tensor.getDoubleData(i));
            case FLOAT16 ->
                Float16.toFloat(raw != null ? raw.getShort(2 * i) : (short) tensor.getInt32Data(i));
            default ->
                throw new IllegalArgumentException("not a real type name=" + tensor.getName());
          };
    }
    return values;
  }

  /**
   * The values of a constant of an integer type of 8 to 64 bits, or BOOL as 0 and 1.
   *
   * @throws IllegalArgumentException if it is of another type
   */
  public static long[] integers(TensorProto tensor) {
    long[] values = new long[size(tensor)];
    ByteBuffer raw = raw(tensor);
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.getDataType()) {
            case INT64 -> raw != null ? raw.getLong(8 * i) : tensor.getInt64Data(i);
            case INT32 -> raw != null ? raw.getInt(4 * i) : tensor.getInt32Data(i);
            case INT16 -> raw != null ? raw.getShort(2 * i) : tensor.getInt32Data(i);
            case UINT16 -> (raw != null ? raw.getShort(2 * i) : tensor.getInt32Data(i)) & 0xffff;
            case INT8 -> raw != null ? raw.get(i) : tensor.getInt32Data(i);
            case UINT8, BOOL -> (raw != null ? raw.get(i) : tensor.getInt32Data(i)) & 0xff;
            default ->
                throw new IllegalArgumentException("not an integer name=" + tensor.getName());
          };
    }
    return values;
  }

  /**
   * The values of a constant of 8 bits.
   *
   * @throws IllegalArgumentException if it is of another type
   */
  public static byte[] bytes(TensorProto tensor) {
    if (tensor.getDataType() != INT8 && tensor.getDataType() != UINT8) {
      throw new IllegalArgumentException("not of 8 bits name=" + tensor.getName());
    }
    if (tensor.hasRawData()) {
      return tensor.getRawData().toByteArray();
    }
    byte[] values = new byte[size(tensor)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) tensor.getInt32Data(i);
    }
    return values;
  }

  private static @Nullable ByteBuffer raw(TensorProto tensor) {
    return tensor.hasRawData()
        ? tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN)
        : null;
  }

  /** A FLOAT constant. */
  public static TensorProto of(String name, long[] dims, float[] values) {
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(values);
    return of(name, FLOAT, dims, raw.array());
  }

  /** A FLOAT constant of rank 0. */
  public static TensorProto scalar(String name, float value) {
    return of(name, new long[0], new float[] {value});
  }

  /** An INT64 constant of rank 1. */
  public static TensorProto of(String name, long... values) {
    ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asLongBuffer().put(values);
    return of(name, INT64, new long[] {values.length}, raw.array());
  }

  /** An INT32 constant. */
  public static TensorProto of(String name, long[] dims, int[] values) {
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asIntBuffer().put(values);
    return of(name, INT32, dims, raw.array());
  }

  /** A FLOAT16 constant, each value the nearest. */
  public static TensorProto ofHalves(String name, long[] dims, float[] values) {
    ByteBuffer raw = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      raw.putShort(Float16.fromFloat(value));
    }
    return of(name, FLOAT16, dims, raw.array());
  }

  /** A constant of any type from its bytes, which are not copied by the caller again. */
  public static TensorProto of(String name, int type, long[] dims, byte[] raw) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(type)
        .addAllDims(Arrays.stream(dims).boxed().toList())
        .setRawData(ByteString.copyFrom(raw))
        .build();
  }

  /**
   * A tensor that the runtime computed, as a constant.
   *
   * @throws IllegalStateException never on the little-endian machines that the drivers run on
   */
  public static TensorProto of(String name, Tensor tensor) {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new IllegalStateException("tensors are little-endian in ONNX files");
    }
    byte[] raw = new byte[tensor.byteSize()];
    tensor.data().get(0, raw);
    return of(name, code(tensor.type()), tensor.shape().dims(), raw);
  }

  /** Number of an element type in {@code TensorProto.DataType}. */
  public static int code(ElementType type) {
    return switch (type) {
      case FLOAT32 -> FLOAT;
      case UINT8 -> UINT8;
      case INT8 -> INT8;
      case UINT16 -> UINT16;
      case INT16 -> INT16;
      case INT32 -> INT32;
      case INT64 -> INT64;
      case BOOL -> BOOL;
      case FLOAT16 -> FLOAT16;
      case FLOAT64 -> DOUBLE;
      case INT4 -> INT4;
    };
  }

  /** The shape of a constant. */
  public static Shape shape(TensorProto tensor) {
    return Shape.of(dims(tensor));
  }
}
