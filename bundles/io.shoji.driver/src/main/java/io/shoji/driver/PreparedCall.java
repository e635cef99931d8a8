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
import io.shoji.accelerator.LoadedModel;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A prepared call that keeps the caller's memory, as the driver looked it up once, until it is
 * closed.
 *
 * @param <T> that memory
 */
public final class PreparedCall<T> implements LoadedModel.Binding {
  /**
   * Runs the model.
   *
   * @param <T> as above
   */
  public interface Run<T> {
    /** Runs once on memory that fits. */
    void run(T memory, long deadlineNanos) throws AcceleratorException;
  }

  private final String name;
  private final Run<T> run;

  /** Held by a run, so that a close waits for it. */
  private final ReentrantLock lock = new ReentrantLock();

  private @Nullable T memory;

  /**
   * A call.
   *
   * @param name the model's, for messages
   */
  public PreparedCall(String name, T memory, Run<T> run) {
    this.name = name;
    this.memory = memory;
    this.run = run;
  }

  @Override
  public void run(long deadlineNanos) throws AcceleratorException {
    if (!lock.tryLock()) {
      throw new IllegalStateException(
          "a binding is for one thread at a time, and one runs on it or closes it " + name);
    }
    try {
      T own = memory;
      if (own == null) {
        throw new IllegalStateException("the binding is closed " + name);
      }
      run.run(own, deadlineNanos);
    } finally {
      lock.unlock();
    }
  }

  /** Also waits for a call that another thread runs on it. */
  @Override
  public void close() {
    lock.lock();
    try {
      memory = null;
    } finally {
      lock.unlock();
    }
  }
}
