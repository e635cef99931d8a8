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

import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.ModelMetrics;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import org.HdrHistogram.AtomicHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Figures of one model. Recording neither waits nor allocates, but for a histogram at its first
 * value. Thread safe.
 */
final class Metrics {
  /** Longest time that is told apart: 2^40 ns, 18 minutes; what is longer counts as that. */
  static final long LONGEST_NANOS = 1L << 40;

  private static final int DIGITS = 3;

  private final LongAdder unqueued = new LongAdder();
  private final Map<Code, LongAdder> errors = new EnumMap<>(Code.class);
  private volatile @Nullable AtomicHistogram latency;
  private volatile @Nullable AtomicHistogram queue;

  /** What was in the histograms before {@link #shrink}, encoded. Guarded by this. */
  private String earlierLatency = "";

  private String earlierQueue = "";

  Metrics() {
    for (Code code : Code.values()) {
      errors.put(code, new LongAdder());
    }
  }

  /** A request ended with an answer. */
  void answered(long latencyNanos, long queueNanos) {
    if (queueNanos <= 0) {
      unqueued.increment();
    } else {
      AtomicHistogram waited = queue;
      (waited == null ? makeQueue() : waited).recordValue(Math.min(queueNanos, LONGEST_NANOS));
    }
    AtomicHistogram took = latency;
    (took == null ? makeLatency() : took)
        .recordValue(Math.max(0, Math.min(latencyNanos, LONGEST_NANOS)));
  }

  /** A request ended without an answer. */
  void failed(Code code) {
    LongAdder count = errors.get(code);
    if (count != null) {
      count.increment();
    }
  }

  private synchronized AtomicHistogram makeLatency() {
    AtomicHistogram made = latency;
    if (made == null) {
      made = new AtomicHistogram(1, LONGEST_NANOS, DIGITS);
      latency = made;
    }
    return made;
  }

  private synchronized AtomicHistogram makeQueue() {
    AtomicHistogram made = queue;
    if (made == null) {
      made = new AtomicHistogram(1, LONGEST_NANOS, DIGITS);
      queue = made;
    }
    return made;
  }

  /**
   * Gives back the memory of its histograms, which hardly anything is added to any more; what they
   * say stays.
   */
  synchronized void shrink() {
    earlierLatency = encoded(plus(copy(latency), earlierLatency));
    latency = null;
    earlierQueue = encoded(plus(copy(queue), earlierQueue));
    queue = null;
  }

  private static Histogram plus(Histogram histogram, String earlier) {
    if (!earlier.isEmpty()) {
      try {
        histogram.add(
            Histogram.decodeFromCompressedByteBuffer(
                ByteBuffer.wrap(Base64.getDecoder().decode(earlier)), 0));
      } catch (DataFormatException e) {
        throw new IllegalStateException("it was encoded here", e);
      }
    }
    return histogram;
  }

  synchronized ModelMetrics snapshot(int waiting) {
    // Read before the histograms, so that a request which ends meanwhile is in both or in neither.
    Map<Code, Long> counts = new EnumMap<>(Code.class);
    long failed = 0;
    for (Map.Entry<Code, LongAdder> entry : errors.entrySet()) {
      long count = entry.getValue().sum();
      if (count > 0) {
        counts.put(entry.getKey(), count);
        failed += count;
      }
    }
    Histogram queued = plus(copy(queue), earlierQueue);
    long direct = unqueued.sum();
    if (direct > 0) {
      queued.recordValueWithCount(0, direct);
    }
    Histogram took = plus(copy(latency), earlierLatency);
    long answered = took.getTotalCount();
    return new ModelMetrics(
        failed + answered, answered, counts, waiting, distribution(took), distribution(queued));
  }

  private static Histogram copy(@Nullable AtomicHistogram live) {
    Histogram copy = new Histogram(DIGITS);
    if (live != null) {
      copy.add(live);
    }
    return copy;
  }

  /** A histogram as the API has it. */
  static ModelMetrics.Latency distribution(Histogram histogram) {
    long count = histogram.getTotalCount();
    return new ModelMetrics.Latency(
        count,
        count == 0 ? 0 : histogram.getMean(),
        histogram.getValueAtPercentile(50),
        histogram.getValueAtPercentile(90),
        histogram.getValueAtPercentile(99),
        histogram.getValueAtPercentile(99.9),
        histogram.getMaxValue(),
        encoded(histogram));
  }

  private static String encoded(Histogram histogram) {
    ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
    int bytes = histogram.encodeIntoCompressedByteBuffer(buffer, Deflater.BEST_SPEED);
    byte[] encoded = new byte[bytes];
    buffer.get(0, encoded);
    return Base64.getEncoder().encodeToString(encoded);
  }
}
