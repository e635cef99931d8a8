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

import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread on which a driver opens, looks and registers: one thing at a time, in order. What a
 * task throws is logged, and the next one runs. Thread safe.
 */
public final class DriverThread {
  private static final Logger LOG = LoggerFactory.getLogger(DriverThread.class);
  private static final long STOP_SECONDS = 10;

  private final String driver;

  /**
   * Not of {@code Executors}: what that gives may have a finalizer, which would keep a driver's
   * classes over the first collection of the heap.
   */
  private final ScheduledExecutorService executor;

  /**
   * A thread with a stack of the usual size.
   *
   * @param name the thread's
   * @param driver as people call it, for the log
   */
  public DriverThread(String name, String driver) {
    this(name, driver, 0);
  }

  /**
   * A thread.
   *
   * @param stackBytes size of its stack; 0 for the usual one
   */
  public DriverThread(String name, String driver, long stackBytes) {
    this.driver = driver;
    this.executor = new ScheduledThreadPoolExecutor(1, factory(name, stackBytes));
  }

  /** Makes daemon threads that hold on to nobody's class loader but that of their code. */
  static ThreadFactory factory(String name, long stackBytes) {
    return task -> {
      Thread thread = new Thread(null, task, name, stackBytes);
      thread.setDaemon(true);
      thread.setContextClassLoader(null);
      return thread;
    };
  }

  /** Runs a task behind those that wait; not at all once the driver stops. */
  public void run(Runnable task) {
    runIn(0, task);
  }

  /** Runs a task after a pause; not at all once the driver stops. */
  public void runIn(long delayMs, Runnable task) {
    try {
      Future<?> unused = executor.schedule(() -> logged(task), delayMs, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("the {} stops, and does nothing more", driver, e);
    }
  }

  private void logged(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | LinkageError e) {
      // Without this the executor would swallow it.
      LOG.error("the {} cannot go on with what it does for its devices", driver, e);
    }
  }

  /**
   * Runs a last task behind those that wait for no time, and ends. If that takes more than 10 s, it
   * goes on in the background.
   *
   * @param close gives everything back, the library last
   * @param runtime the library as people call it, for the log
   */
  public void stop(Runnable close, String runtime) {
    last(close);
    try {
      if (!executor.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn(
            "a call into {} does not come back; its library is closed when it does waitedSeconds={}",
            runtime,
            STOP_SECONDS);
      }
    } catch (InterruptedException e) {
      LOG.warn("interrupted while {} is closed; that goes on in the background", runtime);
      Thread.currentThread().interrupt();
    }
  }

  /** The same, however long it takes; an interruption is handed on. */
  public void stopAndWait(Runnable close) {
    last(close);
    boolean interrupted = false;
    boolean done = false;
    while (!done) {
      try {
        done = executor.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void last(Runnable close) {
    executor.execute(
        () -> {
          try {
            logged(close);
          } finally {
            // What waits for its time, as the next look does, is not waited for.
            executor.shutdownNow();
          }
        });
    executor.shutdown();
  }
}
