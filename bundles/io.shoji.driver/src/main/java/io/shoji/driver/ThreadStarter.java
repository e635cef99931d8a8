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

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Starts threads whose children serve. A thread inherits its priority in the operating system from
 * the one that starts it, and a model may be loaded on a thread of very low priority ({@code
 * ThreadNiceness}): threads of a runtime that are made there would be slow for ever. So they are
 * started by a thread that was there before. Thread safe.
 */
public final class ThreadStarter implements AutoCloseable {
  private static final long CLOSE_MILLIS = 2_000;

  private final ThreadPoolExecutor starter;

  /**
   * Starts the thread that starts others. Call it on a thread of ordinary priority, as where a
   * driver opens its device.
   *
   * @param name its name
   */
  public ThreadStarter(String name) {
    this.starter =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              // The thread holds on to nobody's class loader but that of its code.
              thread.setContextClassLoader(null);
              return thread;
            });
    starter.prestartCoreThread();
  }

  /** Whether threads that the calling thread starts would have a low priority. */
  public static boolean isNeeded() {
    return Thread.currentThread().getPriority() < Thread.NORM_PRIORITY;
  }

  /**
   * Starts a thread, which has an ordinary priority then.
   *
   * @throws java.util.concurrent.RejectedExecutionException after {@link #close}
   */
  // An ordinary priority is what Java gives by itself; here its creator's would be inherited.
  @SuppressWarnings("ThreadPriorityCheck")
  public void start(Thread thread) {
    thread.setPriority(Thread.NORM_PRIORITY);
    starter.execute(thread::start);
  }

  /**
   * Does something on a thread of ordinary priority, and waits until it is over; an interruption is
   * handed on.
   *
   * @throws ExecutionException with what the task threw
   */
  public <T> T call(String name, FutureTask<T> task) throws ExecutionException {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.setContextClassLoader(null);
    start(thread);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
          thread.interrupt();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Ends the thread; those that it started are none of its business. */
  @Override
  public void close() {
    starter.shutdown();
    try {
      starter.awaitTermination(CLOSE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
