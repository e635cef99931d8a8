/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import io.shoji.driver.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One inference on its way: memory for all inputs and outputs, of which each stream thread does its
 * part. When the last is done the frame is, and whoever waits for it goes on.
 */
final class Frame implements AutoCloseable {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final NativeMemory[] inputs;
  private final NativeMemory[] outputs;

  // Guarded by the lock.
  private int open;
  private int status;
  private String failedAt = "";
  private boolean abandoned;

  /** A frame that owns its memory. */
  Frame(NativeMemory[] inputs, NativeMemory[] outputs) {
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** Where an input is written to the device from. */
  ByteBuffer input(int index) {
    return inputs[index].buffer();
  }

  /** Where an output is read into. */
  ByteBuffer output(int index) {
    return outputs[index].buffer();
  }

  /** Address of an input. */
  Long inputAddress(int index) {
    return inputs[index].address();
  }

  /** Address of an output. */
  Long outputAddress(int index) {
    return outputs[index].address();
  }

  /** Sets out: every stream has a part to do. */
  void begin() {
    lock.lock();
    try {
      open = inputs.length + outputs.length;
      status = HailoStatus.SUCCESS;
      failedAt = "";
      abandoned = false;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A stream has done its part.
   *
   * @return whether it was the last one, and nobody waits any more
   */
  boolean done(int partStatus, String stream) {
    lock.lock();
    try {
      if (partStatus != HailoStatus.SUCCESS && status == HailoStatus.SUCCESS) {
        status = partStatus;
        failedAt = stream;
      }
      open--;
      if (open == 0 || status != HailoStatus.SUCCESS) {
        changed.signalAll();
      }
      return open == 0 && abandoned;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until it is done, a stream has failed, or the deadline has passed; an interruption is for
   * the caller to find.
   *
   * @return whether all streams are done with it; if not, it is abandoned, and belongs to them
   */
  boolean await(long deadlineNanos) {
    boolean interrupted = false;
    lock.lock();
    try {
      while (open > 0) {
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0 || status != HailoStatus.SUCCESS) {
          abandoned = true;
          return false;
        }
        try {
          changed.awaitNanos(Math.min(left, TimeUnit.HOURS.toNanos(1)));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      return true;
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** First status of a stream that was no success. */
  int status() {
    lock.lock();
    try {
      return status;
    } finally {
      lock.unlock();
    }
  }

  /** Name of the stream that failed; empty if none did. */
  String failedAt() {
    lock.lock();
    try {
      return failedAt;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    for (NativeMemory memory : inputs) {
      memory.close();
    }
    for (NativeMemory memory : outputs) {
      memory.close();
    }
  }
}
