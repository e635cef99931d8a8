/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import java.util.OptionalLong;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/**
 * Latencies in nanoseconds, each kept to one part in ten thousand; longer ones than an hour count
 * as an hour. Recording allocates nothing. Not thread safe.
 */
final class Latencies {
  static final long LONGEST_NANOS = 3_600_000_000_000L;
  private static final int DIGITS = 4;

  private final Histogram nanos = new Histogram(1, LONGEST_NANOS, DIGITS);

  /** Adds one. */
  void record(long latencyNanos) {
    nanos.recordValue(Math.max(0, Math.min(latencyNanos, LONGEST_NANOS)));
  }

  /** Adds all of another. */
  void add(Latencies others) {
    nanos.add(others.nanos);
  }

  void clear() {
    nanos.reset();
  }

  long count() {
    return nanos.getTotalCount();
  }

  double meanNanos() {
    return nanos.getMean();
  }

  long minNanos() {
    return count() == 0 ? 0 : nanos.getMinValue();
  }

  long maxNanos() {
    return nanos.getMaxValue();
  }

  /**
   * The percentile as LoadGen takes it: of n sorted latencies the one at index n * percentile,
   * counted from 0.
   *
   * @param percentile as 0.9
   * @throws IllegalStateException if there is none
   */
  long percentileNanos(double percentile) {
    return atRank((long) (count() * percentile) + 1);
  }

  /**
   * The percentile with confidence 0.99, see {@link EarlyStopping}; empty if there are too few
   * latencies for one.
   */
  OptionalLong estimateNanos(double percentile) {
    long t = EarlyStopping.rankFromSlowest(count(), percentile);
    return t == 0 ? OptionalLong.empty() : OptionalLong.of(atRank(count() - t + 1));
  }

  /** The latency of that rank, 1 for the shortest. */
  private long atRank(long rank) {
    if (count() == 0) {
      throw new IllegalStateException("no latency was recorded");
    }
    long wanted = Math.min(rank, count());
    for (HistogramIterationValue value : nanos.recordedValues()) {
      if (value.getTotalCountToThisValue() >= wanted) {
        return Math.min(value.getValueIteratedTo(), nanos.getMaxValue());
      }
    }
    return nanos.getMaxValue();
  }
}
