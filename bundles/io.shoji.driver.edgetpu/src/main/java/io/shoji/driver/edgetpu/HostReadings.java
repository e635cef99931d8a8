/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Linux says of the machine in {@code /proc}. A figure that is not there or not readable is
 * empty. Thread safe.
 */
final class HostReadings {
  private static final Logger LOG = LoggerFactory.getLogger(HostReadings.class);

  private final Path proc;

  /**
   * @param proc {@code /proc} but in tests
   */
  HostReadings(Path proc) {
    this.proc = proc;
  }

  /** Resident memory of this process, bytes, by the kernel's counter. */
  OptionalLong residentBytes() {
    return kilobytes("self/status", "VmRSS:");
  }

  /** Resident memory of this process, bytes, counted page by page: what a load is measured with. */
  OptionalLong exactResidentBytes() {
    OptionalLong exact = kilobytes("self/smaps_rollup", "Rss:");
    return exact.isPresent() ? exact : residentBytes();
  }

  /** Memory of the machine, bytes. */
  OptionalLong memoryTotalBytes() {
    return kilobytes("meminfo", "MemTotal:");
  }

  /** Name of the processor, or of the board where the processor has none; empty if neither has. */
  String processorName() {
    for (String line : lines("cpuinfo")) {
      if (line.startsWith("model name") && line.indexOf(':') >= 0) {
        return line.substring(line.indexOf(':') + 1).strip();
      }
    }
    // The device tree's strings end with a NUL.
    return String.join(" ", lines("device-tree/model")).replace("\0", "").strip();
  }

  private OptionalLong kilobytes(String file, String key) {
    for (String line : lines(file)) {
      if (line.startsWith(key)) {
        String[] words = line.substring(key.length()).strip().split(" +", 2);
        return words.length == 2 && words[0].matches("\\d{1,15}") && words[1].equals("kB")
            ? OptionalLong.of(Long.parseLong(words[0]) * 1024)
            : OptionalLong.empty();
      }
    }
    return OptionalLong.empty();
  }

  private List<String> lines(String name) {
    Path file = proc.resolve(name);
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      return List.of();
    }
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).lines().toList();
    } catch (IOException e) {
      LOG.debug("not readable, so it says nothing file={}", file, e);
      return List.of();
    }
  }
}
