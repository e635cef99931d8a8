/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.shoji.cli.CommandException;
import io.shoji.cli.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What is known of how good a model file is: the document that {@code shoji quantize} writes beside
 * it, or one that somebody wrote by what a vendor's tool said.
 *
 * @param path where it was read
 * @param document all of it
 */
record EvidenceFile(Path path, JsonObject document) {
  private static final String SUFFIX = ".evidence.json";
  private static final long LARGEST = 1 << 20;

  /** The one beside a model file; empty if there is none. */
  static Optional<EvidenceFile> beside(Path model) throws CommandException {
    Path path = model.resolveSibling(model.getFileName() + SUFFIX);
    return Files.exists(path) ? Optional.of(read(path)) : Optional.empty();
  }

  /** Reads one. */
  static EvidenceFile read(Path path) throws CommandException {
    return new EvidenceFile(path, object(path));
  }

  /** A small file that holds a JSON object. */
  static JsonObject object(Path path) throws CommandException {
    try {
      if (Files.size(path) > LARGEST) {
        throw Refusal.usage("the file is too large most=" + LARGEST + " file=" + path);
      }
      JsonElement read = Json.parse(Files.readString(path, StandardCharsets.UTF_8));
      if (read instanceof JsonObject object) {
        return object;
      }
      throw Refusal.usage("asked for a JSON object file=" + path);
    } catch (JsonParseException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE,
          "USAGE",
          "the file is no JSON: " + e.getMessage() + " file=" + path,
          e);
    } catch (IOException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE,
          "USAGE",
          "the file cannot be read: " + Refusal.explain(e) + " file=" + path,
          e);
    }
  }

  /** Refuses evidence for another file, or one that contradicts what the file is. */
  void checkAgainst(Digest model, ModelFacts facts, Path file) throws CommandException {
    Optional<String> sha256 = Json.text(document, "sha256");
    if (sha256.isEmpty() || !sha256.get().equals(model.sha256())) {
      throw Refusal.of(
          "OTHER_FILE",
          "the evidence is about another file: it was changed since, so measure it anew asked="
              + sha256.orElse("none")
              + " found="
              + model.sha256()
              + " file="
              + file
              + " evidence="
              + path);
    }
    contradiction("format", facts.format(), file);
    contradiction("precision", facts.precision().name(), file);
  }

  private void contradiction(String member, String found, Path file) throws CommandException {
    Optional<String> said = Json.text(document, member);
    if (said.isPresent() && !said.get().equals(found)) {
      throw Refusal.of(
          "CONTRADICTION",
          "the evidence says of the file what it is not member="
              + member
              + " asked="
              + said.get()
              + " found="
              + found
              + " file="
              + file
              + " evidence="
              + path);
    }
  }

  /** The figures. */
  JsonObject evidence() throws CommandException {
    if (Json.member(document, "evidence").orElse(null) instanceof JsonObject object) {
      return object.deepCopy();
    }
    throw Refusal.of("NO_EVIDENCE", "the file has no member evidence file=" + path);
  }
}
