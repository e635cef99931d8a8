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

import java.util.Arrays;

/**
 * The latest run times of a generation. Written by many threads without a lock: now and then one is
 * lost, which a median forgives.
 */
final class RunTimes {
  private static final int KEPT = 128;

  private final long[] nanos = new long[KEPT];
  private int count;

  /** Takes one. */
  void add(long runNanos) {
    int at = count;
    nanos[at & (KEPT - 1)] = runNanos;
    count = (at + 1) & Integer.MAX_VALUE;
  }

  /** About how many there were. */
  int count() {
    return count;
  }

  /** Median of the latest 128; 0 if there was none. */
  long median() {
    long[] sorted = Arrays.copyOf(nanos, Math.min(count, KEPT));
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
  }
}
