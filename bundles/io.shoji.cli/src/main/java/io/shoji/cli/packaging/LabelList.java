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

import com.google.gson.JsonArray;
import io.shoji.cli.CommandException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Names of classes as the command line has them. */
final class LabelList {
  private LabelList() {}

  /** {@code a,b,c}, or a file with one per line. */
  static JsonArray of(String text) throws CommandException {
    JsonArray labels = new JsonArray();
    try {
      if (Files.isRegularFile(Path.of(text))) {
        Files.readAllLines(Path.of(text), StandardCharsets.UTF_8).stream()
            .filter(line -> !line.isBlank())
            .forEach(line -> labels.add(line.strip()));
      } else {
        Arrays.stream(text.split(",", -1)).forEach(label -> labels.add(label.strip()));
      }
      return labels;
    } catch (IOException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE,
          "USAGE",
          "the labels cannot be read: " + Refusal.explain(e) + " file=" + text,
          e);
    }
  }
}
