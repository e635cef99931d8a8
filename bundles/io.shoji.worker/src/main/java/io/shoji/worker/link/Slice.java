/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a tensor lies in a piece of shared memory.
 *
 * @param offset of its first byte, a multiple of {@link Tensor#ALIGNMENT}
 */
record Slice(ElementType type, Shape shape, long offset) {

  /** Bytes that the elements take; the shape is concrete. */
  long bytes() {
    return type.bytes(shape.elementCount());
  }

  /** The first offset after this slice at which another may begin. */
  long end() {
    return aligned(Math.addExact(offset, bytes()));
  }

  /** The next multiple of {@link Tensor#ALIGNMENT}. */
  static long aligned(long bytes) {
    return Math.addExact(bytes, Tensor.ALIGNMENT - 1L) & -Tensor.ALIGNMENT;
  }

  /** Where the next one may begin after all of these, or {@code start} if there are none. */
  static long end(List<Slice> slices, long start) {
    return slices.isEmpty() ? start : slices.get(slices.size() - 1).end();
  }

  /** One after the other from an offset. */
  static List<Slice> layOut(long start, List<ElementType> types, List<Shape> shapes) {
    List<Slice> slices = new ArrayList<>(types.size());
    long offset = start;
    for (int i = 0; i < types.size(); i++) {
      Slice slice = new Slice(types.get(i), shapes.get(i), offset);
      slices.add(slice);
      offset = slice.end();
    }
    return slices;
  }

  /** The tensors. */
  static List<Tensor> on(ByteBuffer memory, List<Slice> slices) {
    List<Tensor> tensors = new ArrayList<>(slices.size());
    for (Slice slice : slices) {
      tensors.add(slice.on(memory));
    }
    return List.copyOf(tensors);
  }

  /**
   * The tensor.
   *
   * @throws IllegalArgumentException if it is not whole within the memory, not aligned, or its
   *     shape is dynamic
   */
  Tensor on(ByteBuffer memory) {
    if (shape.isDynamic() || offset < 0 || offset % Tensor.ALIGNMENT != 0) {
      throw new IllegalArgumentException(
          "no such tensor in shared memory shape=" + shape + " offset=" + offset);
    }
    long bytes;
    try {
      bytes = bytes();
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("more than memory can hold shape=" + shape, e);
    }
    if (bytes > memory.capacity() || offset > memory.capacity() - bytes) {
      throw new IllegalArgumentException(
          "a tensor reaches beyond its shared memory offset="
              + offset
              + " bytes="
              + bytes
              + " memory="
              + memory.capacity());
    }
    return Tensor.wrap(
        type, shape, memory.slice((int) offset, (int) bytes).order(ByteOrder.nativeOrder()));
  }
}
