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

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where copies of requests run on another generation, off the serving path: one thread, few at
 * once. What comes while they wait is left out.
 */
final class Shadow {
  private static final Logger LOG = LoggerFactory.getLogger(Shadow.class);
  private static final int MOST_WAITING = 8;
  private static final int IDLE_SECONDS = 30;

  private final ThreadPoolExecutor worker =
      new ThreadPoolExecutor(
          1,
          1,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(MOST_WAITING),
          new Threads("shadow"));

  Shadow() {
    worker.allowCoreThreadTimeOut(true);
  }

  /** Whether more would be taken now, so that a copy is worth its time. */
  boolean hasRoom() {
    return worker.getQueue().remainingCapacity() > 0;
  }

  /** Does some work soon, unless there is too much of it. */
  void offer(Runnable work) {
    try {
      worker.execute(work);
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      LOG.debug("a comparison is left out", e);
    }
  }

  /** Ends; what runs is interrupted. */
  void stop() {
    worker.shutdownNow();
  }

  /** The thread, to wait for its end. */
  ThreadPoolExecutor worker() {
    return worker;
  }
}
