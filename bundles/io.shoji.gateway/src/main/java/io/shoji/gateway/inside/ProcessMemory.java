/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What this process holds in memory, native libraries included, as Linux counts it. */
final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");

  private ProcessMemory() {}

  /** Resident set now, bytes; empty where there is no /proc. */
  static OptionalLong residentBytes() {
    return field("VmRSS:");
  }

  /** Largest resident set so far, bytes; empty where there is no /proc. */
  static OptionalLong peakBytes() {
    return field("VmHWM:");
  }

  private static OptionalLong field(String name) {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(name)) {
          // "VmRSS:      123456 kB"
          String kilobytes = line.substring(name.length()).replace("kB", "").strip();
          return OptionalLong.of(1024 * Long.parseLong(kilobytes));
        }
      }
    } catch (IOException e) {
      return OptionalLong.empty();
    }
    return OptionalLong.empty();
  }

  /** As {@code 123 MB}; a question mark if unknown. */
  static String text(OptionalLong bytes) {
    return bytes.isEmpty() ? "?" : Math.round(bytes.getAsLong() / 1e6) + " MB";
  }
}
