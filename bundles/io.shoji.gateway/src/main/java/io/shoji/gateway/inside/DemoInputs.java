/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The files of a demonstration, and what they show. */
final class DemoInputs {
  private DemoInputs() {}

  /**
   * A file.
   *
   * @param file where it is
   * @param label what it shows, if that is known
   */
  record Input(Path file, Optional<String> label) {
    String name() {
      return file.getFileName().toString();
    }
  }

  /**
   * The pictures of a folder by name: {@code ANYTHING_LABEL.png} shows LABEL.
   *
   * @throws IOException if the folder cannot be read, or holds none
   */
  static List<Input> images(Path folder) throws IOException {
    List<Input> images = new ArrayList<>();
    for (Path file : files(folder)) {
      String name = file.getFileName().toString();
      String lower = name.toLowerCase(Locale.ROOT);
      if (lower.endsWith(".png") || lower.endsWith(".jpg") || lower.endsWith(".jpeg")) {
        String stem = name.substring(0, name.lastIndexOf('.'));
        int at = stem.lastIndexOf('_');
        images.add(
            new Input(file, at < 0 ? Optional.empty() : Optional.of(stem.substring(at + 1))));
      }
    }
    if (images.isEmpty()) {
      throw new IOException("no images: put files ANYTHING_LABEL.png there folder=" + folder);
    }
    return images;
  }

  /**
   * The recordings that {@code labels.csv} of a folder lists, in its order; a first line whose file
   * is not there is a header.
   *
   * @throws IOException if the list cannot be read, or names a file that is not there
   */
  static List<Input> recordings(Path folder) throws IOException {
    Path list = folder.resolve("labels.csv");
    if (!Files.exists(list)) {
      throw new IOException(
          "no recordings: put WAV files and labels.csv, with lines FILE,LABEL, there folder="
              + folder);
    }
    List<Input> recordings = new ArrayList<>();
    List<String> lines = Files.readAllLines(list);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      int comma = line.indexOf(',');
      if (line.isEmpty()) {
        continue;
      }
      Path file = folder.resolve(comma < 0 ? line : line.substring(0, comma).strip());
      if (comma < 0 || !Files.isRegularFile(file)) {
        if (i == 0 && comma >= 0) {
          continue;
        }
        throw new IOException(
            "a line is not FILE,LABEL of a file beside the list line=" + line + " list=" + list);
      }
      recordings.add(new Input(file, Optional.of(line.substring(comma + 1).strip())));
    }
    if (recordings.isEmpty()) {
      throw new IOException("the list of recordings is empty list=" + list);
    }
    return recordings;
  }

  private static List<Path> files(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new IOException("no such folder folder=" + folder);
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }
}
