/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;

/**
 * Real values that integers are to stand for, from {@code low} to {@code high}; always around 0,
 * which must be exact because padding and ReLU make it.
 *
 * @param low at most 0
 * @param high at least 0
 */
public record Range(float low, float high) {
  /** Bits that a scale keeps: see {@link #scale}. */
  private static final int SCALE_BITS = 12;

  /** Smallest scale: products of two are still normal numbers of binary32. */
  private static final double SMALLEST_SCALE = 0x1p-60;

  /** Takes 0 in. */
  public Range {
    if (!Float.isFinite(low) || !Float.isFinite(high)) {
      throw new IllegalArgumentException("a range is finite low=" + low + " high=" + high);
    }
    low = Math.min(low, 0);
    high = Math.max(high, 0);
  }

  /** Nothing but 0. */
  public static Range none() {
    return new Range(0, 0);
  }

  /** The smallest range that holds both. */
  public Range with(Range other) {
    return new Range(Math.min(low, other.low), Math.max(high, other.high));
  }

  /** Whether it holds nothing but 0. */
  public boolean isEmpty() {
    return low == 0 && high == 0;
  }

  /**
   * Scale and zero point of 8-bit integers for this range (Jacob et al., 2018, section 2): scale =
   * (high - low) / 255 and zero point = round(qmin - low / scale), so that 0 is exact; symmetric:
   * scale = max(-low, high) / 127 and zero point 0 (128 for UINT8). An empty range has scale 1.
   */
  public Quantization parameters(ElementType type, boolean symmetric) {
    int zero = type == ElementType.UINT8 ? 128 : 0;
    if (isEmpty()) {
      return Quantization.perTensor(1, symmetric ? zero : (int) type.minValue());
    }
    if (symmetric) {
      return Quantization.perTensor(scale(Math.max(-(double) low, high) / 127), zero);
    }
    float scale = scale(((double) high - low) / 255);
    long point = Math.round(type.minValue() - (double) low / scale);
    return Quantization.perTensor(
        scale, (int) Math.max(type.minValue(), Math.min(type.maxValue(), point)));
  }

  /**
   * A scale rounded up to 12 bits: kernels of different processors sum in different orders, and
   * their last bits must not reach the file. It widens the range by at most 0.05 %.
   */
  static float scale(double exact) {
    double bounded = Math.max(exact, SMALLEST_SCALE);
    double unit = Math.scalb(1.0, Math.getExponent(bounded) - SCALE_BITS + 1);
    return (float) Math.min(Math.ceil(bounded / unit) * unit, Float.MAX_VALUE);
  }
}
