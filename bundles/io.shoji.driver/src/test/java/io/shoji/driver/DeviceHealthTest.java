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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.driver.DeviceHealth.Limits;
import io.shoji.driver.DeviceHealth.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DeviceHealthTest {
  private static final long SECOND = 1_000_000_000L;
  private static final Limits LIMITS = Limits.usual(10 * SECOND);

  private long now = 77;
  private final DeviceHealth health = new DeviceHealth(LIMITS, () -> now);

  private void read(double celsius) {
    now += SECOND;
    health.read(celsius, true, 1.5, false);
  }

  private void healthy() {
    health.opened();
    read(45);
    read(45);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
  }

  @Test
  void shouldBeHealthyWhenReadingsAreGood() {
    assertThat(health.state()).isEqualTo(State.PRESENT);
    assertThat(health.serves()).isFalse();
    health.opened();
    assertThat(health.state()).isEqualTo(State.WARMING);
    assertThat(health.serves()).isTrue();
    assertThat(health.toAcceleratorHealth().state()).isEqualTo(AcceleratorHealth.State.HEALTHY);
    read(45);
    assertThat(health.state()).isEqualTo(State.WARMING);
    read(46);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    assertThat(health.reason()).isEmpty();
    assertThat(health.toAcceleratorHealth().temperatureCelsius()).hasValue(46);
    assertThat(health.toAcceleratorHealth().powerWatts()).hasValue(1.5);
  }

  @Test
  void shouldTakeAnImpossibleReadingForADeadSensorWhenInferencesSucceed() {
    healthy();
    for (int i = 0; i < 20; i++) {
      health.computed();
      read(-89.7);
      assertThat(health.state()).isEqualTo(State.SUSPECT);
      assertThat(health.reason()).contains("celsius=-89.7", "inferences=succeed");
      assertThat(health.toAcceleratorHealth().temperatureCelsius()).isEmpty();
      assertThat(health.serves()).isTrue();
    }
    read(45);
    read(45);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
  }

  @Test
  void shouldBeLostWhenTheLastInferenceIsLongAgo() {
    healthy();
    health.computed();
    for (int i = 0; i < 30; i++) {
      read(-89.7);
      assertThat(health.state()).isEqualTo(State.SUSPECT);
    }
    for (int i = 0; i < 3; i++) {
      read(-89.7);
    }
    assertThat(health.state()).isEqualTo(State.LOST);
  }

  @Test
  void shouldBeLostWhenImpossibleReadingsGoOnAndNothingIsComputed() {
    healthy();
    read(-89.7);
    read(Double.NaN);
    assertThat(health.state()).isEqualTo(State.SUSPECT);
    read(1_000);
    assertThat(health.state()).isEqualTo(State.LOST);
    assertThat(health.serves()).isFalse();
  }

  @Test
  void shouldReduceTheLoadWhenTooHotAndGiveItBackOnlyWellBelow() {
    healthy();
    read(91);
    assertThat(health.state()).isEqualTo(State.COOLING);
    assertThat(health.share()).isEqualTo(0.5);
    read(100);
    assertThat(health.state()).isEqualTo(State.COOLING);
    assertThat(health.serves()).isFalse();
    assertThat(health.toAcceleratorHealth().state()).isEqualTo(AcceleratorHealth.State.THROTTLED);
    read(88);
    assertThat(health.share()).isEqualTo(0.5);
    read(84);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    assertThat(health.share()).isEqualTo(1);
  }

  @Test
  void shouldWarmUpWhenColderThanItIsMadeFor() {
    healthy();
    read(-10);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    read(-10.5);
    assertThat(health.state()).isEqualTo(State.WARMING);
    assertThat(health.reason()).contains("celsius=-10.5", "least=-10");
    assertThat(health.serves()).isTrue();
    read(0);
    read(0);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
  }

  @Test
  void shouldBeThrottledByAnAlarmUntilItIsTakenBackOrOld() {
    healthy();
    health.alarmed("too much current times=1");
    read(70);
    assertThat(health.state()).isEqualTo(State.THROTTLED);
    assertThat(health.reason()).isEqualTo("too much current times=1");
    assertThat(health.share()).isEqualTo(1);
    health.alarmed("");
    read(70);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    // What takes it back may get lost.
    long begun = now;
    do {
      health.alarmed("too much current times=2");
      read(70);
      assertThat(health.state()).isEqualTo(State.THROTTLED);
    } while (now - begun < DeviceHealth.ALARM_NANOS / 2);
    health.alarmed("too much current times=3");
    while (now - begun < DeviceHealth.ALARM_NANOS) {
      read(70);
      assertThat(health.state()).isEqualTo(State.THROTTLED);
    }
    for (int i = 0; health.state() == State.THROTTLED && i < 1_000; i++) {
      health.alarmed("too much current times=3");
      read(70);
    }
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    assertThat(now - begun).isGreaterThanOrEqualTo(3 * DeviceHealth.ALARM_NANOS / 2);
    // A device that was lost has raised none.
    health.alarmed("too much current times=1");
    health.lost("unplugged");
    health.opened();
    read(70);
    read(70);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
  }

  @Test
  void shouldBeThrottledAsLongAsItSaysSo() {
    healthy();
    health.read(70, true, Double.NaN, true);
    assertThat(health.state()).isEqualTo(State.THROTTLED);
    health.read(70, true, Double.NaN, false);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
  }

  @Test
  void shouldBeSuspectAndThenLostWhenItIsSilent() {
    healthy();
    now += 10 * SECOND;
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    now += 1;
    assertThat(health.state()).isEqualTo(State.SUSPECT);
    assertThat(health.reason()).contains("silentMs=10000");
    now += 20 * SECOND;
    assertThat(health.state()).isEqualTo(State.LOST);
    read(45);
    assertThat(health.state()).isEqualTo(State.LOST);
  }

  @Test
  void shouldBeTrustedAgainOnlyAfterGoodReadingsWhenItComesBack() {
    healthy();
    health.lost("unplugged");
    assertThat(health.toAcceleratorHealth().state()).isEqualTo(AcceleratorHealth.State.LOST);
    assertThat(health.retryInNanos()).isEqualTo(SECOND);
    now += SECOND;
    assertThat(health.retryInNanos()).isZero();
    health.opened();
    assertThat(health.state()).isEqualTo(State.BACK);
    assertThat(health.serves()).isFalse();
    read(45);
    assertThat(health.serves()).isFalse();
    read(45);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
  }

  @Test
  void shouldWaitLongerAfterEachLossUntilItIsSteady() {
    List<Long> pauses = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      health.opened();
      health.lost("again");
      pauses.add(health.retryInNanos() / SECOND);
    }
    assertThat(pauses).containsExactly(1L, 2L, 4L, 8L, 16L, 32L, 60L, 60L, 60L);
    health.opened();
    for (int i = 0; i < 601; i++) {
      read(45);
    }
    health.lost("after ten quiet minutes");
    assertThat(health.retryInNanos()).isEqualTo(SECOND);
  }

  @Test
  void shouldNeedNoSensor() {
    health.opened();
    health.read(Double.NaN, false, Double.NaN, false);
    health.read(Double.NaN, false, Double.NaN, false);
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    assertThat(health.toAcceleratorHealth().temperatureCelsius()).isEmpty();
  }

  @Test
  void shouldRefuseLimitsThatContradictEachOther() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Limits(-55, -10, 95, 90, 98, 130, 1, 1, 1, 1, 1, 1))
        .withMessageContaining("95.0 < 90.0");
  }

  /** Whatever happens in whatever order, what is promised holds after each event. */
  @Test
  void shouldKeepItsPromisesInAnyOrderOfEvents() {
    for (long seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      now = random.nextLong();
      DeviceHealth device = new DeviceHealth(LIMITS, () -> now);
      boolean open = false;
      for (int event = 0; event < 100; event++) {
        State before = device.state();
        int what = random.nextInt(8);
        double celsius = random.nextInt(4) == 0 ? -200 + random.nextInt(500) : 45;
        switch (what) {
          case 0 -> {
            if (before == State.LOST || before == State.PRESENT) {
              device.opened();
              open = true;
            }
          }
          case 1 -> device.failed("failed");
          case 2 -> device.lost("lost");
          case 3 -> device.computed();
          case 4 -> now += random.nextInt(40) * SECOND;
          default -> device.read(celsius, true, random.nextDouble() * 4, random.nextInt(9) == 0);
        }
        State after = device.state();
        String story = "seed=" + seed + " event=" + event + " " + before + " -> " + device;
        AcceleratorHealth told = device.toAcceleratorHealth();
        assertThat(device.share()).as(story).isIn(0.0, 0.5, 1.0);
        assertThat(device.serves()).as(story).isEqualTo(device.share() > 0);
        if (after == State.LOST || after == State.BACK || after == State.PRESENT) {
          assertThat(device.serves()).as(story).isFalse();
        }
        if (before == State.LOST && what != 0) {
          assertThat(after).as(story).isEqualTo(State.LOST);
        }
        if (what >= 5 && (celsius < -55 || celsius > 130)) {
          assertThat(after).as(story).isNotIn(State.HEALTHY, State.THROTTLED, State.COOLING);
          assertThat(told.temperatureCelsius()).as(story).isEmpty();
        }
        assertThat(told.reason().isEmpty())
            .as(story)
            .isEqualTo(told.state() == AcceleratorHealth.State.HEALTHY);
        told.temperatureCelsius().ifPresent(c -> assertThat(c).as(story).isBetween(-55.0, 130.0));
        assertThat(device.retryInNanos()).as(story).isLessThanOrEqualTo(60 * SECOND);
      }
      // From anywhere two good readings are enough, once it is open.
      if (!open || device.state() == State.LOST) {
        device.opened();
      }
      for (int i = 0; i < 2; i++) {
        device.read(45, true, 1, false);
      }
      assertThat(device.state()).as("seed=" + seed).isEqualTo(State.HEALTHY);
    }
  }
}
