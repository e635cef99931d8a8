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

/**
 * Type of one tensor element.
 *
 * <p>The set is what the supported runtimes share: ONNX Runtime, TensorFlow Lite, OpenVINO and
 * HailoRT (whose raw streams may be {@link #UINT16}).
 */
public enum ElementType {
  /** IEEE 754 binary32. */
  FLOAT32(32, true, false),
  /** IEEE 754 binary16; see {@link Float16}. */
  FLOAT16(16, true, false),
  /** IEEE 754 binary64. */
  FLOAT64(64, true, false),
  /** Two's complement, 8 bits. */
  INT8(8, false, true),
  /** Unsigned, 8 bits. */
  UINT8(8, false, false),
  /** Two's complement, 16 bits. */
  INT16(16, false, true),
  /** Unsigned, 16 bits. */
  UINT16(16, false, false),
  /** Two's complement, 32 bits. */
  INT32(32, false, true),
  /** Two's complement, 64 bits. */
  INT64(64, false, true),
  /** One byte per element: 0 is false, 1 is true, nothing else is written. */
  BOOL(8, false, false),
  /**
   * Two's complement, 4 bits, two elements per byte, the element with the even index in the low
   * nibble, an odd count padded with a zero nibble (ONNX, {@code TensorProto.INT4}; TensorFlow
   * Lite, {@code kTfLiteInt4}).
   */
  INT4(4, false, true);

  private final int bits;
  private final boolean floatingPoint;
  private final boolean signedInteger;

  ElementType(int bits, boolean floatingPoint, boolean signedInteger) {
    this.bits = bits;
    this.floatingPoint = floatingPoint;
    this.signedInteger = signedInteger;
  }

  /** Bits that one element takes in memory: 4, 8, 16, 32 or 64. */
  public int bits() {
    return bits;
  }

  /** Whether this is an IEEE 754 type. */
  public boolean isFloatingPoint() {
    return floatingPoint;
  }

  /**
   * Whether this is an integer type that affine quantization may use: every integer type up to 32
   * bits.
   */
  public boolean isQuantizable() {
    return !floatingPoint && this != BOOL && bits <= 32;
  }

  /**
   * Bytes that {@code elementCount} elements take, a half byte rounded up.
   *
   * @throws IllegalArgumentException if the count is negative
   * @throws ArithmeticException if the result exceeds a {@code long}
   */
  public long bytes(long elementCount) {
    if (elementCount < 0) {
      throw new IllegalArgumentException("negative element count elementCount=" + elementCount);
    }
    if (bits == 4) {
      return elementCount / 2 + (elementCount & 1);
    }
    return Math.multiplyExact(elementCount, (long) (bits / 8));
  }

  /**
   * Smallest value of an integer type.
   *
   * @throws IllegalStateException if this is a floating-point type or {@link #BOOL}
   */
  public long minValue() {
    requireInteger();
    return signedInteger ? -1L << (bits - 1) : 0;
  }

  /**
   * Largest value of an integer type.
   *
   * @throws IllegalStateException if this is a floating-point type or {@link #BOOL}
   */
  public long maxValue() {
    requireInteger();
    return signedInteger ? ~(-1L << (bits - 1)) : (1L << bits) - 1;
  }

  private void requireInteger() {
    if (floatingPoint || this == BOOL) {
      throw new IllegalStateException("not an integer type type=" + this);
    }
  }
}
