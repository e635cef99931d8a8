/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.wires;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Waits for something that another thread brings about. */
final class Waiting {
  private static final long LIMIT_SECONDS = 60;

  private Waiting() {}

  static void until(String what, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!condition.call()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("did not come within seconds=" + LIMIT_SECONDS + ": " + what);
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }
}
