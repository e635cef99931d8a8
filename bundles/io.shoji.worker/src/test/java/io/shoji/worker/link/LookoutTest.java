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
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class LookoutTest {
  private static final long LONG_NANOS = 60_000_000_000L;

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
  void shouldNotLookWhenMoreAreBusy() {
    Lookout lookout = new Lookout(busy, 1, LONG_NANOS);
    busy.set(2);

    lookout.await(there(1));

    assertThat(looks).hasValue(0);
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
