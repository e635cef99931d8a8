/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

final class LatenciesTest {
  @Test
  void shouldGiveThePercentilesThatSortingGives() {
    SplittableRandom random = new SplittableRandom(7);
    long[] all = new long[10_000];
    Latencies latencies = new Latencies();
    for (int i = 0; i < all.length; i++) {
      all[i] = (long) Math.exp(9 + 8 * random.nextDouble());
      latencies.record(all[i]);
    }
    Arrays.sort(all);
    for (double percentile : new double[] {0, 0.5, 0.9, 0.99, 0.999}) {
      assertThat((double) latencies.percentileNanos(percentile))
          .isCloseTo(all[(int) (all.length * percentile)], Percentage.withPercentage(0.01));
    }
    assertThat(latencies.minNanos()).isEqualTo(all[0]);
    long t = EarlyStopping.rankFromSlowest(all.length, 0.9);
    assertThat((double) latencies.estimateNanos(0.9).orElseThrow())
        .isCloseTo(all[(int) (all.length - t)], Percentage.withPercentage(0.01))
        .isGreaterThan(latencies.percentileNanos(0.9));
  }

  @Test
  void shouldGiveNoEstimateWhenThereAreTooFew() {
    Latencies latencies = new Latencies();
    for (int i = 1; i <= 63; i++) {
      latencies.record(i);
    }
    assertThat(latencies.estimateNanos(0.9)).isEmpty();
    latencies.record(64);
    assertThat(latencies.estimateNanos(0.9)).hasValue(64);
    assertThat(latencies.percentileNanos(0.9)).isEqualTo(58);
  }

  @Test
  void shouldCountAsAnHourWhatIsLongerAndAsNothingWhatIsNegative() {
    Latencies latencies = new Latencies();
    latencies.record(Long.MAX_VALUE);
    latencies.record(-5);
    assertThat(latencies.count()).isEqualTo(2);
    assertThat(latencies.minNanos()).isZero();
    assertThat((double) latencies.maxNanos())
        .isCloseTo(Latencies.LONGEST_NANOS, Percentage.withPercentage(0.01));
  }

  @Test
  void shouldRefuseAPercentileOfNothing() {
    assertThatThrownBy(() -> new Latencies().percentileNanos(0.5))
        .isInstanceOf(IllegalStateException.class);
  }
}
