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

import io.shoji.driver.DeadlineWatchdog;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One invocation of an interpreter at a time, which another thread can end: the state that the
 * caller, the {@link DeadlineWatchdog} and whoever stops the driver agree by.
 *
 * <p>A caller goes from IDLE to RUNNING and back: two atomic writes are all that a call costs which
 * nobody ends. Who ends it goes from RUNNING to ENDING, and while it is ENDING the caller cannot
 * leave, so that a cancellation never reaches a later call. The runtime forgets one that comes
 * before its invocation has begun, and an operator runs to its end in any case: so whoever ends a
 * call says so again until it is over.
 */
final class Call implements DeadlineWatchdog.Watched {
  private static final int IDLE = 0;
  private static final int RUNNING = 1;
  private static final int ENDING = 2;
  private static final int ENDED_BY_DEADLINE = 3;
  private static final int ENDED_BY_DRIVER = 4;

  private static final VarHandle STATE;
  private static final VarHandle DEADLINE;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      STATE = lookup.findVarHandle(Call.class, "state", int.class);
      DEADLINE = lookup.findVarHandle(Call.class, "deadlineNanos", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** How a call came to its end. */
  enum End {
    /** By itself. */
    ITSELF,
    /** Because its deadline passed. */
    DEADLINE,
    /** Because the driver stops. */
    DRIVER
  }

  private final Runnable cancel;
  private volatile int state;

  /** Written before RUNNING is; by {@link #DEADLINE} only. */
  @SuppressWarnings("unused")
  private long deadlineNanos;

  /**
   * @param cancel asks the runtime to end the invocation that runs
   */
  Call(Runnable cancel) {
    this.cancel = cancel;
  }

  /** Enters; by the one thread that has the interpreter. */
  void begin(long deadline) {
    DEADLINE.setOpaque(this, deadline);
    // Volatile, and before the watchdog's next wake is read: see there.
    state = RUNNING;
  }

  /** Leaves, and says how the call came to its end. */
  End end() {
    while (true) {
      int current = state;
      if (current == ENDING) {
        // The other thread is about to say what it did.
        Thread.onSpinWait();
      } else if (STATE.compareAndSet(this, current, IDLE)) {
        return switch (current) {
          case ENDED_BY_DEADLINE -> End.DEADLINE;
          case ENDED_BY_DRIVER -> End.DRIVER;
          default -> End.ITSELF;
        };
      }
    }
  }

  /** Whether a call runs, ended or not. */
  @Override
  public boolean isRunning() {
    return state != IDLE;
  }

  /** Deadline of the call that runs; of an earlier one if that has just changed. */
  @Override
  public long deadlineNanos() {
    return (long) DEADLINE.getOpaque(this);
  }

  /** Ends the running call, once more if need be, if its deadline has passed at {@code now}. */
  @Override
  public void endIfPast(long now) {
    int current = state;
    if (current != IDLE && current != ENDING && STATE.compareAndSet(this, current, ENDING)) {
      int next = current;
      // Only now the deadline is that of the call which is being ended, and stays so.
      if (deadlineNanos() - now <= 0) {
        cancel.run();
        next = current == RUNNING ? ENDED_BY_DEADLINE : current;
      }
      state = next;
    }
  }

  /** Ends the running call, once more if need be, because the driver stops. */
  void endByDriver() {
    int current = state;
    if (current != IDLE && current != ENDING && STATE.compareAndSet(this, current, ENDING)) {
      cancel.run();
      state = current == RUNNING ? ENDED_BY_DRIVER : current;
    }
  }
}
