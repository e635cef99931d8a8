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
 * To sleep and be woken takes 5 to 20 us, in a virtual machine more, whether the processor idles or
 * another one has to interrupt it. So a thread looks, and after it looked in vain passes over the
 * next times, more and more of them.
 *
 * <p>While more than half of the processors have to do with runs, it gives way to whatever else can
 * run between two looks. Callers and the threads that serve them then take turns on a processor
 * without any of them sleeping. Where others keep a processor for long, which a thread that sleeps
 * would be given sooner than one that gives way, it looks hardly ever.
 *
 * <p>One per lane and side; one thread at a time.
 */
final class Lookout {
  /** How long both sides look; what takes longer is slept for, which costs little against it. */
  static final long LOOK_NANOS = 60_000;

  /** How long they look while they give way. */
  private static final long GIVING_WAY_NANOS = 200_000;

  /** A look that took longer met somebody who does not give way: a scheduler's slice is longer. */
  private static final long LONG_LOOK_NANOS = 2_000_000;

  /** How many short looks make up for a long one. */
  private static final int LONG_LOOK = 64;

  /** Long looks that may be chance. */
  private static final int MOST_LONG = 4 * LONG_LOOK;

  private static final int MOST_PASSED_OVER = 255;

  private final AtomicInteger busy;
  private final int mostBusy;
  private final long nanos;
  private int toPassOver;
  private int passedOver;

  /** Long looks that short ones have not made up for. */
  private int longLooks;

  /**
   * For one lane.
   *
   * @param busy threads of all lanes that run or look, the one that is to look among them
   * @param mostBusy how many of them there may be without giving way
   * @param nanos how long it looks then
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
    if (passedOver < toPassOver) {
      passedOver++;
      return;
    }
    passedOver = 0;
    if (busy.get() > mostBusy) {
      awaitGivingWay(there);
    } else {
      boolean found = there.getAsBoolean();
      long start = System.nanoTime();
      while (!found && System.nanoTime() - start <= nanos) {
        Thread.onSpinWait();
        found = there.getAsBoolean();
      }
      looked(found);
    }
  }

  // Who gives way only hopes for another thread; where none runs, it sleeps soon after.
  @SuppressWarnings("ThreadPriorityCheck")
  private void awaitGivingWay(BooleanSupplier there) {
    boolean found = there.getAsBoolean();
    long start = System.nanoTime();
    long spent = 0;
    while (!found && spent <= GIVING_WAY_NANOS) {
      Thread.yield();
      found = there.getAsBoolean();
      spent = System.nanoTime() - start;
    }
    looked(found);
    if (spent <= LONG_LOOK_NANOS) {
      longLooks = Math.max(0, longLooks - 1);
    } else if (longLooks + LONG_LOOK <= MOST_LONG) {
      longLooks += LONG_LOOK;
    } else {
      toPassOver = MOST_PASSED_OVER;
    }
  }

  private void looked(boolean found) {
    toPassOver = found ? 0 : Math.min(MOST_PASSED_OVER, 2 * toPassOver + 1);
  }
}
