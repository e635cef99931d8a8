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

import java.security.AccessController;
import java.security.PrivilegedAction;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes the engine's threads: daemons with a name, that keep nothing of whoever happened to cause
 * their making.
 */
final class Threads implements ThreadFactory {
  /** A thread of the engine's. */
  static final class Own extends Thread {
    private Own(Runnable work, String name) {
      super(null, work, name, 0, false);
    }
  }

  private final String role;
  private final AtomicInteger count = new AtomicInteger();

  Threads(String role) {
    this.role = role;
  }

  /**
   * {@inheritDoc}
   *
   * <p>A thread inherits an access control context with the protection domains, and so the class
   * loaders, of every caller on the stack; a privileged action cuts them off, else a thread made
   * during a call from a driver or an application would keep its bundle in memory.
   */
  @Override
  @SuppressWarnings("removal")
  public Thread newThread(Runnable work) {
    return AccessController.doPrivileged(
        (PrivilegedAction<Thread>)
            () -> {
              Thread thread = new Own(work, "shoji-engine-" + role + "-" + count.incrementAndGet());
              thread.setDaemon(true);
              thread.setContextClassLoader(Threads.class.getClassLoader());
              return thread;
            });
  }
}
