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

import java.util.concurrent.atomic.AtomicLong;

/** A time in which one thing went on, and the requests of that time. Thread safe. */
final class Window {
  final Phase phase;
  private final Processors.Reading start;
  private final AtomicLong longestSilence = new AtomicLong();
  private volatile Latencies latencies = new Latencies();
  private volatile Processors.Use use = Processors.Use.NONE;
  private volatile long count;
  private volatile double p99Micros;

  Window(Phase phase) {
    this.phase = phase;
    this.start = Processors.read();
  }

  /** A request ended, so many nanoseconds after it was to begin. */
  void add(long nanos) {
    latencies.add(nanos);
  }

  /** No request was answered for so long, until now. */
  void silence(long nanos) {
    longestSilence.accumulateAndGet(nanos, Math::max);
  }

  /** The time is over; requests of it may still end. */
  void end() {
    use = Processors.read().since(start);
  }

  /** Adds its requests to others and keeps only what is told below. After that, nothing counts. */
  void fold(Latencies total) {
    Latencies all = latencies;
    total.add(all);
    count = all.count();
    p99Micros = all.micros(0.99);
    latencies = total;
  }

  long count() {
    return count;
  }

  double p99Micros() {
    return p99Micros;
  }

  /** The longest time without any answer. */
  double longestSilenceMillis() {
    return longestSilence.get() / 1e6;
  }

  Processors.Use use() {
    return use;
  }
}
