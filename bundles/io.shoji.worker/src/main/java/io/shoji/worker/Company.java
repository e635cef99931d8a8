/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.tensor.Tensor;
import io.shoji.worker.link.InputDigest;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Who runs beside whom in one process of a worker, and how many models are loaded there. Costs
 * nothing while no input is suspect. Thread safe.
 */
final class Company {
  /** A run. */
  @FunctionalInterface
  interface Run<T> {
    /** Runs once. */
    T run() throws AcceleratorException;
  }

  private final Quarantine quarantine;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);
  private final AtomicInteger models = new AtomicInteger();
  private final AtomicInteger loads = new AtomicInteger();
  private volatile @Nullable String alone;

  Company(Quarantine quarantine) {
    this.quarantine = quarantine;
  }

  /** The input that runs alone now, or did when the process died. */
  Optional<String> alone() {
    return Optional.ofNullable(alone);
  }

  /** Models that are loaded. */
  AtomicInteger models() {
    return models;
  }

  /** Loads that were begun in this process. */
  AtomicInteger loads() {
    return loads;
  }

  /** Runs once, in company or alone. */
  <T> T run(String modelSha256, List<Tensor> inputs, long deadlineNanos, Run<T> run)
      throws AcceleratorException {
    if (!quarantine.watching()) {
      return run.run();
    }
    String digest = InputDigest.of(modelSha256, inputs);
    if (!quarantine.check(digest)) {
      Lock shared = lock.readLock();
      await(shared, deadlineNanos);
      try {
        return run.run();
      } finally {
        shared.unlock();
      }
    }
    Lock own = lock.writeLock();
    await(own, deadlineNanos);
    boolean died = false;
    try {
      alone = digest;
      T result = run.run();
      quarantine.survived(digest);
      return result;
    } catch (AcceleratorException e) {
      died = e.code() == Code.DEVICE_LOST;
      if (died) {
        quarantine.keep(digest, inputs);
      } else {
        quarantine.survived(digest);
      }
      throw e;
    } finally {
      if (!died) {
        alone = null;
      }
      own.unlock();
    }
  }

  private static void await(Lock lock, long deadlineNanos) throws AcceleratorException {
    try {
      if (lock.tryLock(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AcceleratorException(
          Code.TIMEOUT, "interrupted while a suspect input runs alone", e);
    }
    throw new AcceleratorException(
        Code.TIMEOUT,
        "the deadline passed while an input runs alone that a worker died of, or waits for that");
  }
}
