/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import io.shoji.quantizer.IntegerInstructions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where something was measured.
 *
 * @param processor its model, or its architecture if the system does not tell
 * @param architecture as Java names it
 * @param cores logical ones that this process may use
 * @param memoryBytes of the machine; -1 if the system does not tell
 * @param system name and version of the operating system
 * @param integerInstructions those that multiply and add 8-bit integers, as {@code avx512_vnni};
 *     empty if there are none, or the system does not tell
 * @param java version of the virtual machine
 */
public record Machine(
    String processor,
    String architecture,
    int cores,
    long memoryBytes,
    String system,
    List<String> integerInstructions,
    String java) {
  private static final Path PROC = Path.of("/proc");
  private static final Pattern MEMORY = Pattern.compile("(?m)^MemTotal:\\s*([0-9]{1,15}) kB");

  /** Copies the list. */
  public Machine {
    integerInstructions = List.copyOf(integerInstructions);
  }

  /** The machine of this process. */
  public static Machine here() {
    return of(PROC);
  }

  /** The machine that a folder like {@code /proc} describes; what is not there is unknown. */
  static Machine of(Path proc) {
    String architecture = System.getProperty("os.arch", "unknown");
    IntegerInstructions integer =
        IntegerInstructions.parse(text(proc.resolve("cpuinfo")), architecture);
    Matcher kilobytes = MEMORY.matcher(text(proc.resolve("meminfo")));
    return new Machine(
        integer.processor(),
        architecture,
        Runtime.getRuntime().availableProcessors(),
        kilobytes.find() ? 1024 * Long.parseLong(kilobytes.group(1)) : -1,
        System.getProperty("os.name", "") + " " + System.getProperty("os.version", ""),
        integer.found(),
        Runtime.version().toString());
  }

  /** A file's text; empty where there is none, as on other systems than Linux. */
  private static String text(Path file) {
    if (!Files.isReadable(file)) {
      return "";
    }
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException("the system's description cannot be read file=" + file, e);
    }
  }
}
