/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A typed, shaped view on a direct buffer in native byte order.
 *
 * <p>The tensor borrows its buffer: whoever made the buffer owns the memory, and keeps it valid for
 * as long as the tensor is in use. Element {@code i} is the i-th in row-major order. Reading and
 * writing elements is not synchronized; hand a tensor to another thread with a happens-before edge,
 * and do not touch it while a model runs on it.
 *
 * <p>Two tensors are equal only if they are the same object: drivers keep native handles by
 * identity.
 */
public final class Tensor {
  /** Alignment of {@link #allocate}, bytes: one cache line, and enough for AVX-512 loads. */
  public static final int ALIGNMENT = 64;

  private final ElementType type;
  private final Shape shape;
  private final ByteBuffer data;
  private final int elementCount;

  private Tensor(ElementType type, Shape shape, ByteBuffer data) {
    this.type = type;
    this.shape = shape;
    this.data = data;
    this.elementCount = (int) shape.elementCount();
  }

  /**
   * A zeroed tensor in direct memory of its own, aligned to {@link #ALIGNMENT} bytes, freed by the
   * garbage collector. Small ones share a block of at most 32 KiB, which is freed when none of them
   * is left.
   *
   * @throws IllegalArgumentException if the shape is dynamic or needs more than 2 GiB less one
   *     alignment
   * @throws OutOfMemoryError if the JVM's direct memory is used up ({@code
   *     -XX:MaxDirectMemorySize})
   */
  public static Tensor allocate(ElementType type, Shape shape) {
    int bytes = byteSize(type, shape);
    if (bytes > Integer.MAX_VALUE - ALIGNMENT) {
      throw new IllegalArgumentException(
          "more than a buffer can hold type=" + type + " shape=" + shape);
    }
    ByteBuffer memory = bytes <= Block.MOST ? Block.take(bytes) : aligned(bytes);
    return new Tensor(type, shape, memory.order(ByteOrder.nativeOrder()));
  }

  private static ByteBuffer aligned(int bytes) {
    ByteBuffer memory = ByteBuffer.allocateDirect(bytes + ALIGNMENT);
    int start = (ALIGNMENT - memory.alignmentOffset(0, ALIGNMENT)) % ALIGNMENT;
    return memory.slice(start, bytes);
  }

  /**
   * Memory that small tensors are cut from, one after the other, and none twice. The JVM keeps a
   * cleaner for each piece of direct memory, which every collection has to look at and to move:
   * with one for each tensor of some thousand requests a second, collections took many times as
   * long.
   */
  private static final class Block {
    /** Most bytes of a tensor that is cut from a block. */
    static final int MOST = 4_096;

    private static final int SIZE = 32_768;
    private static final AtomicReference<@Nullable Block> CURRENT = new AtomicReference<>();

    private final ByteBuffer memory = aligned(SIZE);
    private final AtomicInteger used = new AtomicInteger();

    static ByteBuffer take(int bytes) {
      int size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      while (true) {
        Block block = CURRENT.get();
        int start = block == null ? SIZE : block.used.get();
        if (block == null || start > SIZE - size) {
          CURRENT.compareAndSet(block, new Block());
        } else if (block.used.compareAndSet(start, start + size)) {
          return block.memory.slice(start, bytes);
        }
      }
    }
  }

