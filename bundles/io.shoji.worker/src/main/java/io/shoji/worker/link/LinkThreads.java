/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How the link starts and ends its threads. */
final class LinkThreads {
  private static final Logger LOG = LoggerFactory.getLogger(LinkThreads.class);

  private LinkThreads() {}

  /** Marks the calling thread as one that gives way, by which drivers know it. */
  @SuppressWarnings("ThreadPriorityCheck") // a mark, as ThreadNiceness has it, not a schedule
  static void giveWay() {
    Thread.currentThread().setPriority(Thread.MIN_PRIORITY);
  }

  /** Starts a daemon that holds on to nobody's class loader but that of its code. */
  @SuppressWarnings("ThreadPriorityCheck") // not that of a caller who gives way
  static Thread start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.setContextClassLoader(null);
    thread.setPriority(Thread.NORM_PRIORITY);
    thread.start();
    return thread;
  }

  /**
   * Waits for threads to end, but for the calling one.
   *
   * @param nanos for all of them together
   */
  static void join(List<Thread> threads, long nanos) {
    long giveUp = System.nanoTime() + nanos;
    boolean interrupted = false;
    for (Thread thread : threads) {
      long left = giveUp - System.nanoTime();
      while (thread != Thread.currentThread() && thread.isAlive() && left > 0) {
        try {
          thread.join(Math.max(1, left / 1_000_000));
        } catch (InterruptedException e) {
          interrupted = true;
        }
        left = giveUp - System.nanoTime();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Closes a channel whose end is no news. */
  static void closeQuietly(Closeable channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("a channel did not close in order", e);
    }
  }
}
