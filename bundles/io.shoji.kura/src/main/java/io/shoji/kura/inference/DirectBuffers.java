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
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;

/**
 * Direct buffers for inputs, used again and again: each of a power of two bytes, at most so many
 * bytes kept. Thread safe.
 */
final class DirectBuffers {
  private static final int LEAST_BITS = 10;

  private final long limitBytes;
  // By the power of two; what was given back last is taken first.
  private final ArrayDeque<ByteBuffer>[] kept;
  private long keptBytes;

  /**
   * @param limitBytes most bytes that are kept while nobody uses them
   */
  @SuppressWarnings({"unchecked", "rawtypes"})
  DirectBuffers(long limitBytes) {
    this.limitBytes = limitBytes;
    this.kept = new ArrayDeque[Integer.SIZE];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = new ArrayDeque<>();
    }
  }

  /**
   * A buffer of at least so many bytes, aligned to {@link Tensor#ALIGNMENT}, with any content.
   *
   * @throws IllegalArgumentException if that is more than a buffer can hold
   * @throws OutOfMemoryError if the JVM's direct memory is used up
   */
  ByteBuffer take(int bytes) {
    int bits = bits(bytes);
    synchronized (this) {
      ByteBuffer found = kept[bits].pollLast();
      if (found != null) {
        keptBytes -= found.capacity();
        return found;
      }
    }
    long size = bits < Integer.SIZE - 1 ? 1L << bits : bytes;
    return Tensor.allocate(ElementType.UINT8, Shape.of(size)).data();
  }

  /** Gives back what {@link #take} gave, if nothing uses it any more. */
  void give(ByteBuffer buffer) {
    int bits = bits(buffer.capacity());
    synchronized (this) {
      if (keptBytes + buffer.capacity() <= limitBytes && buffer.capacity() == 1L << bits) {
        keptBytes += buffer.capacity();
        kept[bits].addLast(buffer);
      }
    }
  }

  /** Bytes that are kept now. */
  synchronized long keptBytes() {
    return keptBytes;
  }

  /** A tensor on the first bytes of a buffer. */
  static Tensor tensor(ElementType type, Shape shape, ByteBuffer buffer) {
    int bytes = Math.toIntExact(type.bytes(shape.elementCount()));
    return Tensor.wrap(type, shape, buffer.slice(0, bytes).order(ByteOrder.nativeOrder()));
  }

  private static int bits(int bytes) {
    return Math.max(
        LEAST_BITS, Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(1, bytes) - 1));
  }
}
