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

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Float16Test {
  /**
   * The value of binary16 bits by definition (IEEE 754-2019, 3.4), independent of the bit tricks
   * under test.
   */
  private static double byDefinition(int bits) {
    double sign = (bits & 0x8000) == 0 ? 1 : -1;
    int exponent = (bits >> 10) & 0x1f;
    int mantissa = bits & 0x3ff;
    return exponent == 0
        ? sign * mantissa * Math.pow(2, -24)
        : sign * (1 + mantissa / 1024.0) * Math.pow(2, exponent - 15);
  }

  @Test
  void shouldGiveTheDefinedValueForEveryFinitePattern() {
    for (int bits = 0; bits <= 0xffff; bits++) {
      if (((bits >> 10) & 0x1f) == 0x1f) {
        continue;
      }
      float actual = Float16.toFloat((short) bits);
      assertThat((double) actual).isEqualTo(byDefinition(bits));
      assertThat(Float.floatToRawIntBits(actual) < 0)
          .as("sign of %x", bits)
          .isEqualTo(bits >= 0x8000);
    }
  }

  @Test
  void shouldReturnTheSameBitsWhenConvertedThereAndBack() {
    for (int bits = 0; bits <= 0xffff; bits++) {
      boolean nan = (bits & 0x7fff) > 0x7c00;
      int expected = nan ? bits | 0x200 : bits;
      assertThat(Float16.fromFloat(Float16.toFloat((short) bits)) & 0xffff).isEqualTo(expected);
    }
  }

  @Test
  void shouldRoundToNearestEvenWhenBetweenTwoValues() {
    Random random = new Random(7);
    for (int round = 0; round < 200_000; round++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (Float.isNaN(value)) {
        continue;
      }
      assertNearest(value);
    }
    for (int bits = 0; bits < 0x7bff; bits++) {
      float low = Float16.toFloat((short) bits);
      float middle = (float) ((low + (double) Float16.toFloat((short) (bits + 1))) / 2);
      int even = (bits & 1) == 0 ? bits : bits + 1;
      assertThat(Float16.fromFloat(middle) & 0xffff).isEqualTo(even);
      assertThat(Float16.fromFloat(Math.nextUp(middle)) & 0xffff).isEqualTo(bits + 1);
      assertThat(Float16.fromFloat(Math.nextDown(middle)) & 0xffff).isEqualTo(bits);
    }
  }

  private static void assertNearest(float value) {
    int bits = Float16.fromFloat(value) & 0xffff;
    float back = Float16.toFloat((short) bits);
    if (Math.abs(value) >= 65520) {
      assertThat(back).isEqualTo(value > 0 ? Float.POSITIVE_INFINITY : Float.NEGATIVE_INFINITY);
      return;
    }
    BigDecimal error = new BigDecimal(value).subtract(new BigDecimal(back)).abs();
    int magnitude = bits & 0x7fff;
    for (int neighbour : new int[] {magnitude - 1, magnitude + 1}) {
      if (neighbour >= 0 && neighbour < 0x7c00) {
        float other = Float16.toFloat((short) ((bits & 0x8000) | neighbour));
        assertThat(new BigDecimal(value).subtract(new BigDecimal(other)).abs())
            .isGreaterThanOrEqualTo(error);
      }
    }
  }

  @Test
  void shouldKeepNanAndSignOfZero() {
    assertThat(Float16.toFloat(Float16.fromFloat(Float.NaN))).isNaN();
    assertThat(Float16.fromFloat(Float.intBitsToFloat(0x7f800001)) & 0x7fff).isGreaterThan(0x7c00);
    assertThat(Float16.fromFloat(-0f)).isEqualTo((short) 0x8000);
    assertThat(Float16.fromFloat(65519.996f)).isEqualTo((short) 0x7bff);
    assertThat(Float16.fromFloat(65520f)).isEqualTo((short) 0x7c00);
    assertThat(Float16.fromFloat(Float.MIN_VALUE)).isEqualTo((short) 0);
  }
}
