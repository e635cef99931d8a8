/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine.leaky;

import java.util.concurrent.CountDownLatch;

/** Stays in the driver's code until a latch is open. */
record LeakyCall(CountDownLatch latch) implements Runnable {
  @Override
  public void run() {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
