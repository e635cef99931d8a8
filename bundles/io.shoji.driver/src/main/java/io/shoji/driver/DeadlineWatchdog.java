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

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends native calls at their deadlines: one thread for all models of a driver. Thread safe.
 *
 * <p>A call costs one read of {@link #nextWake}. Only if its deadline is earlier is the thread
 * woken, which then looks at all calls and sleeps until the earliest deadline it found. With calls
 * one after the other that have 100 ms each, it wakes every 100 ms; with none, never.
 *
 * <p>Nothing is missed: the thread puts {@code nextWake} far away before it looks, and a caller
 * shows that it runs before it reads {@code nextWake}; so either the thread sees the call, or the
 * caller sees that it must wake the thread.
 */
public final class DeadlineWatchdog implements AutoCloseable {
  /**
   * A call that can be ended from outside. Whoever makes it shows that it runs by a volatile write
   * before {@link DeadlineWatchdog#expect}; its methods are called by the watchdog's thread.
   */
  public interface Watched {
    /** Whether a call runs that is to be ended at its deadline. */
    boolean isRunning();

    /** Deadline of the call that runs; of an earlier one if that has just changed. */
    long deadlineNanos();

    /** Ends the running call if its deadline has passed at {@code now}. */
    void endIfPast(long now);
  }

  private static final Logger LOG = LoggerFactory.getLogger(DeadlineWatchdog.class);

  /** 146 years: no deadline that {@code LoadedModel.noDeadline()} gives later is earlier. */
  private static final long NEVER = Long.MAX_VALUE >> 1;

  private static final long CLOSE_MILLIS = 2_000;
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
  private final long againNanos;
  private final Object lock = new Object();
  private volatile Watched[] calls = {};
  private volatile long nextWake = System.nanoTime() + NEVER;
  private volatile boolean closed;

  /**
   * Starts the thread.
   *
   * @param threadName its name
   * @param againNanos pause after which a call that has not ended yet is told again, for runtimes
   *     that notice only between two operators or forget what they were told; 0 for once
   */
  public DeadlineWatchdog(String threadName, long againNanos) {
    this.againNanos = againNanos;
    thread = new Thread(this::watch, threadName);
    thread.setDaemon(true);
    // The thread holds on to nobody's class loader but that of its code.
    thread.setContextClassLoader(null);
    thread.start();
  }

  /** Watches a call from now on. */
  public void add(Watched call) {
    synchronized (lock) {
      Watched[] more = Arrays.copyOf(calls, calls.length + 1);
      more[calls.length] = call;
      calls = more;
    }
  }

  /** Watches a call no more. */
  public void remove(Watched call) {
    synchronized (lock) {
      Watched[] all = calls;
      for (int i = 0; i < all.length; i++) {
        if (all[i] == call) {
          Watched[] fewer = new Watched[all.length - 1];
          System.arraycopy(all, 0, fewer, 0, i);
          System.arraycopy(all, i + 1, fewer, i, fewer.length - i);
          calls = fewer;
          return;
        }
      }
    }
  }

  /** Sees to it that a call that runs now is ended at its deadline. */
  public void expect(long deadlineNanos) {
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
    for (Watched call : calls) {
      if (call.isRunning()) {
        long deadline = call.deadlineNanos();
        if (deadline - now <= 0) {
          // If it was the deadline of an earlier call, the present one began after nextWake was put
          // far away, and its caller has seen to it.
          call.endIfPast(now);
          if (againNanos > 0) {
            wakeAt(now + againNanos);
          }
        } else {
          wakeAt(deadline);
        }
      }
    }
  }
}
