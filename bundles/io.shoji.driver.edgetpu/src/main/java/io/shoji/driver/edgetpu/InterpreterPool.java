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

import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The interpreters of a model, each of which one call at a time has. Thread safe. */
final class InterpreterPool {
  private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private final List<TfLiteInterpreter> interpreters;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** The last one that was used is used next: its memory is in the processor's caches. */
  private final ArrayDeque<TfLiteInterpreter> idle;

  private boolean closed;
  private volatile boolean ending;

  InterpreterPool(List<TfLiteInterpreter> interpreters) {
    this.interpreters = List.copyOf(interpreters);
    this.idle = new ArrayDeque<>(interpreters);
  }

  /** All of them. */
  List<TfLiteInterpreter> interpreters() {
    return interpreters;
  }

  /** Takes one, waiting for it until the deadline; null if there is none then, or it is closed. */
  @Nullable TfLiteInterpreter take(long deadlineNanos) {
    boolean interrupted = false;
    lock.lock();
    try {
      while (!closed && !ending) {
        TfLiteInterpreter interpreter = idle.poll();
        if (interpreter != null) {
          return interpreter;
        }
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0) {
          return null;
        }
        try {
          changed.awaitNanos(left);
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

  /** Gives one back. */
  void give(TfLiteInterpreter interpreter) {
    lock.lock();
    try {
      idle.push(interpreter);
      changed.signal();
      if (closed || ending) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether the driver stops. */
  boolean isEnding() {
    return ending;
  }

  /** Whether none is given away any more. */
  boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the calls that run, and gives none away any more, because the driver stops. */
  void end() {
    lock.lock();
    try {
      ending = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    interpreters.forEach(interpreter -> interpreter.call().endByDriver());
  }

  /** Gives none away any more, and waits until all are back. */
  void close() {
    boolean interrupted = false;
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
      while (idle.size() < interpreters.size()) {
        if (ending) {
          // The runtime heeds this between two operators, and once it has begun: see Call.
          interpreters.forEach(interpreter -> interpreter.call().endByDriver());
        }
        try {
          changed.awaitNanos(AGAIN_NANOS);
        } catch (InterruptedException e) {
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
}
