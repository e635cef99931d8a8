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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How fast a worker starts and what it takes, without and with its archive of class data. */
class StartIT {
  private static final int ROUNDS = Proof.rounds(1, 20);

  @Test
  void shouldStartFromClassDataWhenItHasBeenMade() throws Exception {
    Map<String, Object> settings = new HashMap<>();
    settings.put("longestPauseMs", 0);
    settings.put("crashesPerHour", 1_000);
    try (Place place = new Place(Place.WORK.resolve("start"), settings)) {
      place.driver(Place.RUNTIME);
      place.awaitAnswer();
      List<Long> without = new ArrayList<>();
      List<Long> with = new ArrayList<>();
      without.add(restart(place));
      Path archive = place.felix.bundle("io.shoji.worker").getDataFile("archive").toPath();
      place.awaitThat("class data is made", () -> !archives(archive).isEmpty());
      for (int round = 0; round < ROUNDS; round++) {
        with.add(restart(place));
      }

      ProcessHandle worker = Place.workers().get(0);
      assertThat(Place.maps(worker.pid(), archives(archive).get(0).toString()))
          .as("the archive is mapped by %s", Place.commandLine(worker))
          .isTrue();
      String resident = resident(worker.pid());
      // Not the file itself, which the process has mapped.
      Path broken = Files.write(archive.resolve("broken"), new byte[] {1, 2, 3});
      Files.move(broken, archives(archive).get(0), StandardCopyOption.REPLACE_EXISTING);
      restart(place);
      assertThat(place.ask(1)).as("with a broken archive").containsKey("scores");

      with.sort(null);
      System.out.printf(
          Locale.ROOT,
          "start of a worker: from its death to an answer %d ms without class data, median %d ms"
              + " with; resident %s%n",
          without.get(0),
          with.get(with.size() / 2),
          resident);
    }
  }

  private static List<Path> archives(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (var files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".jsa")).toList();
    }
  }

  /** Kills the process; ms until the next one answers. */
  private static long restart(Place place) throws Exception {
    ProcessHandle worker = Place.workers().get(0);
    long start = System.nanoTime();
    worker.destroyForcibly();
    place.awaitThat("it ends", () -> !worker.isAlive());
    place.awaitAnswer();
    return (System.nanoTime() - start) / 1_000_000;
  }

  /** Resident memory and what of it is files, as smaps_rollup has it. */
  private static String resident(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(pid), "smaps_rollup")).stream()
        .filter(line -> line.startsWith("Rss:") || line.startsWith("Anonymous:"))
        .map(line -> line.replaceAll(" +", " "))
        .toList()
        .toString();
  }
}
