/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import java.util.function.LongSupplier;

/** A token bucket: so many messages at once, then one in each period. Not thread safe. */
final class Throttle {
  private final int burst;
  private final long periodNanos;
  private final LongSupplier nanoTime;
  private long tokens;
  private long filledNanos;

  /**
   * A full bucket.
   *
   * @param burst at least 1
   * @param periodNanos at least 1
   */
  Throttle(int burst, long periodNanos, LongSupplier nanoTime) {
    this.burst = burst;
    this.periodNanos = periodNanos;
    this.nanoTime = nanoTime;
    this.tokens = burst;
    this.filledNanos = nanoTime.getAsLong();
  }

  /** Takes a token if there is one. */
  boolean take() {
    long periods = (nanoTime.getAsLong() - filledNanos) / periodNanos;
    if (periods > 0) {
      tokens = Math.min(burst, tokens + periods);
      filledNanos += periods * periodNanos;
    }
    if (tokens == 0) {
      return false;
    }
    tokens--;
    return true;
  }

  /** How long until there is a token; at least 1 if there is none. */
  long waitNanos() {
    return tokens > 0 ? 0 : Math.max(1, filledNanos + periodNanos - nanoTime.getAsLong());
  }
}
