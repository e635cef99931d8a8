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

import io.shoji.inference.ModelRef;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A request that waits, for a generation or for a free accelerator. Its outcome is set exactly
 * once, by compare and set: whoever does that decides how the request goes on.
 */
final class Waiter {
  /** Outcome of a waiter without a target: it may use the device. */
  static final Object PERMIT = new Object();

  private static final VarHandle OUTCOME;

  static {
    try {
      OUTCOME = MethodHandles.lookup().findVarHandle(Waiter.class, "outcome", Object.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  final ModelRef ref;
  final long startNanos;
  final long deadlineNanos;

  /** Wants a generation only, not a free accelerator. */
  final boolean readyOnly;

  /** The asynchronous request that waits; without one it is a thread. */
  final @Nullable AsyncRequest async;

  private final Thread thread;

  /** Where it waits; without one it waits for a generation. Guarded by the family. */
  @Nullable Gate gate;

  /** Whose accelerator it waits for. Guarded by the gate. */
  @Nullable Generation target;

  /** A generation may try it that does not answer yet. */
  boolean mayTry;

  /** The generation that is to try it before the one that answers. Guarded by the family. */
  volatile @Nullable Generation tried;

  /** Ends an asynchronous request at its deadline. */
  volatile @Nullable Future<?> expiry;

  private volatile @Nullable Model charged;
  private volatile @Nullable Object outcome;

  Waiter(
      ModelRef ref,
      long startNanos,
      long deadlineNanos,
      boolean readyOnly,
      @Nullable AsyncRequest async) {
    this.ref = ref;
    this.startNanos = startNanos;
    this.deadlineNanos = deadlineNanos;
    this.readyOnly = readyOnly;
    this.async = async;
    this.thread = Thread.currentThread();
  }

  /** A {@link Generation} to run on, an {@link Ending}, {@link #PERMIT}, or null while it waits. */
  @Nullable Object outcome() {
    return outcome;
  }

  /**
   * Sets the outcome and frees its place in the queue's count.
   *
   * @return whether it was this call that set it
   */
  boolean settle(Object value) {
    if (!OUTCOME.compareAndSet(this, null, value)) {
      return false;
    }
    Model model = charged;
    if (model != null) {
      model.waiting.decrementAndGet();
    }
    return true;
  }

  /**
   * Takes a place in a model's queue, unless it has one. Called under the family's lock.
   *
   * @return false if the queue is full
   */
  boolean charge(Model model, int maxQueue) {
    if (charged != null) {
      return true;
    }
    if (model.waiting.get() >= maxQueue) {
      return false;
    }
    model.waiting.incrementAndGet();
    charged = model;
    return true;
  }

  /** Takes back what would end it at its deadline. */
  void cancelExpiry() {
    Future<?> pending = expiry;
    if (pending != null) {
      pending.cancel(false);
      expiry = null;
    }
  }

  /** Wakes the thread that waits. */
  void wake() {
    LockSupport.unpark(thread);
  }
}
