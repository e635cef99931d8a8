/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for threads of the driver to have ended for the operating system too. Java says that a
 * thread has ended before its thread-local objects are destroyed, and as long as one of those is
 * ONNX Runtime's, its library cannot go. Thread safe.
 */
final class ThreadEnds {
  private static final Logger LOG = LoggerFactory.getLogger(ThreadEnds.class);
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final long POLL_NANOS = 500_000;

  /** What the kernel calls the calling thread, as {@code 4711/task/4712}. */
  private static final Path THREAD_SELF = Path.of("/proc/thread-self");

  private final Set<Path> tasks = ConcurrentHashMap.newKeySet();

  /** Remembers the calling thread; forgets those that have ended. */
  void register() {
    tasks.removeIf(Files::notExists);
    try {
      Path task = Files.readSymbolicLink(THREAD_SELF);
      tasks.add(Path.of("/proc").resolve(task));
    } catch (IOException e) {
      LOG.debug("the thread cannot be told by its number, nobody waits for its end", e);
    }
  }

  /** Waits until all remembered threads have ended, 3 s at most. */
  void await() {
    long giveUp = System.nanoTime() + PATIENCE_NANOS;
    tasks.removeIf(Files::notExists);
    while (!tasks.isEmpty() && giveUp - System.nanoTime() > 0) {
      LockSupport.parkNanos(this, POLL_NANOS);
      tasks.removeIf(Files::notExists);
    }
    if (!tasks.isEmpty()) {
      LOG.warn("threads of the driver are still there, its library may stay tasks={}", tasks);
    }
  }
}
