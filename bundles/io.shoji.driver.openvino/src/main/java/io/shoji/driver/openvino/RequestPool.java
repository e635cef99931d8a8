/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The infer requests of one model, each with one thread at a time. As many calls run at once as
 * there are requests; whoever comes later waits for one until its deadline. A caller whose deadline
 * passes leaves its request behind, which is taken again when the device has done with it.
 */
final class RequestPool {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final List<OvRequest> all;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private final ArrayDeque<OvRequest> idle;
  private final List<OvRequest> strays = new ArrayList<>();

  private volatile boolean closed;
  private volatile boolean ending;

  /** Takes the requests over. */
  RequestPool(List<OvRequest> all) {
    this.all = List.copyOf(all);
    this.idle = new ArrayDeque<>(all);
  }

  /** Takes strays back that are done. Under the lock, so that one thread asks. */
  private void gather() {
    for (Iterator<OvRequest> each = strays.iterator(); each.hasNext(); ) {
      OvRequest stray = each.next();
      if (stray.isDone()) {
        each.remove();
        idle.push(stray);
      }
    }
  }

  /**
   * Takes a request, waiting for it until the deadline; null if there is none then, or it is
   * closed.
   */
  @Nullable OvRequest take(long deadlineNanos) {
    boolean interrupted = false;
    lock.lock();
    try {
      while (!closed && !ending) {
        if (idle.isEmpty()) {
          gather();
        }
        OvRequest request = idle.poll();
        if (request != null) {
          return request;
        }
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0) {
          return null;
        }
        try {
          changed.awaitNanos(
              Math.min(left, strays.isEmpty() ? TimeUnit.HOURS.toNanos(1) : LOOK_NANOS));
        } catch (InterruptedException e) {
          // A call lasts until its result or its deadline; whoever interrupted it finds the flag.
          interrupted = true;
        }
      }
      return null;
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Gives a request back on which nothing runs. */
  void give(OvRequest request) {
    lock.lock();
    try {
      idle.push(request);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Leaves a request behind that still runs. */
  void abandon(OvRequest request) {
    lock.lock();
    try {
      strays.add(request);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the driver stops. */
  boolean isEnding() {
    return ending;
  }

  /** Whether no request is given away any more. */
  boolean isClosed() {
    return closed;
  }

  /** Gives no request away any more, because the driver stops. */
  void end() {
    lock.lock();
    try {
      ending = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Gives no request away any more, waits until all are done, and frees them. */
  void close() {
    boolean interrupted = false;
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
      while (idle.size() < all.size()) {
        gather();
        if (idle.size() < all.size()) {
          try {
            changed.awaitNanos(LOOK_NANOS);
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
      }
    } finally {
      lock.unlock();
    }
    all.forEach(OvRequest::close);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
