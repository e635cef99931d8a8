/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what another thread or process brings about. */
public final class Eventually {
  private static final long PATIENCE_NANOS = 30_000_000_000L;
  private static final long POLL_NANOS = 1_000_000;

  private Eventually() {}

  /** Returns when {@code condition} holds, and fails if it does not within 30 s. */
  public static void assertThat(BooleanSupplier condition) {
    long giveUp = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.getAsBoolean()) {
      if (giveUp - System.nanoTime() < 0) {
        throw new AssertionError("not within 30 s");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }
}
