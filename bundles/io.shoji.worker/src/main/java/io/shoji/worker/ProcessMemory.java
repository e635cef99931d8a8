/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What Linux says of a process's memory, see proc(5). Thread safe. */
final class ProcessMemory {
  /** Resets the high-water mark of the resident set, see proc(5), clear_refs. */
  private static final String RESET_PEAK = "5";

  private static final Logger LOG = LoggerFactory.getLogger(ProcessMemory.class);

  private final Path process;

  ProcessMemory(long pid) {
    process = Path.of("/proc", Long.toString(pid));
  }

  /** Lets the high-water mark begin anew; whether that is possible here. */
  boolean resetPeak() {
    try {
      Files.writeString(process.resolve("clear_refs"), RESET_PEAK);
      return true;
    } catch (IOException e) {
      LOG.debug("the high-water mark of a process cannot be reset process={}", process, e);
      return false;
    }
  }

  /** Resident memory now, or -1. */
  long residentBytes() {
    return read("VmRSS:");
  }

  /** Most resident memory since the mark was reset, or -1. */
  long peakBytes() {
    return read("VmHWM:");
  }

  private long read(String name) {
    try (Stream<String> lines = Files.lines(process.resolve("status"))) {
      return lines
          .filter(line -> line.startsWith(name))
          .findFirst()
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .orElse(-1L);
    } catch (IOException e) {
      LOG.debug("the memory of a process cannot be read process={}", process, e);
      return -1;
    }
  }
}
