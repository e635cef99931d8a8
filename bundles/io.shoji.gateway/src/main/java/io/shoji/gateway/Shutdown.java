/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import io.shoji.gateway.GatewayException.Exit;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Ends the process in order when it is told to end: the main thread is asked to stop, and the exit
 * code is the one it comes to, not that of the signal. Bounded: what does not stop is left.
 */
final class Shutdown {
  private final CountDownLatch requested = new CountDownLatch(1);
  private final CountDownLatch finished = new CountDownLatch(1);
  private final long seconds;
  private @Nullable Thread interruptible;
  private volatile Exit exit = Exit.NOT_STARTED;

  /**
   * Starts to listen.
   *
   * @param seconds how long the main thread may take to stop
   */
  Shutdown(long seconds) {
    this.seconds = seconds;
    Runtime.getRuntime().addShutdownHook(new Thread(this::hook, "shutdown"));
  }

  private void hook() {
    if (finished.getCount() == 0) {
      return;
    }
    request();
    boolean inTime = false;
    try {
      inTime = finished.await(seconds, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      System.err.println("shoji-gateway: interrupted while it stopped");
    }
    if (!inTime) {
      System.err.println("shoji-gateway: ended without waiting any longer seconds=" + seconds);
    }
    // A signal's exit code would say that it failed.
    Runtime.getRuntime().halt(inTime ? exit.code() : Exit.FAILED.code());
  }

  /** Asks the main thread to stop. */
  void request() {
    requested.countDown();
    synchronized (this) {
      if (interruptible != null) {
        interruptible.interrupt();
      }
    }
  }

  boolean isRequested() {
    return requested.getCount() == 0;
  }

  /** Waits until the process is to end, or a time has passed. */
  boolean await(long time, TimeUnit unit) throws InterruptedException {
    return requested.await(time, unit);
  }

  /** Waits until the process is to end. */
  void await() throws InterruptedException {
    requested.await();
  }

  /** From now on this thread is interrupted when the process is to end. */
  synchronized void allowInterrupt() throws InterruptedException {
    if (isRequested()) {
      throw new InterruptedException();
    }
    interruptible = Thread.currentThread();
  }

  /** From now on it is not; an interrupt that came is cleared. */
  synchronized void denyInterrupt() {
    interruptible = null;
    Thread.interrupted();
  }

  /** Everything has stopped. */
  void finished(Exit with) {
    exit = with;
    finished.countDown();
  }
}
