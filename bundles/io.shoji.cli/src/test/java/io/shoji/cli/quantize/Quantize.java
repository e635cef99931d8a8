/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.cli.Environment;
import io.shoji.cli.Shoji;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs {@code shoji quantize}, in this process or in one of its own. */
final class Quantize {
  private static final Path BUNDLES = Path.of("..").toAbsolutePath().normalize();

  /** What came of a run. */
  record Result(int exit, String out, String err) {
    JsonObject json() {
      return JsonParser.parseString(out).getAsJsonObject();
    }
  }

  private Quantize() {}

  static Path packageOf(String model) {
    return BUNDLES.resolve("io.shoji.model." + model);
  }

  static Path model(String model) {
    return packageOf(model).resolve("src/main/resources/SHOJI-INF/models").resolve(model + ".onnx");
  }

  static Path golden(String model) {
    return packageOf(model).resolve("src/main/resources/SHOJI-INF/golden/samples.safetensors");
  }

  static Path calibration(String model) {
    return packageOf(model).resolve("training/calibration.safetensors");
  }

  /** In this process; words may be paths. */
  static Result run(Object... words) {
    return run(Map.of(), words);
  }

  static Result run(Map<String, String> variables, Object... words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exit =
        Shoji.run(
            new Environment(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                new ByteArrayInputStream(new byte[0]),
                variables,
                Path.of("nowhere"),
                false),
            typed(words).toArray(new String[0]));
    return new Result(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static List<String> typed(Object... words) {
    List<String> typed = new ArrayList<>(List.of("quantize"));
    for (Object word : words) {
      typed.add(word.toString());
    }
    return typed;
  }

  /** The command line of a process of its own, whose temporary files lie in a folder. */
  static List<String> command(Path temporary, String heap, Object... words) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx" + heap);
    command.add("-Djava.io.tmpdir=" + temporary);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Shoji.class.getName());
    command.addAll(typed(words));
    return command;
  }

  /** Whether SIGINT is ignored here, and so by the processes started here. */
  static boolean ignoresInterrupts() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("SigIgn:"))
        .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).trim(), 16) & 0b10) != 0);
  }
}
