/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HalfShareTest {
  private static final long AN_HOUR = 3_600_000_000_000L;

  private final DeviceHealth health =
      new DeviceHealth(DeviceHealth.Limits.usual(AN_HOUR), System::nanoTime);
  private volatile boolean stopping;
  private final HalfShare share = new HalfShare(health, () -> stopping);

  private void read(double celsius) {
    health.read(celsius, true, Double.NaN, false);
  }

  @Test
  void shouldNotRestWhenTheDeviceIsNotHot() {
    health.opened();
    read(40);
    share.computed(AN_HOUR);
    assertThat(share.awaitTurn(System.nanoTime())).isTrue();
    // What it computed then does not count later.
    read(91);
    assertThat(share.awaitTurn(System.nanoTime())).isTrue();
  }

  @Test
  void shouldRestForAsLongAsAnInferenceTookWhenTheDeviceIsHot() {
    health.opened();
    read(91);
    long rest = 20_000_000;
    long begun = System.nanoTime();
    share.computed(rest);
    assertThat(share.awaitTurn(begun + AN_HOUR)).isTrue();
    assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(rest);
  }

  @Test
  void shouldSayNoWhenTheDeadlineComesBeforeTheTurn() {
    health.opened();
    read(91);
    share.computed(AN_HOUR);
    assertThat(share.awaitTurn(System.nanoTime() + 1_000_000)).isFalse();
    assertThat(share.awaitTurn(System.nanoTime() - AN_HOUR)).isFalse();
  }

  @Test
  void shouldNotRestWhenTheDriverStopsOrTheCallerIsInterrupted() {
    health.opened();
    read(91);
    share.computed(AN_HOUR);
    Thread.currentThread().interrupt();
    assertThat(share.awaitTurn(System.nanoTime() + AN_HOUR)).isTrue();
    assertThat(Thread.interrupted()).isTrue();
    stopping = true;
    assertThat(share.awaitTurn(System.nanoTime() + AN_HOUR)).isTrue();
  }
}
