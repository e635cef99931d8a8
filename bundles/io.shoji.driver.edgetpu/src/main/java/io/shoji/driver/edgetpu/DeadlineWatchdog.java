/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends calls at their deadlines: one thread for all models of the driver.
 *
 * <p>A call costs one read of {@link #nextWake}. Only if its deadline is earlier is the thread
 * woken, which then looks at all calls and sleeps until the earliest deadline it found. With calls
 * one after the other that have 100 ms each, it wakes every 100 ms; with none, never.
 *
 * <p>Nothing is missed: the thread puts {@code nextWake} far away before it looks, and a caller
 * shows that it runs before it reads {@code nextWake}; so either the thread sees the call, or the
 * caller sees that it must wake the thread.
 */
final class DeadlineWatchdog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeadlineWatchdog.class);

  /** 146 years: no deadline that {@code LoadedModel.noDeadline()} gives later is earlier. */
  private static final long NEVER = Long.MAX_VALUE >> 1;

  private static final long CLOSE_MILLIS = 2_000;
  private static final long AGAIN_NANOS = 2_000_000;
  private static final VarHandle NEXT_WAKE;

  static {
    try {
      NEXT_WAKE =
          MethodHandles.lookup().findVarHandle(DeadlineWatchdog.class, "nextWake", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Thread thread;
  private final Object lock = new Object();
  private volatile Call[] calls = {};
  private volatile long nextWake = System.nanoTime() + NEVER;
  private volatile boolean closed;

  DeadlineWatchdog() {
    thread = new Thread(this::watch, "shoji-tflite-deadlines");
    thread.setDaemon(true);
    // The thread holds on to nobody's class loader but that of its code.
    thread.setContextClassLoader(null);
    thread.start();
  }

  /** Watches a call from now on. */
  void add(Call call) {
    synchronized (lock) {
      Call[] more = Arrays.copyOf(calls, calls.length + 1);
      more[calls.length] = call;
      calls = more;
    }
  }

  /** Watches a call no more. */
  void remove(Call call) {
    synchronized (lock) {
      Call[] all = calls;
      for (int i = 0; i < all.length; i++) {
        if (all[i] == call) {
          Call[] fewer = new Call[all.length - 1];
          System.arraycopy(all, 0, fewer, 0, i);
          System.arraycopy(all, i + 1, fewer, i, fewer.length - i);
          calls = fewer;
          return;
        }
      }
    }
  }

  /** Sees to it that a call that runs now is ended at its deadline. */
  void expect(long deadlineNanos) {
    if (deadlineNanos - nextWake < 0) {
      wakeAt(deadlineNanos);
      LockSupport.unpark(thread);
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
    boolean interrupted = false;
    long giveUp = System.nanoTime() + CLOSE_MILLIS * 1_000_000;
    while (thread.isAlive() && giveUp - System.nanoTime() > 0) {
      try {
        thread.join(CLOSE_MILLIS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (thread.isAlive()) {
      LOG.warn("the thread does not end thread={} waitedMs={}", thread.getName(), CLOSE_MILLIS);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void wakeAt(long deadlineNanos) {
    long current = nextWake;
    while (deadlineNanos - current < 0) {
      long found = (long) NEXT_WAKE.compareAndExchange(this, current, deadlineNanos);
      if (found == current) {
        return;
      }
      current = found;
    }
  }

  private void watch() {
    while (!closed) {
      try {
        look();
        long sleep = nextWake - System.nanoTime();
        if (sleep > 0 && !closed) {
          LockSupport.parkNanos(this, sleep);
        }
      } catch (RuntimeException | Error e) {
        LOG.error("deadlines are watched on after a failure", e);
      }
    }
  }

  private void look() {
    long now = System.nanoTime();
    nextWake = now + NEVER;
    for (Call call : calls) {
      if (call.isRunning()) {
        long deadline = call.deadlineNanos();
        if (deadline - now <= 0) {
          // If it was the deadline of an earlier call, the present one began after nextWake was put
          // far away, and its caller has seen to it.
          call.endIfPast(now);
          // What ends late is told again: see Call.
          wakeAt(now + AGAIN_NANOS);
        } else {
          wakeAt(deadline);
        }
      }
    }
  }
}
