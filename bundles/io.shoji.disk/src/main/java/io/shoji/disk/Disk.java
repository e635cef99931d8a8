/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Every change that a store makes to its folder, one call per change, so that a test can count
 * them, stop at any of them or play a power cut between them. What a call changes is on the disk
 * for certain only after the {@code sync} of the file or of the folder that holds the name.
 *
 * <p>Reading needs none of this: whoever reads uses {@link java.nio.file.Files}. Implementations
 * are thread safe, their sinks are for one thread at a time.
 */
public interface Disk {
  /**
   * Creates a folder in an existing one, for this user only; nothing happens if it is there.
   *
   * @throws IOException if the disk refuses, or something else has the name
   */
  void createFolder(Path folder) throws IOException;

  /**
   * Creates a folder in an existing one, for this user only, and waits until that is on the disk;
   * nothing happens if it is there.
   *
   * @throws IOException if the disk refuses, or something else has the name
   */
  default void establish(Path folder) throws IOException {
    boolean there = Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS);
    createFolder(folder);
    Path parent = folder.toAbsolutePath().getParent();
    if (!there && parent != null) {
      sync(parent);
    }
  }

  /**
   * Creates an empty file that only this user may read and nobody may write, and opens it for
   * writing this once.
   *
   * @throws java.nio.file.FileAlreadyExistsException if the name is taken
   * @throws IOException if the disk refuses
   */
  Sink create(Path file) throws IOException;

  /**
   * Opens a file to write after its end; creates it, for this user only, if it is not there.
   *
   * @throws IOException if the disk refuses
   */
  Sink append(Path file) throws IOException;

  /**
   * Gives a file or folder another name at once, replacing a file of that name.
   *
   * @throws IOException if the disk refuses, or cannot do it at once
   */
  void move(Path from, Path to) throws IOException;

  /**
   * Gives a file a second name.
   *
   * @throws UnsupportedOperationException if the file system has no hard links
   * @throws IOException if the disk refuses; file systems without hard links do that, too
   */
  void link(Path link, Path file) throws IOException;

  /**
   * Removes a file or an empty folder; nothing happens if it is not there.
   *
   * @throws IOException if the disk refuses, or a folder is not empty
   */
  void delete(Path path) throws IOException;

  /**
   * Waits until the names in a folder are on the disk.
   *
   * @throws IOException if that is not certain
   */
  void sync(Path folder) throws IOException;

  /** Bytes that this user may still write to the file system of {@code folder}. */
  long usableBytes(Path folder) throws IOException;

  /** A file being written. For its opener to close; closing does not sync. */
  interface Sink extends Closeable {
    /**
     * Writes every remaining byte after those before.
     *
     * @throws IOException if the disk refuses; some of the bytes may be in the file then
     */
    void write(ByteBuffer bytes) throws IOException;

    /**
     * Waits until the file's bytes are on the disk.
     *
     * @throws IOException if that is not certain
     */
    void sync() throws IOException;
  }
}
