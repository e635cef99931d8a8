/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import java.util.Locale;

/** Latencies, by the logarithm: within 2 % of the truth, in fixed memory. Thread safe. */
final class Latencies {
  private static final double STEP = 1.02;
  private static final int BINS = 1_300;

  private final long[] counts = new long[BINS];
  private long count;
  private long most;

  synchronized void add(long nanos) {
    int bin = (int) (Math.log(Math.max(1, nanos)) / Math.log(STEP));
    counts[Math.min(BINS - 1, bin)]++;
    count++;
    most = Math.max(most, nanos);
  }

  synchronized void add(Latencies other) {
    synchronized (other) {
      for (int i = 0; i < BINS; i++) {
        counts[i] += other.counts[i];
      }
      count += other.count;
      most = Math.max(most, other.most);
    }
  }

  synchronized long count() {
    return count;
  }

  /** Largest, milliseconds. */
  synchronized double mostMillis() {
    return most / 1e6;
  }

  /** Quantile, microseconds. */
  synchronized double micros(double share) {
    long rank = (long) Math.ceil(share * count);
    long seen = 0;
    for (int i = 0; i < BINS; i++) {
      seen += counts[i];
      if (seen >= rank) {
        return Math.pow(STEP, i + 0.5) / 1_000;
      }
    }
    return most / 1e3;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "requests=%d p50=%.0f us p99=%.0f us max=%.1f ms",
        count(),
        micros(0.5),
        micros(0.99),
        mostMillis());
  }
}
