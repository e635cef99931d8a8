/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Looks at shared memory for a moment before a thread sleeps until the other process has written.
 * To sleep and be woken on a processor that idles takes 5 to 20 us, in a virtual machine more,
 * while a processor that has something else to do loses what is spent on looking. So a thread looks
 * only as long as no more than half of the processors have to do with runs, and after it looked in
 * vain passes over the next times, more and more of them. One per lane and side; one thread at a
 * time.
 */
final class Lookout {
  /** How long both sides look; what takes longer is slept for, which costs little against it. */
  static final long LOOK_NANOS = 60_000;

  private static final int MOST_PASSED_OVER = 255;

  private final AtomicInteger busy;
  private final int mostBusy;
  private final long nanos;
  private int toPassOver;
  private int passedOver;

  /**
   * For one lane.
   *
   * @param busy threads of all lanes that run or look, the one that is to look among them
   * @param mostBusy how many of them there may be
   * @param nanos how long it looks
   */
  Lookout(AtomicInteger busy, int mostBusy, long nanos) {
    this.busy = busy;
    this.mostBusy = mostBusy;
    this.nanos = nanos;
  }

  /** Half of the processors. */
  static int halfOfProcessors() {
    return Runtime.getRuntime().availableProcessors() / 2;
  }

  /** Returns when it is there, or when it is better to sleep. */
  void await(BooleanSupplier there) {
    if (busy.get() > mostBusy) {
      return;
    }
    if (passedOver < toPassOver) {
      passedOver++;
      return;
    }
    passedOver = 0;
    long start = System.nanoTime();
    while (!there.getAsBoolean()) {
      if (System.nanoTime() - start > nanos) {
        toPassOver = Math.min(MOST_PASSED_OVER, 2 * toPassOver + 1);
        return;
      }
      Thread.onSpinWait();
    }
    toPassOver = 0;
  }
}
