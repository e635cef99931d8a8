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

import io.shoji.accelerator.AcceleratorException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that share the runs of one query: the leader says when a query begins and waits until all
 * have done their part. Allocates nothing per query. Waiting threads look a moment before they
 * sleep, as a sleeping one takes tens of microseconds to wake.
 */
final class Team {
  private static final int LOOKS = 1000;
  private static final long OVER = -1;

  private final Inference[] members;
  private final int runsPerQuery;
  private final int[] order;
  private final AtomicInteger busy = new AtomicInteger();
  private final AtomicReferenceArray<@Nullable Thread> threads;
  private volatile long query;
  private volatile @Nullable Thread leader;

  /**
   * A team.
   *
   * @param members an inference for each thread
   * @param order a power of two of sample indices
   */
  Team(Inference[] members, int runsPerQuery, int[] order) {
    this.members = members;
    this.runsPerQuery = runsPerQuery;
    this.order = order;
    this.threads = new AtomicReferenceArray<>(members.length);
  }

  /**
   * Does member {@code which}'s part of every query until it is {@link #over}; not of the first.
   */
  void follow(int which, Workers workers) throws AcceleratorException {
    // Before it looks for a query, so that whoever tells of one sees either this or is seen.
    threads.set(which, Thread.currentThread());
    long last = 0;
    while (true) {
      int looks = 0;
      while (query == last) {
        if (++looks < LOOKS) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
        if (workers.isStopped()) {
          return;
        }
      }
      last = query;
      if (last == OVER) {
        return;
      }
      try {
        part(which, last);
      } finally {
        if (busy.decrementAndGet() == 0) {
          LockSupport.unpark(leader);
        }
      }
    }
  }

  /**
   * Has a query run by all, and returns when the last is done. Of the first member's thread.
   *
   * @param number another one than that of the query before, above 0
   */
  void lead(long number, Workers workers) throws AcceleratorException {
    leader = Thread.currentThread();
    busy.set(members.length - 1);
    tell(number);
    part(0, number);
    int looks = 0;
    while (busy.get() > 0 && !workers.isStopped()) {
      if (++looks < LOOKS) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(this, 1_000_000);
      }
    }
  }

  /** Lets the members go. */
  void over() {
    tell(OVER);
  }

  private void tell(long number) {
    query = number;
    for (int i = 1; i < threads.length(); i++) {
      LockSupport.unpark(threads.get(i));
    }
  }

  private void part(int which, long number) throws AcceleratorException {
    int first = (int) number * runsPerQuery;
    for (int i = which; i < runsPerQuery; i += members.length) {
      members[which].run(order[first + i & order.length - 1]);
    }
  }
}
