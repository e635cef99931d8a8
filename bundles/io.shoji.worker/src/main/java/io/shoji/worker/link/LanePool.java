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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The lanes of a link: opened as callers need them, the one used last taken first, whose memory is
 * warm. Thread safe.
 */
final class LanePool {
  /** After a lane could not be opened, callers wait for the others for so long. */
  private static final long OPEN_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final LinkClient link;
  private final int most;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition freed = lock.newCondition();
  private final List<ClientLane> idle = new ArrayList<>();

  /** At their index. */
  private final List<ClientLane> all = new ArrayList<>();

  /** Whether a caller is opening one: one at a time. */
  private boolean opening;

  private long openAgainNanos = System.nanoTime();
  private boolean closed;

  LanePool(LinkClient link, int most) {
    this.link = link;
    this.most = most;
  }

  /**
   * A lane for one run, to be given back.
   *
   * @throws AcceleratorException TIMEOUT if none is free at the deadline; DEVICE_LOST; or
   *     OUT_OF_MEMORY if not even one can be opened
   */
  ClientLane take(long deadlineNanos) throws AcceleratorException {
    ClientLane lane = idleNow();
    if (lane != null) {
      return lane;
    }
    boolean interrupted = false;
    try {
      while (true) {
        ClientLane fresh;
        lock.lock();
        try {
          while (!closed && idle.isEmpty() && !mayOpen()) {
            long left = deadlineNanos - System.nanoTime();
            if (left <= 0) {
              throw new AcceleratorException(
                  Code.TIMEOUT,
                  "the deadline passed before a lane to the worker was free lanes=" + most);
            }
            try {
              // Wakes now and then, to open a lane that could not be opened before.
              long unused = freed.awaitNanos(Math.min(left, OPEN_AGAIN_NANOS));
            } catch (InterruptedException e) {
              interrupted = true;
            }
          }
          if (!closed && !idle.isEmpty()) {
            return idle.remove(idle.size() - 1);
          }
          opening = !closed;
          fresh = closed ? null : new ClientLane(link, all.size());
        } finally {
          lock.unlock();
        }
        if (fresh == null) {
          link.checkAlive();
          throw new IllegalStateException("lanes are closed before their link");
        }
        if (open(fresh)) {
          return fresh;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private @Nullable ClientLane idleNow() {
    lock.lock();
    try {
      return closed || idle.isEmpty() ? null : idle.remove(idle.size() - 1);
    } finally {
      lock.unlock();
    }
  }

  private boolean mayOpen() {
    return !opening
        && all.size() < most
        && (all.isEmpty() || System.nanoTime() - openAgainNanos >= 0);
  }

  /** Opens a lane; false if the caller is to wait for another one. */
  private boolean open(ClientLane lane) throws AcceleratorException {
    IOException failure = null;
    try {
      link.open(lane);
    } catch (IOException e) {
      failure = e;
    }
    lock.lock();
    try {
      opening = false;
      freed.signalAll();
      if (failure == null) {
        all.add(lane);
        link.watchdog().add(lane);
        if (closed) {
          lane.close();
        }
        return true;
      }
      openAgainNanos = System.nanoTime() + OPEN_AGAIN_NANOS;
      if (!all.isEmpty()) {
        return false;
      }
    } finally {
      lock.unlock();
    }
    // Its death may be known by this failure first.
    link.awaitLoss(OPEN_AGAIN_NANOS);
    link.checkAlive();
    throw new AcceleratorException(
        Code.OUT_OF_MEMORY, "the worker takes no connection for a run reason=" + failure, failure);
  }

  /** Gives a lane back. */
  void give(ClientLane lane) {
    lock.lock();
    try {
      idle.add(lane);
      freed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Every lane that was ever opened. */
  List<ClientLane> all() {
    lock.lock();
    try {
      return List.copyOf(all);
    } finally {
      lock.unlock();
    }
  }

  /** Ends every call on a lane; no other is taken. Idempotent. */
  void close() {
    List<ClientLane> open;
    lock.lock();
    try {
      closed = true;
      open = List.copyOf(all);
      freed.signalAll();
    } finally {
      lock.unlock();
    }
    open.forEach(ClientLane::close);
  }
}
