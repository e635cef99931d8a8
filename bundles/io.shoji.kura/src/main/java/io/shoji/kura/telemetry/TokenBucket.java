/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.telemetry;

/** Lets a burst through and then so many per minute. Not thread safe. */
final class TokenBucket {
  private static final double NANOS_PER_MINUTE = 60e9;

  private final double burst;
  private final double perNano;
  private double tokens;
  private long lastNanos;

  TokenBucket(int burst, int perMinute, long nowNanos) {
    this.burst = burst;
    this.perNano = perMinute / NANOS_PER_MINUTE;
    this.tokens = burst;
    this.lastNanos = nowNanos;
  }

  /** Whether one more may pass now. */
  boolean take(long nowNanos) {
    tokens = Math.min(burst, tokens + Math.max(0, nowNanos - lastNanos) * perNano);
    lastNanos = nowNanos;
    if (tokens < 1) {
      return false;
    }
    tokens--;
    return true;
  }
}
