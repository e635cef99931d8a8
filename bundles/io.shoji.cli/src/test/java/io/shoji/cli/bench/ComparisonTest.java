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

import io.shoji.cli.bench.Comparison.Figures;
import io.shoji.cli.bench.Comparison.Rounds;
import io.shoji.cli.bench.Comparison.Settings;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

final class ComparisonTest {
  private final Scripted.Clock clock = new Scripted.Clock();

  private List<Rounds> measure(Settings settings, Inference... inferences) throws Exception {
    return new Comparison(settings, clock, (done, what) -> {}).rounds(List.of(inferences));
  }

  @Test
  void shouldGiveTheRatioOfTheMediansWhenTheMachineSlowsDownMeanwhile() throws Exception {
    // Both get slower with the clock, as in a machine that others use: a ratio of totals of one
    // after the other would be wrong, that of neighbouring rounds is not.
    Scripted slow = new Scripted(clock, 3, run -> 2 * (1_000_000 + clock.getAsLong() / 1_000));
    Scripted fast = new Scripted(clock, 3, run -> 1_000_000 + clock.getAsLong() / 1_000);

    List<Rounds> rounds = measure(new Settings(40, 20_000_000, 5, 0), slow, fast);
    Figures first = rounds.get(0).figures("slow", "a", rounds.get(0), 40);
    Figures second = rounds.get(1).figures("fast", "a", rounds.get(0), 40);

    assertThat(first.ratio()).isEqualTo(1);
    assertThat(second.ratio()).isCloseTo(0.5, Offset.offset(0.02));
    assertThat(second.ratioLow()).isLessThanOrEqualTo(second.ratio());
    assertThat(second.ratioHigh()).isGreaterThanOrEqualTo(second.ratio());
  }

  @Test
  void shouldKeepToTheLeastTimeAndTheLeastRunsOfARound() throws Exception {
    Scripted quick = new Scripted(clock, 1, run -> 1_000);
    Scripted lame = new Scripted(clock, 1, run -> 50_000_000);
    List<Rounds> rounds = measure(new Settings(3, 1_000_000, 4, 0), quick, lame);

    assertThat(rounds.get(0).figures("quick", "a", rounds.get(0), 3).runs()).isEqualTo(3_000);
    assertThat(rounds.get(1).figures("lame", "a", rounds.get(0), 3).runs()).isEqualTo(12);
    // Once to warm up, and twice before each round, none of which counts.
    assertThat(quick.runs()).isEqualTo(3_000 + 1 + 3 * 2);
  }

  @Test
  void shouldNotLetOneBadRoundSpoilTheFigures() throws Exception {
    Scripted disturbed = new Scripted(clock, 1, run -> run > 400 && run < 408 ? 9_000_000 : 10_000);
    List<Rounds> rounds = measure(new Settings(9, 1_000_000, 10, 0), disturbed);

    Figures figures = rounds.get(0).figures("disturbed", "a", rounds.get(0), 9);
    assertThat((double) figures.medianNanos()).isCloseTo(10_000, Percentage.withPercentage(0.1));
    assertThat((double) figures.p99Nanos()).isCloseTo(10_000, Percentage.withPercentage(0.1));
  }

  @Test
  void shouldAlternate() throws Exception {
    List<Integer> order = new ArrayList<>();
    List<Inference> all = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int which = i;
      all.add(
          new Scripted(
              clock,
              1,
              run -> {
                if (order.isEmpty() || order.get(order.size() - 1) != which) {
                  order.add(which);
                }
                return 1_000;
              }));
    }
    measure(new Settings(4, 5_000, 1, 0), all.toArray(new Inference[0]));

    // Warming up, then forwards, backwards, forwards from the next on, backwards from there.
    assertThat(order).containsExactly(0, 1, 2, 0, 1, 2, 1, 0, 1, 2, 0, 2, 1);
  }

  @Test
  void shouldKeepTheRoundsBeforeAnInterrupt() throws Exception {
    Scripted first = new Scripted(clock, 1, run -> 1_000);
    Scripted second =
        new Scripted(
            clock,
            1,
            run -> {
              // One to warm up; three a round.
              if (run == 1 + 5 * 3) {
                Thread.currentThread().interrupt();
              }
              return 2_000;
            });
    List<Rounds> rounds = measure(new Settings(1_000_000, 1_000, 1, 0), first, second);

    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertThat(rounds.get(1).count()).isEqualTo(6);
    assertThat(rounds.get(0).count()).isBetween(5, 6);
    Figures figures = rounds.get(1).figures("second", "a", rounds.get(0), 5);
    assertThat(figures.ratio()).isEqualTo(2);
  }

  @Test
  void shouldRefuseSettingsThatMeasureNothing() {
    assertThatThrownBy(() -> new Settings(0, 1, 1, 1)).hasMessageContaining("rounds=0");
  }
}
