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

import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Files that appear together, each whole, or not at all: they are written beside their places under
 * other names, brought to the disk, and renamed when all of them are there.
 */
public final class OutputFiles implements AutoCloseable {
  private final Path folder;
  private final Map<Path, Path> parts = new LinkedHashMap<>();
  private final @Nullable Path made;
  private boolean committed;

  private OutputFiles(Path folder, @Nullable Path made) {
    this.folder = folder;
    this.made = made;
  }

  /** What writes a file. */
  @FunctionalInterface
  public interface Content {
    /** Writes all of it. */
    void writeTo(Path file) throws IOException, CommandException;
  }

  /**
   * Into a folder, which is made if it is not there.
   *
   * @throws CommandException if it cannot be made
   */
  public static OutputFiles into(Path folder) throws CommandException {
    Path absolute = folder.toAbsolutePath().normalize();
    Path missing = absolute;
    while (missing.getParent() != null && !Files.exists(missing.getParent())) {
      missing = missing.getParent();
    }
    boolean there = Files.exists(absolute);
    try {
      Files.createDirectories(absolute);
    } catch (IOException e) {
      throw unwritable("the folder for the results cannot be made", absolute, e);
    }
    return new OutputFiles(absolute, there ? null : missing);
  }

  private static CommandException unwritable(String what, Path file, IOException cause) {
    return new CommandException(
        ExitCode.FAILED,
        "UNWRITABLE",
        what + "; nothing was left there file=" + file + " cause=" + cause,
        cause);
  }

  /** Where a file will be. */
  public Path place(String name) {
    return folder.resolve(name);
  }

  /**
   * Writes a file under another name.
   *
   * @return where it is until {@link #commit}
   * @throws CommandException if it cannot be written
   */
  public Path stage(String name, Content content) throws CommandException {
    return stage(folder.resolve(name), content);
  }

  /** As {@link #stage(String, Content)}, for a file in any folder that is there. */
  public Path stage(Path file, Content content) throws CommandException {
    Path part =
        file.resolveSibling(
            "." + file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
    parts.put(file, part);
    // If the process ends without close.
    part.toFile().deleteOnExit();
    try {
      content.writeTo(part);
      try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      return part;
    } catch (IOException e) {
      throw unwritable("a result cannot be written", file, e);
    }
  }

  /**
   * Leaves a file out after all.
   *
   * @throws CommandException if it cannot be removed
   */
  public void drop(String name) throws CommandException {
    Path part = parts.remove(folder.resolve(name));
    if (part != null) {
      try {
        Files.deleteIfExists(part);
      } catch (IOException e) {
        throw unwritable("a file cannot be removed", part, e);
      }
    }
  }

  /**
   * Brings all of them to their places, over what was there.
   *
   * @throws CommandException if that is not possible
   */
  public void commit() throws CommandException {
    for (Map.Entry<Path, Path> part : parts.entrySet()) {
      try {
        Files.move(
            part.getValue(),
            part.getKey(),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        throw unwritable("a result cannot be written", part.getKey(), e);
      }
    }
    committed = true;
  }

  /** Removes what was not committed, and the folder if it was made for it. */
  @Override
  public void close() throws CommandException {
    if (committed) {
      return;
    }
    try {
      for (Path part : parts.values()) {
        Files.deleteIfExists(part);
      }
      removeMade();
    } catch (IOException e) {
      throw unwritable("files that were not finished cannot be removed", folder, e);
    }
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.findAny().isEmpty();
    }
  }

  private void removeMade() throws IOException {
    Path each = folder;
    while (made != null && each != null && each.startsWith(made) && isEmpty(each)) {
      Files.delete(each);
      each = each.getParent();
    }
  }
}
