/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.inference.Prediction;
import io.shoji.inference.Prediction.Ranked;
import io.shoji.inference.Provenance;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class TallyTest {
  private final Tally tally = new Tally("digits 1.0.0");

  @Test
  void shouldCountSampleWithoutAnswerAsWrongWhenTruthIsKnown() {
    tally.answered("a", prediction("1", 1_000_000), Optional.of("1"));
    tally.answered("b", prediction("1", 1_000_000), Optional.of("2"));
    tally.answered("c", prediction("1", 1_000_000), Optional.empty());
    tally.failed("d", Optional.of("4"), "first");
    tally.failed("e", Optional.empty(), "second");

    Tally.Figures figures = tally.figures();

    assertThat(figures.answered()).isEqualTo(3);
    assertThat(figures.judged()).isEqualTo(3);
    assertThat(figures.right()).isEqualTo(1);
    assertThat(figures.accuracy()).isEqualTo(1.0 / 3);
    assertThat(figures.errors()).isEqualTo(2);
    assertThat(figures.firstError()).contains("first");
    assertThat(figures.said()).isEqualTo("no answer");
  }

  @Test
  void shouldGiveSmallestLatencyThatEnoughDoNotExceed() {
    for (int i = 2000; i >= 1; i--) {
      tally.answered("a", prediction("1", i * 1_000L), Optional.empty());
    }

    Tally.Latency latency = tally.figures().latency();

    assertThat(latency.p50()).isEqualTo(1.0);
    assertThat(latency.p90()).isEqualTo(1.8);
    assertThat(latency.p99()).isEqualTo(1.98);
    assertThat(latency.p999()).isEqualTo(1.998);
    assertThat(latency.most()).isEqualTo(2.0);
  }

  @Test
  void shouldHaveNoFiguresWhenNothingWasAnswered() {
    assertThat(tally.figures().accuracy()).isNaN();
    assertThat(tally.figures().latency().p99()).isNaN();
    assertThat(tally.figures().perSecond()).isZero();
    assertThat(tally.figures().accelerator()).isEmpty();
  }

  @Test
  void shouldSayOnTheDeviceWhenItIsSimulatedOrDegraded() {
    tally.answered("a", prediction("1", 1), Optional.empty());

    assertThat(tally.figures().accelerator()).isEqualTo("cpu:cpu0 (simulated) (degraded)");
  }

  private static Prediction prediction(String label, long nanos) {
    return new Prediction(
        List.of(new Ranked(1, label, 0.9f)),
        List.of(),
        OptionalDouble.empty(),
        Optional.empty(),
        List.of(),
        new Provenance(
            1, "digits", "1.0.0", "onnx", "00", "11", "cpu", "cpu0", "driver", "1", "runtime", "1",
            "", true, true),
        0,
        nanos,
        0);
  }
}
