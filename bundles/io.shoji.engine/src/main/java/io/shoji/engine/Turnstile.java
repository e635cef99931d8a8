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

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets some of many through: each with the same chance, and never more than so many a second; where
 * few come, one a second in any case. Any number of threads, none waits.
 */
final class Turnstile {
  private static final long SECOND = 1_000_000_000L;

  private final AtomicLong lastNanos;

  Turnstile(long nowNanos) {
    this.lastNanos = new AtomicLong(nowNanos - SECOND);
  }

  /**
   * Whether this one goes through.
   *
   * @param share one in so many; 0 for none
   * @param perSecond most in a second
   */
  boolean lets(long nowNanos, int share, int perSecond) {
    if (share == 0) {
      return false;
    }
    long last = lastNanos.get();
    long passed = nowNanos - last;
    return passed >= SECOND / perSecond
        && (passed >= SECOND || share == 1 || ThreadLocalRandom.current().nextInt(share) == 0)
        && lastNanos.compareAndSet(last, nowNanos);
  }
}
