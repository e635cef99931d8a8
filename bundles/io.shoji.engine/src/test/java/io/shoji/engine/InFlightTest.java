/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class InFlightTest {
  private static final long DEADLINE = 1_000;
  private static final long GRACE = 100;

  private final Device device =
      new Device(FakeAccelerator.of("cpu", 1), new Gate(1, () -> 1), 1, gone -> {});
  private final AtomicInteger told = new AtomicInteger();
  private final InFlight flight =
      new InFlight(device, "run", reason -> told.incrementAndGet(), () -> {});

  @Test
  void shouldHangOnceWhenGraceIsOver() {
    flight.begin(DEADLINE);

    assertThat(flight.hangsAt(DEADLINE + GRACE - 1, GRACE)).isFalse();
    assertThat(flight.isHung()).isFalse();
    assertThat(flight.hangsAt(DEADLINE + GRACE, GRACE)).isTrue();
    assertThat(flight.isHung()).isTrue();
    assertThat(flight.hangsAt(DEADLINE + 2 * GRACE, GRACE)).as("again").isFalse();
    assertThat(flight.end()).as("hung").isTrue();
    assertThat(flight.isHung()).isFalse();
  }

  @Test
  void shouldNotHangWhenNothingRuns() {
    assertThat(flight.hangsAt(DEADLINE, GRACE)).isFalse();
    assertThat(flight.hangs()).isFalse();
    flight.begin(DEADLINE);
    assertThat(flight.end()).isFalse();
    assertThat(flight.hangsAt(DEADLINE + GRACE, GRACE)).isFalse();
  }

  @Test
  void shouldNotHangWhenTheCallHasNoDeadline() {
    flight.begin(Long.MIN_VALUE);
    assertThat(flight.hangsAt(Long.MIN_VALUE, GRACE)).isFalse();
    assertThat(flight.end()).isFalse();
  }

  @Test
  void shouldHangAtOnceWhenToldSo() {
    flight.begin(Long.MAX_VALUE);
    assertThat(flight.hangs()).isTrue();
    assertThat(flight.hangs()).isFalse();
    assertThat(flight.end()).isTrue();
    assertThat(told).hasValue(0);
  }
}
