/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files of the kernel and of the system below one root. What is not there or not readable is empty:
 * much is so on a given machine. Thread safe.
 */
final class SystemFiles {
  private static final Logger LOG = LoggerFactory.getLogger(SystemFiles.class);

  private final Path root;

  /** The root is {@code /}, or a folder of a test. */
  SystemFiles(Path root) {
    this.root = root;
  }

  /** A path below the root; without a slash before. */
  Path at(String path) {
    return root.resolve(path);
  }

  /** Entries of a folder whose names begin and end so, in the order of their names. */
  static List<Path> entries(Path folder, String prefix, String suffix) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
        for (Path entry : entries) {
          String name = entry.getFileName().toString();
          if (name.startsWith(prefix) && name.endsWith(suffix)) {
            found.add(entry);
          }
        }
      } catch (IOException e) {
        LOG.debug("not readable, so it says nothing folder={}", folder, e);
      }
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }

  /** A whole number that is all that a file says. */
  static OptionalLong number(Path file) {
    String text = text(file);
    return text.matches("-?\\d{1,18}")
        ? OptionalLong.of(Long.parseLong(text))
        : OptionalLong.empty();
  }

  /** What a file says, without the spaces around it and without NULs. */
  static String text(Path file) {
    return String.join("\n", lines(file)).replace("\0", " ").strip();
  }

  /** Lines of a file. */
  static List<String> lines(Path file) {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      return List.of();
    }
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).lines().toList();
    } catch (IOException e) {
      // Sensors that are asleep answer with an error: no reading.
      LOG.debug("not readable, so it says nothing file={}", file, e);
      return List.of();
    }
  }
}
