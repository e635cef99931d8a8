/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A service that may come and go, as while its bundle is updated. Thread safe.
 *
 * @param <T> the service
 */
final class Bound<T> {
  private final String name;
  private @Nullable T service;

  /**
   * @param name what messages call it
   */
  Bound(String name) {
    this.name = name;
  }

  /** It is there. */
  synchronized void set(T found) {
    service = found;
    notifyAll();
  }

  /** It goes; nothing happens if another one has taken its place. */
  synchronized void clear(T gone) {
    if (service == gone) {
      service = null;
    }
  }

  /** The service, if it is there. */
  synchronized Optional<T> get() {
    return Optional.ofNullable(service);
  }

  /**
   * The service, waiting for it.
   *
   * @throws InferenceException NOT_READY if it is not there by the deadline, CANCELLED if the
   *     thread is interrupted, which it stays
   */
  synchronized T await(long deadlineNanos) throws InferenceException {
    while (true) {
      T found = service;
      if (found != null) {
        return found;
      }
      long left = deadlineNanos - System.nanoTime();
      if (left <= 0) {
        throw new InferenceException(
            InferenceException.Code.NOT_READY,
            "the "
                + name
                + " is not there; is its bundle installed and started, or being updated?");
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InferenceException(
            InferenceException.Code.CANCELLED, "interrupted while waiting for the " + name, e);
      }
    }
  }
}
