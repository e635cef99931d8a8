/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.testkit.Proof;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The gateway's own process is killed: no worker outlives it, and the next start is clean. */
class GatewayKilledIT {
  private static final int ROUNDS = Proof.rounds(2, 200);
  private static final long ORPHAN_NANOS = Proof.rounds(30, 2) * 1_000_000_000L;

  @Test
  void shouldLeaveNoOrphanWhenTheGatewayIsKilled() throws Exception {
    // What a path may hold.
    Path folder = Place.WORK.resolve("killed, größer");
    Random random = new Random(7);
    List<Long> lived = new ArrayList<>();
    long last = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Process gateway = GatewayMain.start(folder);
      try (BufferedReader output = gateway.inputReader(StandardCharsets.UTF_8)) {
        List<String> said = new ArrayList<>();
        String line = output.readLine();
        while (line != null && !line.startsWith("SERVING ")) {
          said.add(line);
          line = output.readLine();
        }
        assertThat(line).as("a gateway that serves, but: %s", said).isNotNull();
        ProcessHandle worker =
            ProcessHandle.of(Long.parseLong(line.substring("SERVING ".length()))).orElseThrow();
        assertThat(worker.isAlive()).isTrue();
        assertThat(Place.links(last)).as("shared memory of the gateway killed before").isEmpty();
        last = gateway.pid();
        Thread.sleep(random.nextInt(300));

        gateway.destroyForcibly();
        gateway.waitFor();
        long killed = System.nanoTime();

        while (runs(worker.pid())) {
          assertThat(System.nanoTime() - killed).as("life of an orphan").isLessThan(ORPHAN_NANOS);
          Thread.sleep(1);
        }
        lived.add((System.nanoTime() - killed) / 1_000_000);
      }
      if (round > 0) {
        assertThat(copies(folder)).as("copies, those of the one just killed").hasSize(1);
      }
    }
    // What the next gateway would remove.
    for (Path link : Place.links(last)) {
      try (var files = Files.list(link)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(link);
    }
    lived.sort(null);
    System.out.println(
        "gateways killed="
            + ROUNDS
            + " the worker ended after ms, longest="
            + lived.get(ROUNDS - 1));
  }

  /** Whether a process runs; what nobody has fetched after its end does not. */
  private static boolean runs(long pid) throws Exception {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static List<Path> copies(Path folder) throws Exception {
    try (var files = Files.walk(folder.resolve("framework"))) {
      List<Path> found = files.filter(file -> file.endsWith(Path.of("data", "copies"))).toList();
      List<Path> all = new ArrayList<>();
      for (Path each : found) {
        try (var inside = Files.list(each)) {
          inside.forEach(all::add);
        }
      }
      return all;
    }
  }
}
