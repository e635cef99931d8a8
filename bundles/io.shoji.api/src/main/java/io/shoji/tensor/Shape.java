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

import java.util.Arrays;

/**
 * Dimensions of a tensor, outermost first, elements stored in row-major order without padding.
 *
 * <p>A dimension of {@link #DYNAMIC} (-1) stands for "any size", as a batch dimension of an ONNX
 * graph; such a shape describes a model's input or output, never the memory of a {@link Tensor}. A
 * shape of rank 0 is a scalar with one element. A dimension of 0 is an empty tensor. Immutable.
 */
public final class Shape {
  /** A dimension whose size only the caller knows. */
  public static final long DYNAMIC = -1;

  private static final Shape SCALAR = new Shape(new long[0]);

  private final long[] dims;
  private final long elementCount;

  private Shape(long[] dims) {
    this.dims = dims;
    long count = 1;
    boolean dynamic = false;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] < DYNAMIC) {
        throw new IllegalArgumentException(
            "a dimension is a size, or -1 for any size axis="
                + i
                + " shape="
                + Arrays.toString(dims));
      }
      if (dims[i] == DYNAMIC) {
        dynamic = true;
      } else {
        try {
          count = Math.multiplyExact(count, dims[i]);
        } catch (ArithmeticException e) {
          throw new IllegalArgumentException(
              "more elements than a long can count shape=" + Arrays.toString(dims), e);
        }
      }
    }
    this.elementCount = dynamic ? DYNAMIC : count;
  }

  /**
   * A shape of the given dimensions.
   *
   * @throws IllegalArgumentException if a dimension is below -1 or the element count exceeds a
   *     {@code long}
   */
  public static Shape of(long... dims) {
    return dims.length == 0 ? SCALAR : new Shape(dims.clone());
  }

  /** The shape of a single value: rank 0, one element. */
  public static Shape scalar() {
    return SCALAR;
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /**
   * Size along {@code axis}, or {@link #DYNAMIC}.
   *
   * @throws IndexOutOfBoundsException if {@code axis} is not in [0, rank)
   */
  public long dim(int axis) {
    return dims[axis];
  }

  /** A copy of the dimensions. */
  public long[] dims() {
    return dims.clone();
  }

  /** Whether any dimension is {@link #DYNAMIC}. */
  public boolean isDynamic() {
    return elementCount == DYNAMIC;
  }

  /**
   * Number of elements.
   *
   * @throws IllegalStateException if the shape is dynamic
   */
  public long elementCount() {
    if (elementCount == DYNAMIC) {
      throw new IllegalStateException("a dynamic shape has no element count shape=" + this);
    }
    return elementCount;
  }

  /**
   * Whether a tensor of the shape {@code actual} fits here: same rank, and each dimension equal
   * where this one is not {@link #DYNAMIC}. A dynamic {@code actual} never fits.
   */
  public boolean accepts(Shape actual) {
    if (actual.isDynamic() || actual.dims.length != dims.length) {
      return false;
    }
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] != DYNAMIC && dims[i] != actual.dims[i]) {
        return false;
      }
    }
    return true;
  }

  /** This shape with every {@link #DYNAMIC} dimension set to {@code size}. */
  public Shape withDynamicAs(long size) {
    if (!isDynamic()) {
      return this;
    }
    long[] copy = dims.clone();
    for (int i = 0; i < copy.length; i++) {
      if (copy[i] == DYNAMIC) {
        copy[i] = size;
      }
    }
    return new Shape(copy);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape that && Arrays.equals(dims, that.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** The dimensions as {@code [1, 3, 224, 224]}, a dynamic one as {@code ?}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("[");
    for (int i = 0; i < dims.length; i++) {
      if (i > 0) {
        text.append(", ");
      }
      if (dims[i] == DYNAMIC) {
        text.append('?');
      } else {
        text.append(dims[i]);
      }
    }
    return text.append(']').toString();
  }
}
