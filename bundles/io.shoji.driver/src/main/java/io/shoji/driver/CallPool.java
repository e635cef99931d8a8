/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * What each call of a model has one of while it runs: an interpreter, an infer request, a frame. As
 * many calls run at once as there are; whoever comes later waits for one until its deadline. Thread
 * safe.
 *
 * @param <T> what a call has
 */
public final class CallPool<T> {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final String name;
  private final List<T> all;
  private final Predicate<T> isDone;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /**
   * The last one that was used is used next: its memory is in the processor's caches. Guarded by
   * the lock.
   */
  private final ArrayDeque<T> idle;

  /** Left behind, and not done yet. Guarded by the lock. */
  private final List<T> strays = new ArrayList<>();

  private volatile boolean closed;
  private volatile boolean ending;

  /**
   * A pool of which each call gives back what it took.
   *
   * @param name the model's, for messages
   * @param all what there is; stays the caller's
   */
  public CallPool(String name, List<T> all) {
    this(name, all, stray -> false);
  }

  /**
   * A pool of which a call may also {@link #abandon} what it took.
   *
   * @param isDone whether what was left behind may be taken again; one thread asks at a time
   */
  public CallPool(String name, List<T> all, Predicate<T> isDone) {
    this.name = name;
    this.all = List.copyOf(all);
    this.isDone = isDone;
    this.idle = new ArrayDeque<>(all);
  }

  /** All there are, whoever has them. */
  public List<T> all() {
    return all;
  }

  /** Takes strays back that are done. Under the lock, so that one thread asks. */
  private void gather() {
    for (Iterator<T> each = strays.iterator(); each.hasNext(); ) {
      T stray = each.next();
      if (isDone.test(stray)) {
        each.remove();
        idle.push(stray);
      }
    }
  }

  /**
   * Takes one, waiting for it until the deadline whatever happens to the thread.
   *
   * @param deadlineNanos value of {@link System#nanoTime}
   * @throws AcceleratorException TIMEOUT if none was free at the deadline, DEVICE_LOST after {@link
   *     #end}
   * @throws IllegalStateException after {@link #close}
   */
  public T take(long deadlineNanos) throws AcceleratorException {
    boolean interrupted = false;
    lock.lock();
    try {
      while (true) {
        checkOpen();
        if (idle.isEmpty()) {
          gather();
        }
        T one = idle.poll();
        if (one != null) {
          return one;
        }
        checkDeadline(deadlineNanos);
        long left = deadlineNanos - System.nanoTime();
        try {
          changed.awaitNanos(
              Math.min(left, strays.isEmpty() ? TimeUnit.HOURS.toNanos(1) : LOOK_NANOS));
        } catch (InterruptedException e) {
          // A call lasts until its result or its deadline; whoever interrupted it finds the flag.
          interrupted = true;
        }
      }
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Gives one back on which nothing runs. */
  public void give(T one) {
    lock.lock();
    try {
      idle.push(one);
      if (closed) {
        changed.signalAll();
      } else {
        // All who wait, wait for one.
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Leaves one behind on which something still runs. */
  public void abandon(T one) {
    lock.lock();
    try {
      strays.add(one);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether {@link #end} was called. */
  public boolean isEnding() {
    return ending;
  }

  /** Gives none away any more, because the driver stops or its device is gone. */
  public void end() {
    lock.lock();
    try {
      ending = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives none away any more, and waits until all are back, whatever happens to the thread.
   * Idempotent.
   *
   * @param nudge has what runs come back; called again and again, under the pool's lock
   */
  public void close(Runnable nudge) {
    boolean interrupted = false;
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
      gather();
      while (idle.size() < all.size()) {
        nudge.run();
        try {
          changed.awaitNanos(LOOK_NANOS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
        gather();
      }
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Checks that calls may begin.
   *
   * @throws AcceleratorException DEVICE_LOST after {@link #end}
   * @throws IllegalStateException after {@link #close}
   */
  public void checkOpen() throws AcceleratorException {
    if (ending) {
      throw driverStopped();
    }
    if (closed) {
      throw new IllegalStateException("the model is closed " + name);
    }
  }

  /**
   * Checks that there is time left.
   *
   * @param deadlineNanos value of {@link System#nanoTime}
   * @throws AcceleratorException TIMEOUT
   */
  public void checkDeadline(long deadlineNanos) throws AcceleratorException {
    if (System.nanoTime() - deadlineNanos >= 0) {
      throw timeout(deadlineNanos);
    }
  }

  /** What a call ends with whose deadline has passed. */
  public AcceleratorException timeout(long deadlineNanos) {
    return new AcceleratorException(
        Code.TIMEOUT,
        "the deadline passed lateMicros="
            + TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - deadlineNanos)
            + " "
            + name);
  }

  /** What a call ends with after {@link #end}. */
  public AcceleratorException driverStopped() {
    return new AcceleratorException(
        Code.DEVICE_LOST,
        "the device is gone or the driver stops; close the model and load it elsewhere " + name);
  }
}
