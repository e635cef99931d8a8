/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalLong;

/**
 * When a worker that died is started again: at once the first time, then after pauses that double,
 * and no more once it has died too often within an hour. Not thread safe.
 */
final class CrashBudget {
  private static final long HOUR_NANOS = 3600L * 1_000_000_000;

  /** Who lives for so long may be started again at once. */
  private static final long STEADY_MS = 60_000;

  private static final long FIRST_PAUSE_MS = 100;

  private final Deque<Long> deaths = new ArrayDeque<>();
  private int inRow;

  /**
   * It died.
   *
   * @param nowNanos of {@link System#nanoTime}
   * @param upMs how long it had lived
   * @param mostPerHour deaths within an hour after which it is given up if there are more
   * @param longestPauseMs pauses double up to this one
   * @return milliseconds to wait before it is started again; empty if it is given up
   */
  OptionalLong died(long nowNanos, long upMs, int mostPerHour, long longestPauseMs) {
    deaths.addLast(nowNanos);
    while (nowNanos - deaths.getFirst() > HOUR_NANOS) {
      deaths.removeFirst();
    }
    if (deaths.size() > mostPerHour) {
      return OptionalLong.empty();
    }
    inRow = upMs >= STEADY_MS ? 1 : inRow + 1;
    if (inRow == 1) {
      return OptionalLong.of(0);
    }
    return OptionalLong.of(Math.min(longestPauseMs, FIRST_PAUSE_MS << Math.min(20, inRow - 2)));
  }

  /** Deaths within the last hour that count. */
  int count() {
    return deaths.size();
  }

  /** Begins anew. */
  void clear() {
    deaths.clear();
    inRow = 0;
  }
}
