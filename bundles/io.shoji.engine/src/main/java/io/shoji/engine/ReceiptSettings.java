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

/**
 * How swap receipts are made.
 *
 * @param timeMs how long what has left is waited for before it counts as remaining, milliseconds
 * @param collect whether the heap is collected after a driver has left, to see its classes go
 */
record ReceiptSettings(int timeMs, boolean collect) {
  /** What holds where nothing is configured. */
  static final ReceiptSettings DEFAULTS = new ReceiptSettings(60_000, true);

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException naming a value that is out of its range, and the range
   */
  ReceiptSettings {
    if (timeMs < 100 || timeMs > 3_600_000) {
      throw new IllegalArgumentException(
          "setting out of its range name=receiptTimeMs value=" + timeMs + " range=[100, 3600000]");
    }
  }
}
