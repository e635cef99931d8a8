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

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.Json;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.tensor.Tensor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.LogManager;

/**
 * The process in which {@link PeakMemory} is measured. It is told what to do by one line of JSON on
 * standard input, and ends when the other end of that closes.
 */
final class MemoryProbe {
  /** Begins the line with the answer, among whatever libraries write. */
  static final String ANSWER = "shoji-bench-memory ";

  private static final int ORPHANED = 3;

  private MemoryProbe() {}

  /** Not for people. */
  public static void main(String[] arguments) throws IOException {
    LogManager.getLogManager().reset();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String request = in.readLine();
    if (request == null) {
      System.exit(ORPHANED);
      return;
    }
    watch(in);
    JsonObject answer = new JsonObject();
    try {
      answer = measure(Json.parse(request).getAsJsonObject());
    } catch (CommandException | AcceleratorException | InterruptedException | RuntimeException e) {
      answer.addProperty("error", e.getMessage() == null ? e.toString() : e.getMessage());
    }
    System.out.println();
    System.out.println(ANSWER + Json.line(answer));
    System.out.flush();
    // Not exit: nothing is to be tidied but folders, which are gone already.
    Runtime.getRuntime().halt(0);
  }

  private static void watch(BufferedReader in) {
    Thread watcher =
        new Thread(
            () -> {
              try {
                while (in.read() >= 0) {
                  // Nothing more is said; only the end matters.
                }
              } catch (IOException e) {
                System.err.println("standard input is gone: " + e);
              }
              System.exit(ORPHANED);
            },
            "shoji-bench-parent");
    watcher.setDaemon(true);
    watcher.start();
  }

  private static JsonObject measure(JsonObject request)
      throws CommandException, AcceleratorException, InterruptedException {
    List<Path> drivers = new ArrayList<>();
    Json.elements(request, "drivers").forEach(path -> drivers.add(Path.of(path.getAsString())));
    ModelArtifact artifact = artifact(Json.member(request, "artifact").orElseThrow());
    int runs = request.get("runs").getAsInt();
    try (LocalAccelerators local = LocalAccelerators.start(drivers)) {
      Accelerator accelerator =
          local.accelerator(
              Json.text(request, "accelerator"), artifact.format(), artifact.precision());
      System.gc();
      ProcessMemory.resetPeak();
      if (runs == 0) {
        return memory();
      }
      try (LoadedModel model = accelerator.load(artifact, LoadOptions.defaults())) {
        List<List<Tensor>> samples =
            new RandomInputs(1, 1, PeakMemory.shapes(request)).samples(model.inputs());
        try (Inference inference = BoundInference.of(model, samples)) {
          for (int i = 0; i < runs; i++) {
            inference.run(0);
          }
          return memory();
        }
      }
    }
  }

  private static JsonObject memory() {
    JsonObject answer = new JsonObject();
    ProcessMemory.residentBytes().ifPresent(bytes -> answer.addProperty("residentBytes", bytes));
    ProcessMemory.peakBytes().ifPresent(bytes -> answer.addProperty("peakBytes", bytes));
    return answer;
  }

  private static ModelArtifact artifact(JsonElement json) {
    List<Path> files = new ArrayList<>();
    Json.elements(json, "files").forEach(path -> files.add(Path.of(path.getAsString())));
    Map<String, String> options = new HashMap<>();
    Optional<JsonElement> members = Json.member(json, "options");
    if (members.orElse(null) instanceof JsonObject object) {
      object
          .entrySet()
          .forEach(member -> options.put(member.getKey(), member.getValue().getAsString()));
    }
    return new ModelArtifact(
        Json.text(json, "model").orElseThrow(),
        Json.text(json, "version").orElseThrow(),
        Json.text(json, "variant").orElseThrow(),
        Json.text(json, "format").orElseThrow(),
        Precision.valueOf(Json.text(json, "precision").orElseThrow()),
        Json.text(json, "sha256").orElseThrow(),
        files,
        List.of(),
        List.of(),
        options);
  }
}
