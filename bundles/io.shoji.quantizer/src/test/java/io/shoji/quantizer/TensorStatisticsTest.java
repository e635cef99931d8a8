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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class TensorStatisticsTest {
  private final Random random = new Random(3);

  private float[] gaussian(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static TensorStatistics of(float[]... samples) {
    TensorStatistics statistics = new TensorStatistics();
    for (float[] sample : samples) {
      statistics.add(FloatBuffer.wrap(sample));
    }
    return statistics;
  }

  @ParameterizedTest
  @EnumSource
  void shouldGiveRangeWithinWhatWasSeenWhenValuesAreOfAnyKind(CalibrationMethod method) {
    float[] large = gaussian(5_000);
    large[17] = 1e6f;
    float[] negative = gaussian(5_000);
    for (int i = 0; i < negative.length; i++) {
      negative[i] = -Math.abs(negative[i]) - 1;
    }
    float[] tiny = gaussian(5_000);
    for (int i = 0; i < tiny.length; i++) {
      tiny[i] *= 1e-30f;
    }
    for (float[] values :
        new float[][] {
          gaussian(5_000),
          large,
          negative,
          tiny,
          {Float.MAX_VALUE, -Float.MAX_VALUE},
          {Float.MIN_VALUE},
          {3, 3, 3},
          {-3},
          {0, 0}
        }) {
      for (boolean symmetric : new boolean[] {false, true}) {
        TensorStatistics statistics = of(values);
        Range range = statistics.range(method, 99.9, symmetric);
        assertThat(range.low()).isBetween(Math.min(0, statistics.min()), 0f);
        assertThat(range.high()).isBetween(0f, Math.max(0, statistics.max()));
      }
    }
    assertThat(of(new float[] {0, 0}).range(method, 99.9, false)).isEqualTo(Range.none());
    assertThat(new TensorStatistics().range(method, 99.9, false)).isEqualTo(Range.none());
  }

  @Test
  void shouldNotDependOnOrderWhenRangeGrows() {
    float[] small = gaussian(3_000);
    float[] large = gaussian(3_000);
    for (int i = 0; i < large.length; i++) {
      large[i] *= 1_000;
    }
    for (CalibrationMethod method :
        new CalibrationMethod[] {
          CalibrationMethod.MIN_MAX,
          CalibrationMethod.PERCENTILE,
          CalibrationMethod.ENTROPY,
          CalibrationMethod.MSE
        }) {
      assertThat(of(small, large).range(method, 99, false))
          .isEqualTo(of(large, small).range(method, 99, false));
    }
  }

  @Test
  void shouldCutTheShareAskedForWhenPercentileIsChosen() {
    float[] values = gaussian(200_000);
    Range range = of(values).range(CalibrationMethod.PERCENTILE, 99, false);
    Arrays.sort(values);
    assertThat(range.high()).isCloseTo(values[198_000], within(0.01f));
    assertThat(range.low()).isCloseTo(values[2_000], within(0.01f));
  }

  @Test
  void shouldTellWhatIsClippedWhenRangeLeavesValuesOut() {
    TensorStatistics statistics = of(gaussian(200_000), new float[200_000]);
    Range range = statistics.range(CalibrationMethod.PERCENTILE, 99, false);
    // Of all values, of which half are zeros: one percent at each end.
    assertThat(statistics.shareOutside(range)).isCloseTo(0.02, within(1e-3));
    assertThat(statistics.shareOutside(Range.none())).isCloseTo(0.5, within(1e-3));
    assertThat(statistics.shareOutside(statistics.range(CalibrationMethod.MIN_MAX, 99, false)))
        .isZero();
    assertThat(new TensorStatistics().shareOutside(Range.none())).isZero();
  }

  @Test
  void shouldCutOutlierOffWhenErrorOrInformationSaySo() {
    float[] values = gaussian(200_000);
    values[5] = 100;
    TensorStatistics statistics = of(values);
    assertThat(statistics.range(CalibrationMethod.ENTROPY, 99, false).high()).isBetween(2f, 12f);
    // One value in 200,000 that is 100 is worth keeping for MSE, within reason.
    assertThat(statistics.range(CalibrationMethod.MSE, 99, false).high()).isBetween(20f, 99f);
    assertThat(of(values).range(CalibrationMethod.MIN_MAX, 99, false).high()).isEqualTo(100);
  }

  @Test
  void shouldFollowSlowlyWhenAverageMoves() {
    float[][] samples = new float[100][];
    for (int i = 0; i < 100; i++) {
      samples[i] = new float[] {-1, i == 50 ? 1_000 : 2};
    }
    Range range = of(samples).range(CalibrationMethod.MOVING_AVERAGE, 99, false);
    assertThat(range.low()).isEqualTo(-1);
    assertThat(range.high()).isBetween(2f, 2 + 10f);
  }

  @Test
  void shouldCountWhatIsNoFiniteNumber() {
    TensorStatistics statistics =
        of(new float[] {1, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0});
    assertThat(statistics.notNumbers()).isEqualTo(1);
    assertThat(statistics.infinities()).isEqualTo(2);
    assertThat(statistics.zeros()).isEqualTo(1);
    assertThat(statistics.count()).isEqualTo(2);
    assertThat(Arrays.stream(statistics.histogram(4)).sum()).isEqualTo(1);
  }
}
