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

import io.shoji.disk.LocalDisk;
import java.nio.file.Path;
import java.util.Random;

/** A process that changes a store until somebody kills it. */
final class StoreVictim {
  static final long SCENARIO = 23;
  static final int PACKAGES = 4;
  static final int BYTES = 1_000_000;

  private StoreVictim() {}

  /**
   * Runs for ever.
   *
   * @param args folder of the store, seed
   */
  public static void main(String[] args) throws Exception {
    StoreScenario scenario = new StoreScenario(SCENARIO, PACKAGES, BYTES);
    Random random = new Random(Long.parseLong(args[1]));
    ContentStore store = ContentStore.open(Path.of(args[0]), new LocalDisk());
    System.out.println("ready");
    while (true) {
      long id = 1 + random.nextInt(PACKAGES);
      if (random.nextBoolean()) {
        scenario.install(store, id);
      } else {
        store.forget(InstallRecord.owner(id));
        store.collect();
      }
    }
  }
}
