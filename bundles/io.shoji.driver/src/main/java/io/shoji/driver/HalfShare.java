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

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Lets a device that is too hot rest for as long as each inference took. Thread safe. */
public final class HalfShare {
  private final DeviceHealth health;
  private final BooleanSupplier stopping;

  /** When a device that gets half of the work may have more. */
  private final AtomicLong turn = new AtomicLong(System.nanoTime());

  /**
   * Of one device.
   *
   * @param stopping whether nobody is to rest any more
   */
  public HalfShare(DeviceHealth health, BooleanSupplier stopping) {
    this.health = health;
    this.stopping = stopping;
  }

  /** An inference ended well; a hot device rests for as long as it took. */
  public void computed(long nanos) {
    health.computed();
    if (health.share() < 1) {
      turn.set(System.nanoTime() + nanos);
    }
  }

  /** Waits while a hot device rests; whether its turn came before the deadline. */
  public boolean awaitTurn(long deadlineNanos) {
    while (health.share() < 1 && !stopping.getAsBoolean()) {
      long now = System.nanoTime();
      long left = Math.min(turn.get() - now, deadlineNanos - now);
      if (turn.get() - now <= 0) {
        return true;
      }
      if (left <= 0) {
        return false;
      }
      LockSupport.parkNanos(this, left);
      if (Thread.currentThread().isInterrupted()) {
        // A call lasts until its result or its deadline; but it need not rest as well.
        return true;
      }
    }
    return true;
  }
}
