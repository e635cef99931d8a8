/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.driver.DeadlineWatchdog;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call into a session at a time, which another thread can end: the state that the caller, the
 * {@link DeadlineWatchdog} and whoever closes the model agree by.
 *
 * <p>A caller goes from IDLE over ENTERING to RUNNING, and back to IDLE: three atomic writes are
 * all that a call costs which nobody ends. Who ends it goes from RUNNING to ENDING, and while it is
 * ENDING the caller cannot leave, so that the runtime's flag is never set for a later call.
 */
final class Call implements DeadlineWatchdog.Watched {
  private static final int IDLE = 0;
  private static final int ENTERING = 1;
  private static final int RUNNING = 2;
  private static final int ENDING = 3;
  private static final int ENDED_BY_DEADLINE = 4;
  private static final int ENDED_BY_DRIVER = 5;
  private static final int CLOSED = 6;

  private static final Logger LOG = LoggerFactory.getLogger(Call.class);
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

  private final OrtRunOptions options;
  private volatile int state;

  /** Written before RUNNING is; by {@link #DEADLINE} only. */
  @SuppressWarnings("unused")
  private long deadlineNanos;

  Call(OrtRunOptions options) {
    this.options = options;
  }

  /** Options of the native call. */
  OrtRunOptions options() {
    return options;
  }

  /**
   * Enters.
   *
   * @return false if it is closed
   * @throws IllegalStateException if another thread is in it
   */
  boolean begin(long deadline) {
    int found = (int) STATE.compareAndExchange(this, IDLE, ENTERING);
    if (found == IDLE) {
      DEADLINE.setOpaque(this, deadline);
      // Volatile, and before the watchdog's next wake is read: see there.
      state = RUNNING;
      return true;
    }
    if (found == CLOSED) {
      return false;
    }
    throw new IllegalStateException("a binding is for one thread at a time, and one runs on it");
  }

  /** Leaves, and says how the call came to its end; the next call starts afresh. */
  End end() {
    while (!STATE.compareAndSet(this, RUNNING, IDLE)) {
      int current = state;
      if (current == ENDED_BY_DEADLINE || current == ENDED_BY_DRIVER) {
        try {
          options.unsetTerminate();
        } catch (OrtException e) {
          LOG.warn("a call that was ended cannot be made ready for the next one", e);
        }
        state = IDLE;
        return current == ENDED_BY_DEADLINE ? End.DEADLINE : End.DRIVER;
      }
      // ENDING: the other thread is about to say what it did.
      Thread.onSpinWait();
    }
    return End.ITSELF;
  }

  /** Whether a call runs that nobody has ended. */
  @Override
  public boolean isRunning() {
    return state == RUNNING;
  }

  /** Deadline of the call that runs; of an earlier one if that has just changed. */
  @Override
  public long deadlineNanos() {
    return (long) DEADLINE.getOpaque(this);
  }

  /** Ends the running call if its deadline has passed at {@code now}. */
  @Override
  public void endIfPast(long now) {
    if (STATE.compareAndSet(this, RUNNING, ENDING)) {
      // Only now the deadline is that of the call which is being ended, and stays so.
      boolean past = deadlineNanos() - now <= 0;
      state = past && terminate() ? ENDED_BY_DEADLINE : RUNNING;
    }
  }

  /** Ends the running call, if there is one, because the driver stops. */
  void endByDriver() {
    if (STATE.compareAndSet(this, RUNNING, ENDING)) {
      state = terminate() ? ENDED_BY_DRIVER : RUNNING;
    }
  }

  /**
   * Closes it if no call runs.
   *
   * @return whether it is closed now
   */
  boolean tryClose() {
    return STATE.compareAndSet(this, IDLE, CLOSED) || state == CLOSED;
  }

  private boolean terminate() {
    try {
      options.setTerminate();
      return true;
    } catch (OrtException e) {
      LOG.warn("a running call cannot be ended; it runs to its end", e);
      return false;
    }
  }
}
