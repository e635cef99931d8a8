/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Memory of this process as Linux counts it in {@code /proc/self/status}. */
final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");

  private ProcessMemory() {}

  /** Most resident memory so far, bytes; empty if the system does not tell. */
  static OptionalLong peakBytes() {
    // The kernel brings the peak up to date later than what is resident.
    OptionalLong now = residentBytes();
    OptionalLong peak = kilobytes("VmHWM:");
    return peak.isEmpty() || now.isEmpty()
        ? peak
        : OptionalLong.of(Math.max(peak.getAsLong(), now.getAsLong()));
  }

  /** Resident memory now, bytes; empty if the system does not tell. */
  static OptionalLong residentBytes() {
    return kilobytes("VmRSS:");
  }

  /**
   * Has the peak begin anew, at what is resident now (proc(5), {@code /proc/PID/clear_refs}, since
   * Linux 4.0).
   *
   * @return whether it did; if not, the peak is that since the process began
   */
  static boolean resetPeak() {
    try {
      Files.write(CLEAR_REFS, "5".getBytes(StandardCharsets.US_ASCII));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static OptionalLong kilobytes(String name) {
    try {
      for (String line : Files.readAllLines(STATUS, StandardCharsets.ISO_8859_1)) {
        if (line.startsWith(name)) {
          String digits = line.replaceAll("\\D", "");
          return digits.isEmpty() || digits.length() > 15
              ? OptionalLong.empty()
              : OptionalLong.of(Long.parseLong(digits) * 1024);
        }
      }
      return OptionalLong.empty();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
