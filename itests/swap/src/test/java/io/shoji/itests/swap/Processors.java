/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Who uses the machine's processors, from {@code /proc} (proc(5)), in ticks of 10 ms. */
final class Processors {
  private static final int COUNT = Runtime.getRuntime().availableProcessors();
  private static final double TICK_NANOS = 1e7;

  private Processors() {}

  /**
   * Counts since the machine started.
   *
   * @param nanos when it was read
   * @param allTicks what all processes used, and what a hypervisor took
   * @param ownTicks what this process used
   * @param threads what each kind of its threads used
   */
  record Reading(long nanos, long allTicks, long ownTicks, Map<String, Long> threads) {
    Use since(Reading start) {
      double ticks = (nanos - start.nanos) / TICK_NANOS;
      long own = ownTicks - start.ownTicks;
      Map<String, Long> used = new TreeMap<>();
      threads.forEach(
          (name, now) -> {
            long more = now - start.threads.getOrDefault(name, 0L);
            if (more > 0) {
              used.put(name, more);
            }
          });
      return new Use(
          (nanos - start.nanos) / 1e6,
          own / ticks,
          Math.max(0, allTicks - start.allTicks - own) / ticks,
          used);
    }
  }

  /**
   * What was used in a time.
   *
   * @param millis how long it was
   * @param own processors that this process used, on average
   * @param others processors that others used, on average
   * @param threads ticks by kind of thread
   */
  record Use(double millis, double own, double others, Map<String, Long> threads) {
    static final Use NONE = new Use(0, 0, 0, Map.of());

    /** Whether others left the machine to this process, but for a tenth of it. */
    boolean quiet() {
      return others < 0.1 * COUNT;
    }
  }

  static Reading read() {
    try {
      String[] all =
          Files.readString(Path.of("/proc/stat")).lines().findFirst().orElse("").split(" +");
      // user, nice, system, then idle and waiting for a disk, irq, softirq, steal.
      long used = 0;
      for (int field : new int[] {1, 2, 3, 6, 7, 8}) {
        used += Long.parseLong(all[field]);
      }
      return new Reading(System.nanoTime(), used, ticks(Path.of("/proc/self/stat")), threads());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Long> threads() throws IOException {
    Map<String, Long> threads = new TreeMap<>();
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path task : tasks) {
        try {
          String name = Files.readString(task.resolve("comm")).strip();
          threads.merge(name.replaceAll("[-#]?\\d+$", ""), ticks(task.resolve("stat")), Long::sum);
        } catch (NoSuchFileException e) {
          // It has ended meanwhile.
          continue;
        } catch (IOException e) {
          if (!Files.exists(task)) {
            continue;
          }
          throw e;
        }
      }
    }
    return threads;
  }

  /** User and system time; the name before them may hold anything, so they count from its end. */
  private static long ticks(Path stat) throws IOException {
    String text = Files.readString(stat);
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }
}
