/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.accelerator.AcceleratorException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Threads that put load on a model, while the caller's thread looks on. */
final class Workers {
  private static final long TICK_MILLIS = 250;

  private final int threads;
  private final Runnable tick;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean stopped;

  /** What a thread does. */
  @FunctionalInterface
  interface Work {
    /**
     * Works until it is done or {@link #isStopped}.
     *
     * @param thread from 0 on
     */
    void run(int thread) throws AcceleratorException;
  }

  /**
   * Workers.
   *
   * @param tick is called by the caller's thread four times a second
   */
  Workers(int threads, Runnable tick) {
    this.threads = threads;
    this.tick = tick;
  }

  /** Whether the threads should end, because one failed or the caller was interrupted. */
  boolean isStopped() {
    return stopped;
  }

  /**
   * Starts the threads and returns when all have ended. An interrupt of the calling thread ends
   * them before they are done.
   *
   * @return whether they came to their end undisturbed; if not, the interrupt is consumed
   * @throws AcceleratorException of the first thread that failed
   */
  boolean run(Work work) throws AcceleratorException {
    CountDownLatch ended = new CountDownLatch(threads);
    for (int i = 0; i < threads; i++) {
      int thread = i;
      Thread worker =
          new Thread(
              () -> {
                try {
                  work.run(thread);
                } catch (AcceleratorException | RuntimeException | Error e) {
                  failure.compareAndSet(null, e);
                  stopped = true;
                } finally {
                  ended.countDown();
                }
              },
              "shoji-bench-" + i);
      worker.setDaemon(true);
      worker.start();
    }
    boolean interrupted = false;
    boolean done = false;
    while (!done) {
      try {
        done = ended.await(TICK_MILLIS, TimeUnit.MILLISECONDS);
        tick.run();
      } catch (InterruptedException e) {
        interrupted = true;
        stopped = true;
      }
    }
    Throwable failed = failure.get();
    if (failed instanceof AcceleratorException e) {
      throw e;
    }
    if (failed instanceof Error e) {
      throw e;
    }
    if (failed instanceof RuntimeException e) {
      throw e;
    }
    return !interrupted;
  }
}
