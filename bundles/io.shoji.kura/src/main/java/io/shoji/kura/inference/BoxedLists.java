/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Tensor;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/**
 * Lists of boxed values that lie unboxed in a buffer: a value is boxed when it is asked for, and
 * never kept. Unmodifiable; as thread safe as the buffer, which nobody writes any more.
 */
final class BoxedLists {
  private BoxedLists() {}

  /** A list over a buffer. */
  abstract static class View<T> extends AbstractList<T> implements RandomAccess {
    private final int size;

    View(Buffer buffer) {
      this.size = buffer.limit();
    }

    @Override
    public final int size() {
      return size;
    }
  }

  /** Over floats. */
  static final class Floats extends View<Float> {
    final FloatBuffer values;

    Floats(FloatBuffer values) {
      super(values);
      this.values = values;
    }

    @Override
    public Float get(int index) {
      return values.get(index);
    }
  }

  /** Over doubles. */
  static final class Doubles extends View<Double> {
    private final DoubleBuffer values;

    Doubles(DoubleBuffer values) {
      super(values);
      this.values = values;
    }

    @Override
    public Double get(int index) {
      return values.get(index);
    }
  }

  /** Over bytes. */
  static final class Bytes extends View<Byte> {
    final ByteBuffer values;

    Bytes(ByteBuffer values) {
      super(values);
      this.values = values;
    }

    @Override
    public Byte get(int index) {
      return values.get(index);
    }
  }

  /** Over bytes that are 0 or 1. */
  static final class Booleans extends View<Boolean> {
    private final ByteBuffer values;

    Booleans(ByteBuffer values) {
      super(values);
      this.values = values;
    }

    @Override
    public Boolean get(int index) {
      return values.get(index) != 0;
    }
  }

  /** Over ints. */
  static final class Integers extends View<Integer> {
    private final IntBuffer values;

    Integers(IntBuffer values) {
      super(values);
      this.values = values;
    }

    @Override
    public Integer get(int index) {
      return values.get(index);
    }
  }

  /** Over longs. */
  static final class Longs extends View<Long> {
    private final LongBuffer values;

    Longs(LongBuffer values) {
      super(values);
      this.values = values;
    }

    @Override
    public Long get(int index) {
      return values.get(index);
    }
  }

  /**
   * The values of a tensor, of the class {@link DataTypes#listed}.
   *
   * @param borrowed whether the tensor's memory will be written again: its content is copied then,
   *     in one block; else the list lies on it
   */
  static List<?> of(Tensor tensor, boolean borrowed) {
    int count = tensor.elementCount();
    return switch (tensor.type()) {
      case FLOAT32 -> {
        FloatBuffer values = tensor.floats();
        yield new Floats(borrowed ? FloatBuffer.allocate(count).put(0, values, 0, count) : values);
      }
      case FLOAT64 -> {
        DoubleBuffer values = tensor.data().asDoubleBuffer();
        yield new Doubles(
            borrowed ? DoubleBuffer.allocate(count).put(0, values, 0, count) : values);
      }
      case INT32 -> {
        IntBuffer values = tensor.data().asIntBuffer();
        yield new Integers(borrowed ? IntBuffer.allocate(count).put(0, values, 0, count) : values);
      }
      case INT64 -> {
        LongBuffer values = tensor.data().asLongBuffer();
        yield new Longs(borrowed ? LongBuffer.allocate(count).put(0, values, 0, count) : values);
      }
      case INT8, UINT8 -> raw(tensor, borrowed);
      case BOOL -> new Booleans(content(tensor, borrowed));
      case FLOAT16 -> reals(tensor);
      case INT4, INT16, UINT16 -> integers(tensor);
    };
  }

  /** The content as it lies in memory, little-endian; {@code borrowed} as for {@link #of}. */
  static List<Byte> raw(Tensor tensor, boolean borrowed) {
    return new Bytes(content(tensor, borrowed));
  }

  /** No boxed type has the width and range of these. */
  private static List<Integer> integers(Tensor tensor) {
    IntBuffer values = IntBuffer.allocate(tensor.elementCount());
    for (int i = 0; i < tensor.elementCount(); i++) {
      values.put(i, (int) tensor.getLong(i));
    }
    return new Integers(values);
  }

  private static List<Float> reals(Tensor tensor) {
    FloatBuffer values = FloatBuffer.allocate(tensor.elementCount());
    for (int i = 0; i < tensor.elementCount(); i++) {
      values.put(i, tensor.getFloat(i));
    }
    return new Floats(values);
  }

  /** A quantized tensor as reals. */
  static List<Float> dequantized(Tensor tensor, Quantization quantization) {
    Tensor reals = Tensor.allocate(ElementType.FLOAT32, tensor.shape());
    quantization.dequantize(tensor, reals);
    return new Floats(reals.floats());
  }

  private static ByteBuffer content(Tensor tensor, boolean borrowed) {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new IllegalStateException(
          "raw content is little-endian, and so are all machines that drivers are made for");
    }
    int bytes = tensor.byteSize();
    return borrowed
        ? ByteBuffer.allocate(bytes).put(0, tensor.data(), 0, bytes)
        : tensor.data().duplicate();
  }
}
