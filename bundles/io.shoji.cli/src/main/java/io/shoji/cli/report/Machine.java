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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Where something was measured.
 *
 * @param processor its model; "unknown" if the system does not tell
 * @param architecture as Java names it
 * @param cores logical ones that this process may use
 * @param memoryBytes of the machine; -1 if the system does not tell
 * @param system name and version of the operating system
 * @param integerInstructions those that multiply and add 8-bit integers, as {@code AVX512_VNNI};
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

  /** Flags of /proc/cpuinfo, for x86 and for aarch64. */
  private static final Map<String, String> INTEGER_FLAGS = integerFlags();

  /** Copies the list. */
  public Machine {
    integerInstructions = List.copyOf(integerInstructions);
  }

  private static Map<String, String> integerFlags() {
    Map<String, String> flags = new LinkedHashMap<>();
    flags.put("amx_int8", "AMX_INT8");
    flags.put("avx512_vnni", "AVX512_VNNI");
    flags.put("avx_vnni", "AVX_VNNI");
    flags.put("avx_vnni_int8", "AVX_VNNI_INT8");
    flags.put("i8mm", "I8MM");
    flags.put("asimddp", "SDOT");
    return flags;
  }

  /** The machine of this process. */
  public static Machine here() {
    return of(PROC);
  }

  /** The machine that a folder like {@code /proc} describes; what is not there is unknown. */
  static Machine of(Path proc) {
    Map<String, String> processor = fields(proc.resolve("cpuinfo"));
    Map<String, String> memory = fields(proc.resolve("meminfo"));
    Set<String> flags =
        Set.copyOf(
            Arrays.asList(
                processor
                    .getOrDefault("flags", processor.getOrDefault("features", ""))
                    .split("\\s+", -1)));
    List<String> integer = new ArrayList<>();
    INTEGER_FLAGS.forEach(
        (flag, name) -> {
          if (flags.contains(flag)) {
            integer.add(name);
          }
        });
    String kilobytes = memory.getOrDefault("memtotal", "").replaceAll("\\D", "");
    return new Machine(
        processor.getOrDefault("model name", processor.getOrDefault("hardware", "unknown")),
        System.getProperty("os.arch", "unknown"),
        Runtime.getRuntime().availableProcessors(),
        kilobytes.isEmpty() || kilobytes.length() > 15 ? -1 : 1024 * Long.parseLong(kilobytes),
        System.getProperty("os.name", "") + " " + System.getProperty("os.version", ""),
        integer,
        Runtime.version().toString());
  }

  /** The first value of each name in lines {@code name: value}. */
  private static Map<String, String> fields(Path file) {
    Map<String, String> fields = new LinkedHashMap<>();
    if (Files.isReadable(file)) {
      try {
        for (String line : Files.readAllLines(file)) {
          int colon = line.indexOf(':');
          if (colon > 0) {
            fields.putIfAbsent(
                line.substring(0, colon).strip().toLowerCase(Locale.ROOT),
                line.substring(colon + 1).strip());
          }
        }
      } catch (IOException e) {
        // Described as far as can be; a report does not fail for it.
        fields.putIfAbsent("model name", "unknown (" + e.getMessage() + ")");
      }
    }
    return fields;
  }
}
