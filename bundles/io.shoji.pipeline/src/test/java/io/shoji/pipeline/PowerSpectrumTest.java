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
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PowerSpectrumTest {
  static IntStream sizes() {
    return IntStream.concat(
        IntStream.rangeClosed(2, 70), IntStream.of(97, 100, 127, 128, 243, 256, 1000, 1024, 1025));
  }

  private static double[] naive(double[] x) {
    int n = x.length;
    double[] power = new double[n / 2 + 1];
    for (int k = 0; k < power.length; k++) {
      double re = 0;
      double im = 0;
      for (int i = 0; i < n; i++) {
        double angle = -2 * Math.PI * ((long) i * k % n) / n;
        re += x[i] * Math.cos(angle);
        im += x[i] * Math.sin(angle);
      }
      power[k] = re * re + im * im;
    }
    return power;
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void shouldMatchTheDefinitionWhenTransformedTwice(int size) {
    Random random = new Random(size);
    PowerSpectrum spectrum = PowerSpectrum.of(size);
    for (int round = 0; round < 2; round++) {
      double[] x = random.doubles(size, -3, 3).toArray();
      double[] power = new double[size / 2 + 1];
      spectrum.transform(x, power);
      double[] expected = naive(x);
      for (int k = 0; k < power.length; k++) {
        assertThat(power[k]).as("bin %d", k).isCloseTo(expected[k], within(1e-9 * size * size));
      }
    }
  }

  @Test
  void shouldShowOneLineWhenASineFitsTheWindow() {
    int n = 1000;
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) Math.sin(2 * Math.PI * 50 * i / n);
    }
    int bins = new LogSpectrum(n, false, 1e-12).apply(values, n, 0);
    assertThat(bins).isEqualTo(501);
    // |X_50|^2 / N = (N / 2)^2 / N.
    assertThat(values[50]).isCloseTo((float) Math.log10(n / 4.0), within(1e-4f));
    for (int k = 0; k < bins; k++) {
      if (k != 50) {
        assertThat(values[k]).isLessThan(-9);
      }
    }
  }

  @Test
  void shouldFollowTheFormulaWhenWeightedByHann() {
    for (int n : new int[] {16, 30, 31}) {
      Random random = new Random(n);
      float[] values = new float[n];
      double[] weighted = new double[n];
      for (int i = 0; i < n; i++) {
        values[i] = (float) random.nextGaussian();
        weighted[i] = values[i] * (0.5 - 0.5 * Math.cos(2 * Math.PI * i / n));
      }
      double[] power = naive(weighted);
      int bins = new LogSpectrum(n, true, 0.5).apply(values, n, 0);
      assertThat(bins).isEqualTo(n / 2 + 1);
      for (int k = 0; k < bins; k++) {
        assertThat(values[k]).isCloseTo((float) Math.log10(power[k] / n + 0.5), within(1e-5f));
      }
    }
  }

  @Test
  void shouldRefuseWhenAComplexTransformIsNotOfAPowerOfTwo() {
    assertThatThrownBy(() -> new ComplexFft(12))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size=12");
  }
}
