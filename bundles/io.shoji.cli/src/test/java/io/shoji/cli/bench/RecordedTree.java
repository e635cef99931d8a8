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

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files of a machine, as {@code src/test/resources/sensors} keeps them, in a folder. */
final class RecordedTree {
  private final Path root;

  private RecordedTree(Path root) {
    this.root = root;
  }

  /** Writes the files of {@code name}. */
  static RecordedTree of(String name, Path root) {
    RecordedTree tree = new RecordedTree(root);
    try (InputStream in = RecordedTree.class.getResourceAsStream("/sensors/" + name + ".txt")) {
      if (in == null) {
        throw new IllegalArgumentException("no such recording name=" + name);
      }
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .forEach(
              line ->
                  tree.write(
                      line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return tree;
  }

  Path root() {
    return root;
  }

  Path write(String file, String content) {
    try {
      Path path = root.resolve(file);
      Files.createDirectories(path.getParent());
      return Files.writeString(path, content + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
