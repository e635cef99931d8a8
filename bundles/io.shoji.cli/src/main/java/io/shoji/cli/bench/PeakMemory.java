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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Peak memory of a model with its activations: the most resident memory of a process of its own
 * that starts the drivers, loads the model and runs it, less that of one that starts the drivers
 * only.
 *
 * @param processBytes most resident memory of the process with the model
 * @param baselineBytes that of the process without
 * @param residentBytes resident memory of the process with the model after its runs
 */
public record PeakMemory(long processBytes, long baselineBytes, long residentBytes) {
  private static final int RUNS = 20;
  private static final long PATIENCE_MINUTES = 30;
  private static final int WHOLE_MESSAGE = 2000;

  /** What the model takes, activations included; at least 0. */
  public long modelBytes() {
    return Math.max(0, processBytes - baselineBytes);
  }

  /**
   * Measures a model, in two processes one after the other.
   *
   * @param accelerator as {@code kind:device} or a part of it, see {@link
   *     io.shoji.cli.local.LocalAccelerators#accelerator}
   * @param inputs shapes to run it on are those of these tensors; one per input, in order
   * @param names of the inputs, in the same order
   * @param drivers further driver bundles
   * @return empty where the system does not tell, as outside Linux
   * @throws CommandException if the process does not start, or cannot load or run the model
   * @throws InterruptedException if the thread was interrupted; no process stays
   */
  public static Optional<PeakMemory> measure(
      String accelerator,
      ModelArtifact artifact,
      List<String> names,
      List<Tensor> inputs,
      List<Path> drivers)
      throws CommandException, InterruptedException {
    JsonObject request = new JsonObject();
    request.addProperty("accelerator", accelerator);
    request.addProperty("runs", RUNS);
    JsonArray bundles = new JsonArray();
    drivers.forEach(driver -> bundles.add(driver.toAbsolutePath().toString()));
    request.add("drivers", bundles);
    request.add("artifact", artifact(artifact));
    JsonObject empty = request.deepCopy();
    empty.addProperty("runs", 0);
    JsonObject shapes = new JsonObject();
    for (int i = 0; i < names.size(); i++) {
      JsonArray dims = new JsonArray();
      for (long dim : inputs.get(i).shape().dims()) {
        dims.add(dim);
      }
      shapes.add(names.get(i), dims);
    }
    request.add("shapes", shapes);
    JsonObject without = run(empty);
    JsonObject with = run(request);
    OptionalLong baseline = bytes(without, "peakBytes");
    OptionalLong peak = bytes(with, "peakBytes");
    OptionalLong resident = bytes(with, "residentBytes");
    return baseline.isEmpty() || peak.isEmpty() || resident.isEmpty()
        ? Optional.empty()
        : Optional.of(new PeakMemory(peak.getAsLong(), baseline.getAsLong(), resident.getAsLong()));
  }

  private static OptionalLong bytes(JsonObject answer, String member) {
    return Json.number(answer, member)
        .map(value -> OptionalLong.of(value.longValue()))
        .orElse(OptionalLong.empty());
  }

  private static JsonObject artifact(ModelArtifact artifact) {
    JsonObject json = new JsonObject();
    json.addProperty("model", artifact.model());
    json.addProperty("version", artifact.version());
    json.addProperty("variant", artifact.variant());
    json.addProperty("format", artifact.format());
    json.addProperty("precision", artifact.precision().name());
    json.addProperty("sha256", artifact.sha256());
    JsonArray files = new JsonArray();
    artifact.files().forEach(file -> files.add(file.toAbsolutePath().toString()));
    json.add("files", files);
    JsonObject options = new JsonObject();
    artifact.options().forEach(options::addProperty);
    json.add("options", options);
    return json;
  }

  private static JsonObject run(JsonObject request) throws CommandException, InterruptedException {
    Path said;
    Process process;
    try {
      said = Files.createTempFile("shoji-bench", ".txt");
    } catch (IOException e) {
      throw failed("a temporary file cannot be made", e);
    }
    try {
      process = start(said);
    } catch (IOException e) {
      remove(said);
      throw failed("a process to measure memory in cannot be started", e);
    }
    try {
      // The process reads on until this end closes, and ends when it does.
      try (OutputStream in = process.getOutputStream()) {
        in.write((Json.line(request) + "\n").getBytes(StandardCharsets.UTF_8));
        in.flush();
        if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
          throw failed(
              "the process that measures memory takes too long minutes=" + PATIENCE_MINUTES, null);
        }
      }
      return answer(process.exitValue(), Files.readString(said));
    } catch (IOException e) {
      throw failed("the process that measures memory cannot be heard", e);
    } finally {
      process.destroyForcibly();
      process.waitFor();
      remove(said);
    }
  }

  private static Process start(Path said) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // Java's own memory is there from the begin and does not change with the model.
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xms64m",
            "-XX:+AlwaysPreTouch",
            "-XX:-UsePerfData"));
    command.addAll(
        List.of(
            "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"),
            "-cp",
            System.getProperty("java.class.path"),
            MemoryProbe.class.getName()));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(said.toFile())
        .start();
  }

  private static JsonObject answer(int exit, String said) throws CommandException {
    for (String line : said.lines().toList()) {
      if (line.startsWith(MemoryProbe.ANSWER)) {
        try {
          JsonElement answer = Json.parse(line.substring(MemoryProbe.ANSWER.length()));
          if (answer instanceof JsonObject object) {
            Optional<String> error = Json.text(object, "error");
            if (error.isPresent()) {
              throw failed(error.get(), null);
            }
            return object;
          }
        } catch (JsonParseException e) {
          throw failed("the process that measures memory gave no sensible answer", e);
        }
      }
    }
    throw failed(
        "the process that measures memory ended early exit="
            + exit
            + " said="
            + said.strip().substring(0, Math.min(said.strip().length(), WHOLE_MESSAGE)),
        null);
  }

  private static CommandException failed(String message, @Nullable Exception cause) {
    String text = "peak memory: " + message + (cause == null ? "" : ": " + cause.getMessage());
    return cause == null
        ? new CommandException(ExitCode.FAILED, "MEMORY_NOT_MEASURED", text)
        : new CommandException(ExitCode.FAILED, "MEMORY_NOT_MEASURED", text, cause);
  }

  private static void remove(Path file) throws CommandException {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw failed("a temporary file cannot be removed file=" + file, e);
    }
  }

  /** The shapes of a request. */
  static Map<String, Shape> shapes(JsonObject request) {
    Map<String, Shape> shapes = new HashMap<>();
    if (request.get("shapes") instanceof JsonObject members) {
      for (Map.Entry<String, JsonElement> member : members.entrySet()) {
        JsonArray dims = member.getValue().getAsJsonArray();
        long[] values = new long[dims.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = dims.get(i).getAsLong();
        }
        shapes.put(member.getKey(), Shape.of(values));
      }
    }
    return shapes;
  }
}
