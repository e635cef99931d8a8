/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Pauses while a large file is read, unpacked and digested: after every 128 KiB as long as those
 * took. A scheduler lets a thread that computes without a pause finish its turn, milliseconds,
 * before one that answers a request gets the processor, whatever their priorities (Linux 6.6 and
 * later, {@code SCHED_IDLE} apart). Small files are read without a pause. For one thread.
 */
final class Pauses {
  private static final long STRETCH_BYTES = 128 << 10;
  private static final long LONGEST_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private long paused;
  private long since = System.nanoTime();

  /**
   * Pauses if it is time.
   *
   * @param bytes so many were read up to now
   */
  void read(long bytes) {
    if (bytes - paused >= STRETCH_BYTES) {
      paused = bytes;
      LockSupport.parkNanos(Math.min(System.nanoTime() - since, LONGEST_NANOS));
      since = System.nanoTime();
    }
  }
}