  /**
   * A tensor on the bytes from {@code data}'s position to its limit. The buffer's position and
   * limit stay as they are.
   *
   * @throws IllegalArgumentException if the shape is dynamic, the buffer is on the heap, read-only
   *     or not in native order, its remaining bytes are not exactly what type and shape need, or
   *     they start at an address that is not a multiple of the element size
   */
  public static Tensor wrap(ElementType type, Shape shape, ByteBuffer data) {
    int bytes = byteSize(type, shape);
    String asked = " type=" + type + " shape=" + shape;
    if (!data.isDirect()) {
      throw new IllegalArgumentException(
          "a tensor needs a direct buffer, this one is on the heap; use ByteBuffer.allocateDirect or Tensor.allocate"
              + asked);
    }
    if (data.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "a tensor needs native byte order; call order(ByteOrder.nativeOrder()) found="
              + data.order()
              + " asked="
              + ByteOrder.nativeOrder()
              + asked);
    }
    if (data.isReadOnly()) {
      throw new IllegalArgumentException("a tensor needs a writable buffer" + asked);
    }
    if (data.remaining() != bytes) {
      throw new IllegalArgumentException(
          "the buffer holds another number of bytes asked="
              + bytes
              + " found="
              + data.remaining()
              + asked);
    }
    int unit = Math.max(1, type.bits() / 8);
    if (bytes > 0 && data.alignmentOffset(data.position(), unit) != 0) {
      throw new IllegalArgumentException(
          "the buffer is not aligned to its elements alignment=" + unit + asked);
    }
    return new Tensor(type, shape, data.slice().order(ByteOrder.nativeOrder()));
  }

  /**
   * A new FLOAT32 tensor holding a copy of {@code values}.
   *
   * @throws IllegalArgumentException if the shape is dynamic or has another number of elements
   */
  public static Tensor ofFloats(Shape shape, float... values) {
    Tensor tensor = allocate(ElementType.FLOAT32, shape);
    if (values.length != tensor.elementCount) {
      throw new IllegalArgumentException(
          "another number of values asked="
              + tensor.elementCount
              + " found="
              + values.length
              + " shape="
              + shape);
    }
    tensor.data.asFloatBuffer().put(values);
    return tensor;
  }

  private static int byteSize(ElementType type, Shape shape) {
    if (shape.isDynamic()) {
      throw new IllegalArgumentException(
          "a tensor has a concrete shape type=" + type + " shape=" + shape);
    }
    long count = shape.elementCount();
    if (count > Integer.MAX_VALUE || type.bytes(count) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "more than a buffer can hold type=" + type + " shape=" + shape);
    }
    return (int) type.bytes(count);
  }

  /** Type of the elements. */
  public ElementType type() {
    return type;
  }

  /** Shape, never dynamic. */
  public Shape shape() {
    return shape;
  }

  /** Number of elements. */
  public int elementCount() {
    return elementCount;
  }

  /** Bytes of memory that the elements take. */
  public int byteSize() {
    return data.capacity();
  }

  /**
   * The memory itself: the same object at each call, direct, native order, position 0, limit and
   * capacity {@link #byteSize}. Do not move its position or limit; use {@link ByteBuffer#duplicate}
   * (and set its order) to iterate.
   */
  public ByteBuffer data() {
    return data;
  }

  /**
   * A new view of the memory as floats.
   *
   * @throws IllegalStateException if the type is not FLOAT32
   */
  public FloatBuffer floats() {
    if (type != ElementType.FLOAT32) {
      throw new IllegalStateException("not a FLOAT32 tensor type=" + type);
    }
    return data.asFloatBuffer();
  }

  /**
   * The element at {@code index} as a float: an exact or nearest value for every type, BOOL as 0 or
   * 1. Quantization is not applied.
   *
   * @throws IndexOutOfBoundsException if the index is not in [0, elementCount)
   */
  public float getFloat(long index) {
    return switch (type) {
      case FLOAT32 -> data.getFloat(offset(index, 4));
      case FLOAT16 -> Float16.toFloat(data.getShort(offset(index, 2)));
      case FLOAT64 -> (float) data.getDouble(offset(index, 8));
      default -> (float) getLong(index);
    };
  }

  /**
   * Writes a float: nearest value for floating-point types; for integers rounded half to even and
   * saturated, NaN as 0; for BOOL, false if and only if 0. Quantization is not applied.
   *
   * @throws IndexOutOfBoundsException if the index is not in [0, elementCount)
   */
  public void setFloat(long index, float value) {
    switch (type) {
      case FLOAT32 -> data.putFloat(offset(index, 4), value);
      case FLOAT16 -> data.putShort(offset(index, 2), Float16.fromFloat(value));
      case FLOAT64 -> data.putDouble(offset(index, 8), value);
      case BOOL -> data.put(offset(index, 1), (byte) (value == 0 ? 0 : 1));
      // A cast from double to long saturates and makes NaN 0 (JLS 5.1.3).
      default -> setLong(index, (long) Math.rint((double) value));
    }
  }

  /**
   * The element at {@code index} as an integer; a floating-point one is cut towards zero and
   * saturated, NaN is 0.
   *
   * @throws IndexOutOfBoundsException if the index is not in [0, elementCount)
   */
  public long getLong(long index) {
    return switch (type) {
      case INT8 -> data.get(offset(index, 1));
      case UINT8, BOOL -> data.get(offset(index, 1)) & 0xff;
      case INT16 -> data.getShort(offset(index, 2));
      case UINT16 -> data.getShort(offset(index, 2)) & 0xffff;
      case INT32 -> data.getInt(offset(index, 4));
      case INT64 -> data.getLong(offset(index, 8));
      case INT4 -> {
        int pair = data.get(nibbleOffset(index));
        // The even index is the low nibble; both are sign-extended.
        yield (index & 1) == 0 ? (pair << 28) >> 28 : (pair << 24) >> 28;
      }
      case FLOAT64 -> (long) data.getDouble(offset(index, 8));
      case FLOAT32, FLOAT16 -> (long) getFloat(index);
    };
  }

  /**
   * Writes an integer: saturated to the range of an integer type, the nearest value of a
   * floating-point type; for BOOL, false if and only if 0.
   *
   * @throws IndexOutOfBoundsException if the index is not in [0, elementCount)
   */
  public void setLong(long index, long value) {
    switch (type) {
      case INT8, UINT8 -> data.put(offset(index, 1), (byte) saturated(value));
      case BOOL -> data.put(offset(index, 1), (byte) (value == 0 ? 0 : 1));
      case INT16, UINT16 -> data.putShort(offset(index, 2), (short) saturated(value));
      case INT32 -> data.putInt(offset(index, 4), (int) saturated(value));
      case INT64 -> data.putLong(offset(index, 8), value);
      case INT4 -> {
        int at = nibbleOffset(index);
        int nibble = (int) saturated(value) & 0xf;
        int pair = data.get(at);
        int both = (index & 1) == 0 ? (pair & 0xf0) | nibble : (pair & 0x0f) | (nibble << 4);
        data.put(at, (byte) both);
      }
      case FLOAT64 -> data.putDouble(offset(index, 8), (double) value);
      case FLOAT32, FLOAT16 -> setFloat(index, (float) value);
    }
  }

  private long saturated(long value) {
    return Math.max(type.minValue(), Math.min(type.maxValue(), value));
  }

  private int offset(long index, int bytes) {
    return check(index) * bytes;
  }

  private int nibbleOffset(long index) {
    return check(index) >> 1;
  }

  private int check(long index) {
    if (index < 0 || index >= elementCount) {
      throw new IndexOutOfBoundsException("no such element index=" + index + " tensor=" + this);
    }
    return (int) index;
  }

  /**
   * Copies all elements of a tensor of the same type and byte size into this one.
   *
   * @throws IllegalArgumentException if type or size differ; nothing is written then
   */
  public void copyFrom(Tensor source) {
    if (source.type != type || source.elementCount != elementCount) {
      throw new IllegalArgumentException(
          "the source has another type or size source=" + source + " target=" + this);
    }
    data.put(0, source.data, 0, data.capacity());
  }

  /** Type and shape, as {@code FLOAT32[1, 10]}. */
  @Override
  public String toString() {
    return type.toString() + shape;
  }
}
