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

import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.formats.HefFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** Finds out what a model file is, by its content. */
final class ModelContent {
  private ModelContent() {}

  /**
   * Reads a file.
   *
   * @param precision what an engine was built for; of others the file tells
   * @param architecture what an engine was built on; of others the file tells
   * @throws CommandException BAD_MODEL
   */
  static ModelFacts read(Path file, Optional<Precision> precision, Optional<String> architecture)
      throws CommandException {
    byte[] start;
    try (InputStream in = Files.newInputStream(file)) {
      start = in.readNBytes(8);
    } catch (IOException e) {
      throw Refusal.io("the model cannot be read", file, e);
    }
    ModelFacts facts;
    if (start.length == 8
        && start[4] == 'T'
        && start[5] == 'F'
        && start[6] == 'L'
        && start[7] == '3') {
      facts = TfliteFacts.of(file);
    } else if (HefFile.matches(start)) {
      facts = HefFacts.of(file);
    } else if (EngineFacts.is(start)
        || name(file).endsWith(".engine")
        || name(file).endsWith(".plan")) {
      return EngineFacts.of(file, precision, architecture);
    } else {
      facts = OnnxFacts.of(file);
    }
    if (precision.isPresent() && facts.precision() != precision.get()) {
      throw Refusal.of(
          "CONTRADICTION",
          "the file is of another precision asked="
              + precision.get()
              + " found="
              + facts.precision()
              + " file="
              + file);
    }
    return facts;
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
  }
}
