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

import io.shoji.cli.bench.SustainedRun.Interval;
import io.shoji.cli.bench.SustainedRun.Result;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class SustainedRunTest {
  private static final long MS = 1_000_000;

  @TempDir Path root;

  private static double real() {
    return System.nanoTime() / 1e9;
  }

  @Test
  void shouldShowThatADeviceGetsSlowerAndWhy() throws Exception {
    RecordedTree tree = RecordedTree.of("raspberry-pi-4", root);
    tree.write("sys/devices/platform/soc/soc:firmware/get_throttled", "0");
    Sensors sensors = new Sensors(root, System::nanoTime);
    double begin = real();
    // Real time, as the looks at the intervals are: 0.5 ms at first, 2 ms after 3 s.
    Inference device =
        new Inference() {
          @Override
          public int samples() {
            return 1;
          }

          @Override
          public void run(int sample) {
            boolean hot = real() - begin > 3;
            if (hot) {
              tree.write("sys/devices/platform/soc/soc:firmware/get_throttled", "4");
            }
            long end = System.nanoTime() + (hot ? 2 * MS : MS / 2);
            while (System.nanoTime() < end) {
              Thread.onSpinWait();
            }
          }

          @Override
          public void close() {}
        };
    Result result =
        new SustainedRun(System::nanoTime, sensors::read, (done, queries) -> {})
            .run(List.of(device), 1, 6_000 * MS);

    assertThat(result.complete()).isTrue();
    assertThat(result.intervals()).hasSizeBetween(4, 7);
    assertThat(result.first().orElseThrow()).isGreaterThan(1.5 * result.last().orElseThrow());
    assertThat(result.intervals().get(0).reading().throttling()).isEmpty();
    assertThat(result.intervals().get(result.intervals().size() - 1).reading().throttling())
        .containsExactly("throttled");
    double before = 0;
    for (Interval interval : result.intervals()) {
      assertThat(interval.secondsFrom()).isEqualTo(before);
      before = interval.secondsTo();
      assertThat(interval.medianNanos()).isLessThanOrEqualTo(interval.p99Nanos());
      assertThat(interval.p99Nanos()).isLessThanOrEqualTo(interval.maxNanos());
    }
    assertThat(before).isCloseTo(6, Percentage.withPercentage(20));
    assertThat(result.samples())
        .isEqualTo(result.intervals().stream().mapToLong(Interval::samples).sum());
  }

  @Test
  void shouldKeepTheIntervalsBeforeAnInterrupt() throws Exception {
    Thread caller = Thread.currentThread();
    double begin = real();
    Inference device =
        new Inference() {
          @Override
          public int samples() {
            return 1;
          }

          @Override
          public void run(int sample) {
            if (real() - begin > 1.7) {
              caller.interrupt();
            }
            Thread.onSpinWait();
          }

          @Override
          public void close() {}
        };
    Result result =
        new SustainedRun(
                System::nanoTime, new Sensors(root, System::nanoTime)::read, (done, queries) -> {})
            .run(List.of(device), 1, 600_000 * MS);

    assertThat(result.complete()).isFalse();
    assertThat(result.intervals()).hasSizeBetween(1, 2);
    assertThat(result.first()).isEmpty();
    assertThat(Thread.interrupted()).isFalse();
  }
}
