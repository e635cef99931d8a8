/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What the guard sees of a driver's calls: that one runs, and until when it is to be back. One
 * thread at a time {@link #begin}s and {@link #end}s a call, the guard's looks; neither takes a
 * lock or makes an object, so that a prepared call is watched for next to nothing.
 */
final class InFlight {
  /** What a call that hangs is part of. */
  @FunctionalInterface
  interface Hung {
    /** Says so, once for each call. */
    void hangs(String reason);
  }

  private static final long IDLE = Long.MIN_VALUE;
  private static final long HUNG = Long.MIN_VALUE + 1;
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(InFlight.class, "state", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  final Device device;
  final String what;
  final Hung hung;

  /** Gives the place on the device back. */
  final Runnable leave;

  /** {@link #IDLE}, {@link #HUNG}, or the deadline of the call that runs. */
  private volatile long state = IDLE;

  /** Deadline of the call that hangs. */
  private volatile long missed;

  /**
   * Calls of a device.
   *
   * @param what the call's name in messages
   * @param leave gives the place on the device back, once for each call
   */
  InFlight(Device device, String what, Hung hung, Runnable leave) {
    this.leave = leave;
    this.device = device;
    this.what = what;
    this.hung = hung;
  }

  /** A call begins. The guard looks now and then, so that nothing waits for this to be seen. */
  void begin(long deadlineNanos) {
    STATE.setRelease(this, Math.max(deadlineNanos, HUNG + 1));
  }

  /** The call is back; whether it was taken to hang. */
  boolean end() {
    return (long) STATE.getAndSet(this, IDLE) == HUNG;
  }

  /** Takes the call to hang if its deadline passed so long ago; whether that is news. */
  boolean hangsAt(long nowNanos, long graceNanos) {
    long deadline = state;
    if (deadline == IDLE || deadline == HUNG || nowNanos - deadline < graceNanos) {
      return false;
    }
    return hang(deadline);
  }

  /** Takes the call to hang whatever its deadline is; whether one runs and that is news. */
  boolean hangs() {
    long deadline = state;
    return deadline != IDLE && deadline != HUNG && hang(deadline);
  }

  private boolean hang(long deadline) {
    missed = deadline;
    // Another call has another deadline: one whose deadline has passed does not begin.
    return STATE.compareAndSet(this, deadline, HUNG);
  }

  /** Whether a call hangs now. */
  boolean isHung() {
    return state == HUNG;
  }

  /** How late the call is that hangs, or hung last. */
  long lateMs() {
    return (System.nanoTime() - missed) / 1_000_000;
  }
}
