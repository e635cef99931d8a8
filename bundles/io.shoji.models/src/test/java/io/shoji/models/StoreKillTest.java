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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.disk.LocalDisk;
import io.shoji.testkit.Proof;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process, killed while it installs and collects, again and again over the same store. */
class StoreKillTest {
  private static final int ROUNDS = Proof.rounds(12, 300);
  private static final int MOST_ROUNDS = 300;

  @TempDir Path temp;

  @Test
  void shouldStayConsistentWhenProcessIsKilled() throws Exception {
    StoreScenario scenario =
        new StoreScenario(StoreVictim.SCENARIO, StoreVictim.PACKAGES, StoreVictim.BYTES);
    Path root = temp.resolve("store");
    Random random = new Random(5);
    int leftovers = 0;
    // Further rounds if the first ones were all killed between two changes.
    for (int round = 0; round < ROUNDS || (leftovers == 0 && round < MOST_ROUNDS); round++) {
      Process victim = start(root, round);
      try (BufferedReader output = victim.inputReader()) {
        assertThat(output.readLine()).isEqualTo("ready");
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(60_000)));
        assertThat(victim.isAlive()).as("it ended by itself: %s", errors(root)).isTrue();
        victim.destroyForcibly();
        assertThat(victim.waitFor(30, TimeUnit.SECONDS)).isTrue();
      }
      leftovers += StoreScenario.files(root.resolve("staging")).size();

      try (ContentStore store = ContentStore.open(root, new LocalDisk())) {
        assertThat(root.resolve("staging")).isEmptyDirectory();
        scenario.assertConsistent(root);
        for (long id = 1; id <= StoreVictim.PACKAGES; id++) {
          if (store.record(InstallRecord.owner(id)).isPresent()) {
            scenario.assertInstalled(store, id);
          }
        }
      }
    }
    // Else it was never killed while it did something, and nothing was shown.
    assertThat(leftovers).isPositive();
  }

  private static Path errors(Path root) {
    return root.resolveSibling("victim.log");
  }

  private static Process start(Path root, int seed) throws Exception {
    Files.deleteIfExists(errors(root));
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                StoreVictim.class.getName(),
                root.toString(),
                Integer.toString(seed)))
        .redirectError(errors(root).toFile())
        .start();
  }
}
