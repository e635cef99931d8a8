/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class SignalStepTest {
  private final Random random = new Random(11);

  private float[] noise(int length, double offset, double slope) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) (random.nextGaussian() + offset + slope * i);
    }
    return values;
  }

  @Test
  void shouldHaveNoMeanWhenDetrendedByConstant() {
    for (int round = 0; round < 50; round++) {
      float[] values = noise(2 + random.nextInt(500), 40 * random.nextGaussian(), 0);
      float[] before = values.clone();
      SignalStep.detrendConstant().apply(values, values.length, 0);
      double mean = 0;
      for (float v : before) {
        mean += (double) v / before.length;
      }
      for (int i = 0; i < values.length; i++) {
        assertThat(values[i]).isCloseTo((float) (before[i] - mean), within(2e-5f));
      }
    }
  }

  @Test
  void shouldMatchNormalEquationsWhenDetrendedByLine() {
    for (int round = 0; round < 50; round++) {
      int n = 2 + random.nextInt(500);
      float[] values = noise(n, 10 * random.nextGaussian(), random.nextGaussian() / 10);
      // Solves [n, sx; sx, sxx] [a; b] = [sy; sxy] directly.
      double sx = 0;
      double sxx = 0;
      double sy = 0;
      double sxy = 0;
      for (int i = 0; i < n; i++) {
        sx += i;
        sxx += (double) i * i;
        sy += values[i];
        sxy += (double) i * values[i];
      }
      double determinant = n * sxx - sx * sx;
      double a = (sy * sxx - sx * sxy) / determinant;
      double b = (n * sxy - sx * sy) / determinant;
      float[] before = values.clone();
      SignalStep.detrendLinear().apply(values, n, 0);
      for (int i = 0; i < n; i++) {
        assertThat(values[i]).isCloseTo((float) (before[i] - a - b * i), within(1e-4f));
      }
    }
  }

  @Test
  void shouldVanishWhenALineIsDetrended() {
    float[] values = new float[2048];
    for (int i = 0; i < values.length; i++) {
      values[i] = 3 - 0.25f * i;
    }
    SignalStep.detrendLinear().apply(values, values.length, 0);
    for (float v : values) {
      assertThat(v).isCloseTo(0, within(1e-4f));
    }
  }

  @Test
  void shouldHaveUnitVarianceWhenStandardized() {
    for (int round = 0; round < 20; round++) {
      float[] values = noise(100 + random.nextInt(1000), 1e4 * random.nextGaussian(), 0);
      SignalStep.standardize(1e-12).apply(values, values.length, 0);
      double sum = 0;
      double squares = 0;
      for (float v : values) {
        sum += v;
        squares += (double) v * v;
      }
      assertThat(sum / values.length).isCloseTo(0, within(1e-5));
      assertThat(squares / values.length).isCloseTo(1, within(1e-4));
    }
  }

  @Test
  void shouldDivideByRootOfVarianceAndEpsilonWhenStandardized() {
    float[] values = {1, 3};
    SignalStep.standardize(3).apply(values, 2, 0);
    assertThat(values).containsExactly(-0.5f, 0.5f);
  }

  @Test
  void shouldBecomeZeroWhenAConstantIsStandardized() {
    for (double epsilon : new double[] {0, 1e-12}) {
      float[] values = {7.3f, 7.3f, 7.3f};
      SignalStep.standardize(epsilon).apply(values, 3, 0);
      assertThat(values).containsExactly(0, 0, 0);
    }
  }

  @Test
  void shouldUseTheChannelsOwnNumbersWhenScaled() {
    SignalStep scale = SignalStep.scale(new float[] {1, 10}, new float[] {2, 0.5f});
    float[] first = {1, 2};
    float[] second = {10, 20};
    scale.apply(first, 2, 0);
    scale.apply(second, 2, 1);
    assertThat(first).containsExactly(0, 2);
    assertThat(second).containsExactly(0, 5);
  }

  @Test
  void shouldLetNaNThroughWhenValuesAreNotNumbers() {
    float[] values = {1, Float.NaN, 2};
    SignalStep.scale(new float[] {0}, new float[] {2}).apply(values, 3, 0);
    assertThat(values).containsExactly(2, Float.NaN, 4);
    SignalStep.standardize(0).apply(values, 3, 0);
    assertThat(values).containsOnly(Float.NaN);
  }
}
