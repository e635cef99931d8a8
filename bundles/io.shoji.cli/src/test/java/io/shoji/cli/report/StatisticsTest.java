/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class StatisticsTest {
  /** Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I. */
  @ParameterizedTest
  @CsvSource({
    "81, 263, 0.2553, 0.3662",
    "15, 148, 0.0624, 0.1605",
    "0, 20, 0, 0.1611",
    "1, 29, 0.0061, 0.1718",
    "20, 20, 0.8389, 1"
  })
  void shouldGiveWilsonsIntervalAsPublished(long right, long count, double low, double high) {
    assertThat(Interval.wilson(right, count).low()).isCloseTo(low, within(5e-5));
    assertThat(Interval.wilson(right, count).high()).isCloseTo(high, within(5e-5));
  }

  @Test
  void shouldRefuseWhatIsNoShare() {
    assertThatThrownBy(() -> Interval.wilson(1, 0)).hasMessageContaining("count=0");
    assertThatThrownBy(() -> Interval.wilson(3, 2)).hasMessageContaining("right=3");
  }

  @Test
  void shouldTellChanceFromDifferenceAsTheBinomialDistributionSays() {
    assertThat(Change.significance(0, 0)).isEqualTo(1);
    assertThat(Change.significance(10, 2)).isCloseTo(2 * (1 + 12 + 66) / 4096.0, within(1e-12));
    assertThat(Change.significance(2, 10)).isEqualTo(Change.significance(10, 2));
    assertThat(Change.significance(5, 5)).isEqualTo(1);
    assertThat(Change.significance(5_000, 5_100)).isBetween(0.3, 0.4);
    assertThat(Change.significance(9_000, 100)).isZero();
  }

  @Test
  void shouldNameTheIntegerInstructionsThatTheProcessorHas(@TempDir Path folder) throws Exception {
    Files.writeString(
        folder.resolve("cpuinfo"),
        "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2 avx512_vnni avx_vnni\n"
            + "\nprocessor\t: 1\nmodel name\t: Some CPU @ 2 GHz\n");
    Files.writeString(folder.resolve("meminfo"), "MemTotal:        2048 kB\nMemFree: 1 kB\n");
    Machine machine = Machine.of(folder);
    assertThat(machine.processor()).isEqualTo("Some CPU @ 2 GHz");
    assertThat(machine.integerInstructions()).containsExactly("avx512_vnni", "avx_vnni");
    assertThat(machine.memoryBytes()).isEqualTo(2 << 20);

    Files.writeString(
        folder.resolve("cpuinfo"), "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n");
    assertThat(Machine.of(folder).integerInstructions()).containsExactly("asimddp", "i8mm");
    assertThat(Machine.of(folder).processor()).isEqualTo(System.getProperty("os.arch"));
    Machine nothing = Machine.of(folder.resolve("missing"));
    assertThat(nothing.integerInstructions()).isEmpty();
    assertThat(nothing.memoryBytes()).isEqualTo(-1);
    assertThat(Machine.here().cores()).isPositive();
  }
}
