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
 * Conversions between IEEE 754 binary16 and binary32 (IEEE 754-2019, 3.4 and 4.3.1), on the bits.
 *
 * <p>Every binary16 value, subnormals included, is exact in binary32. The way back rounds half to
 * even, turns a magnitude of 65,520 or more into an infinity, keeps the sign of zero, and keeps a
 * NaN a quiet NaN with the upper bits of its payload.
 */
public final class Float16 {
  private Float16() {}

  /** The binary32 value of the binary16 {@code bits}. */
  public static float toFloat(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = (bits >>> 10) & 0x1f;
    int mantissa = bits & 0x3ff;
    if (exponent == 0x1f) {
      int quiet = mantissa == 0 ? 0 : 0x400000;
      return Float.intBitsToFloat(sign | 0x7f800000 | quiet | (mantissa << 13));
    }
    if (exponent == 0) {
      // Subnormal or zero: mantissa * 2^-24, exact in binary32.
      float magnitude = mantissa * 0x1p-24f;
      return Float.intBitsToFloat(sign | Float.floatToRawIntBits(magnitude));
    }
    return Float.intBitsToFloat(sign | ((exponent + 112) << 23) | (mantissa << 13));
  }

  /** The binary16 bits nearest to {@code value}, ties to even. */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x7f800000) {
      int nan = magnitude > 0x7f800000 ? 0x200 | ((magnitude >>> 13) & 0x3ff) : 0;
      return (short) (sign | 0x7c00 | nan);
    }
    if (magnitude >= 0x477ff000) {
      // 65,520 and above lies at least half way to 65,536, which binary16 does not have.
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
      // Below 2^-14: adding 0.5 leaves the mantissa in units of 2^-24, rounded half to even by the
      // adder.
      float aligned = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | (Float.floatToRawIntBits(aligned) - 0x3f000000));
    }
    int odd = (magnitude >>> 13) & 1;
    return (short) (sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13));
  }
}
