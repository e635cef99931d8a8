/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class LookoutTest {
  private static final long LONG_NANOS = 60_000_000_000L;

  private static final long LATE_NANOS = 4_000_000;

  private final AtomicInteger busy = new AtomicInteger(1);
  private final AtomicInteger looks = new AtomicInteger();

  /** There at the look of that number. */
  private BooleanSupplier there(int number) {
    return () -> looks.incrementAndGet() >= number;
  }

  @Test
  void shouldLookUntilItIsThere() {
    Lookout lookout = new Lookout(busy, 1, LONG_NANOS);

    lookout.await(there(1_000));

    assertThat(looks).hasValue(1_000);
  }

  @Test
  void shouldGiveWayWhileMoreAreBusy() {
    Lookout lookout = new Lookout(busy, 1, -1);
    busy.set(2);

    // A processor that others want may be given back after more than the time it looks.
    lookout.await(there(2));

    assertThat(looks).as("it would look once if it did not give way").hasValue(2);
  }

  @Test
  void shouldSleepSoonWhereItGivesWayInVain() {
    Lookout lookout = new Lookout(busy, 1, LONG_NANOS);
    busy.set(2);
    lookout.await(() -> looks.incrementAndGet() < 0);
    int before = looks.get();

    lookout.await(there(1));

    assertThat(looks).as("the second time was passed over").hasValue(before);
  }

  @Test
  void shouldHardlyEverGiveWayWhereOthersKeepTheProcessor() {
    Lookout lookout = new Lookout(busy, 1, LONG_NANOS);
    busy.set(2);

    int looked = 0;
    for (int time = 0; time < 300; time++) {
      int before = looks.get();
      lookout.await(this::thereAfterALongTime);
      looked += looks.get() > before ? 1 : 0;
    }

    assertThat(looked).isBetween(6, 7);
  }

  @Test
  void shouldGoOnGivingWayWhereLongTimesAreChance() {
    Lookout lookout = new Lookout(busy, 1, LONG_NANOS);
    busy.set(2);

    for (int time = 0; time < 20; time++) {
      lookout.await(this::thereAfterALongTime);
      for (int brief = 0; brief < 64; brief++) {
        looks.set(0);
        lookout.await(there(1));
        assertThat(looks).hasValue(1);
      }
      looks.set(0);
    }
  }

  /** There at the second look, which comes late. */
  private boolean thereAfterALongTime() {
    if (looks.incrementAndGet() % 2 == 0) {
      LockSupport.parkNanos(LATE_NANOS);
      return true;
    }
    return false;
  }

  @Test
  void shouldPassOverMoreAndMoreTimesWhileItLooksInVain() {
    Lookout lookout = new Lookout(busy, 1, -1);

    StringBuilder looked = new StringBuilder();
    for (int time = 0; time < 12; time++) {
      int before = looks.get();
      lookout.await(() -> looks.incrementAndGet() < 0);
      looked.append(looks.get() > before ? 'L' : '.');
    }

    assertThat(looked).hasToString("L.L...L.....");
  }

  @Test
  void shouldLookEachTimeAgainOnceItWasThere() {
    Lookout lookout = new Lookout(busy, 1, -1);
    lookout.await(() -> looks.incrementAndGet() < 0);
    lookout.await(there(1));
    lookout.await(there(1));
    assertThat(looks).as("the second time was passed over").hasValue(2);

    lookout.await(there(1));

    assertThat(looks).hasValue(3);
  }
}
