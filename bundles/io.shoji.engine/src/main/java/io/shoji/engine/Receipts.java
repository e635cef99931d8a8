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

import io.shoji.operations.SwapReceipt;
import java.util.List;
import java.util.TreeMap;

/** What became of old generations and old drivers. Thread safe. */
final class Receipts {
  /** Most receipts that are kept. */
  static final int CAPACITY = 256;

  /** By their numbers. Guarded by itself. */
  private final TreeMap<Long, SwapReceipt> kept = new TreeMap<>();

  /** Keeps a receipt, in place of an earlier look at the same. */
  void keep(SwapReceipt receipt) {
    synchronized (kept) {
      kept.put(receipt.id(), receipt);
      if (kept.size() > CAPACITY) {
        kept.pollFirstEntry();
      }
    }
  }

  /** Those after that number, oldest first; all if there is none of that number yet. */
  List<SwapReceipt> after(long id) {
    synchronized (kept) {
      return kept.isEmpty() || id > kept.lastKey()
          ? List.copyOf(kept.values())
          : List.copyOf(kept.tailMap(id, false).values());
    }
  }
}
