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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.disk.LocalDisk;
import io.shoji.operations.ModelChange;
import io.shoji.testkit.Proof;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real process with framework, store, engine and ONNX Runtime, killed at random moments while it
 * upgrades, refuses and rolls back, again and again over the same folders: each time the old or the
 * new version answers, and nothing is stuck.
 */
class UpgradeKillTest {
  @TempDir Path temp;

  @Test
  void shouldAnswerWithOldOrNewWhenProcessIsKilledAtAnyMoment() throws Exception {
    int rounds = Proof.rounds(6, 500);
    long seed = System.nanoTime();
    System.out.println("seed=" + seed + " rounds=" + rounds);
    Random random = new Random(seed);
    Set<String> allowed = new HashSet<>();
    int installs = 0;
    int between = 0;
    int leftovers = 0;
    int kills = 0;
    // Further rounds if the first ones were all killed while nothing was under way.
    for (int round = 0; round < rounds || (between == 0 && round < 10 * rounds); round++) {
      kills++;
      Process victim = start(seed + round);
      List<String> lines = new ArrayList<>();
      try (BufferedReader output = victim.inputReader()) {
        String line = output.readLine();
        String answers = "";
        while (line != null && !line.equals("ready")) {
          lines.add(line);
          if (line.startsWith("installs ")) {
            installs++;
            allowed.add(line.substring(9));
          } else if (line.startsWith("answers ")) {
            answers = line.substring(8);
          }
          line = output.readLine();
        }
        assertThat(line).as("round %d of seed %d: %s", round, seed, log()).isEqualTo("ready");
        assertThat(answers).as("round %d of seed %d", round, seed).isIn(allowed);
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(900_000)));
        assertThat(victim.isAlive()).as("it ended by itself: %s", log()).isTrue();
        // Not by the process itself, which would close the output before its end was read.
        assertThat(victim.toHandle().destroyForcibly()).isTrue();
        for (line = output.readLine(); line != null; line = output.readLine()) {
          lines.add(line);
        }
        assertThat(victim.waitFor(30, TimeUnit.SECONDS)).isTrue();
      } finally {
        victim.destroyForcibly();
      }
      for (String line : lines) {
        if (line.startsWith("settled ")) {
          allowed.clear();
          allowed.add(line.substring(8));
        } else if (line.startsWith("to ")) {
          allowed.add(line.substring(3));
        }
      }
      // What is old is what the journal says, which is written before anything else follows.
      lastCommitted().ifPresent(allowed::add);
      between += allowed.size() > 1 ? 1 : 0;
      leftovers += UpgradeVictim.leftovers(temp.resolve("gateway")).isEmpty() ? 0 : 1;
    }
    System.out.println(
        "kills="
            + kills
            + " duringAChange="
            + between
            + " whileTheStoreWrote="
            + leftovers
            + " whileFelixWrote="
            + (installs - 1));
    if (Proof.isLong()) {
      // Else it was never killed while it did something, and nothing was shown.
      assertThat(between).isPositive();
    }
  }

  /** Read beside the engine, which changes nothing. */
  private Optional<String> lastCommitted() throws Exception {
    Path folder = temp.resolve("gateway/framework/bundle0/operations");
    return new JournalFile(folder, "changes", new LocalDisk())
        .read().stream()
            .flatMap(content -> content.lines().stream())
            .flatMap(line -> JournalEntry.parse(line.text()).flatMap(JournalEntry::of).stream())
            .map(JournalEntry::change)
            .filter(change -> change.state() == ModelChange.State.COMMITTED)
            .reduce((earlier, later) -> later)
            .map(change -> change.to().version());
  }

  private String log() throws Exception {
    Path log = temp.resolve("victim.log");
    List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
  }

  private Process start(long seed) throws Exception {
    Files.deleteIfExists(temp.resolve("victim.log"));
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                UpgradeVictim.class.getName(),
                Files.createDirectories(temp.resolve("gateway")).toString(),
                Long.toString(seed)))
        .redirectError(temp.resolve("victim.log").toFile())
        .start();
  }
}
