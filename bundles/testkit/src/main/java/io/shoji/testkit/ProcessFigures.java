/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the kernel says that this process holds, to prove that something was given back. */
public final class ProcessFigures {
  private ProcessFigures() {}

  /** Open file descriptors. */
  public static int descriptors() {
    try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
      // The folder itself is open while it is counted.
      return (int) entries.count() - 1;
    } catch (IOException e) {
      throw new IllegalStateException("descriptors cannot be counted", e);
    }
  }

  /** Lines of {@code /proc/self/maps} that name a file. */
  public static List<String> mappedFiles() {
    try {
      return Files.readAllLines(Path.of("/proc/self/maps")).stream()
          .filter(line -> line.indexOf('/') >= 0)
          .map(line -> line.substring(line.indexOf('/')))
          .toList();
    } catch (IOException e) {
      throw new IllegalStateException("mappings cannot be read", e);
    }
  }

  /** Resident memory, bytes. */
  public static long residentBytes() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/smaps_rollup"))) {
        if (line.startsWith("Rss:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
      throw new IllegalStateException("no Rss in /proc/self/smaps_rollup");
    } catch (IOException e) {
      throw new IllegalStateException("resident memory cannot be read", e);
    }
  }

  /** Live threads whose names start with a prefix. */
  public static List<String> threads(String prefix) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .map(Thread::getName)
        .filter(name -> name.startsWith(prefix))
        .sorted()
        .toList();
  }
}
