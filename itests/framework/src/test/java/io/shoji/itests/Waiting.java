/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for something that another thread brings about. */
final class Waiting {
  private static final long LIMIT_SECONDS = 60;

  private Waiting() {}

  static void until(String what, BooleanSupplier condition) throws InterruptedException {
    until(what, condition, () -> "");
  }

  /**
   * Waits.
   *
   * @param found what is told if it does not come
   */
  static void until(String what, BooleanSupplier condition, Supplier<String> found)
      throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError(
            "did not come within seconds=" + LIMIT_SECONDS + ": " + what + " " + found.get());
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
