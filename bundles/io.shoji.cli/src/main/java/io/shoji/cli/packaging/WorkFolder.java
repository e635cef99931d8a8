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

import io.shoji.cli.CommandException;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Where files are made before they take their places, beside these so that moving is renaming. Gone
 * when it is closed, with everything in it.
 */
final class WorkFolder implements AutoCloseable {
  private final Path folder;

  private WorkFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * A new one.
   *
   * @param in folder, made if it is not there
   */
  static WorkFolder in(Path in) throws CommandException {
    try {
      Files.createDirectories(in);
      return new WorkFolder(Files.createTempDirectory(in, ".shoji-"));
    } catch (IOException e) {
      throw Refusal.io("nothing can be written in that folder", in, e);
    }
  }

  /** In the system's folder for temporary files. */
  static WorkFolder temporary() throws CommandException {
    return in(Path.of(System.getProperty("java.io.tmpdir")));
  }

  Path file(String name) {
    return folder.resolve(name);
  }

  /**
   * Moves files to their places: all of them, or none.
   *
   * @param moves from a file in here to where it belongs
   */
  static void publish(Map<Path, Path> moves) throws IOException {
    Map<Path, Path> saved = new LinkedHashMap<>();
    List<Path> placed = new ArrayList<>();
    boolean done = false;
    try {
      for (Map.Entry<Path, Path> move : moves.entrySet()) {
        Path target = move.getValue();
        if (Files.exists(target)) {
          saved.put(keep(target, move.getKey().resolveSibling("old-" + saved.size())), target);
        }
        move(move.getKey(), target);
        placed.add(target);
      }
      done = true;
    } finally {
      if (!done) {
        for (Path target : placed) {
          if (!saved.containsValue(target)) {
            Files.deleteIfExists(target);
          }
        }
        for (Map.Entry<Path, Path> old : saved.entrySet()) {
          Files.move(old.getKey(), old.getValue(), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }

  /** A second name for a file, or a copy where the file system knows no links. */
  private static Path keep(Path file, Path as) throws IOException {
    try {
      return Files.createLink(as, file);
    } catch (UnsupportedOperationException | FileSystemException e) {
      return Files.copy(file, as);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public void close() throws CommandException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw Refusal.of("IO", "a working folder cannot be removed; remove it folder=" + folder, e);
    }
  }
}
