/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Every change that the store makes to its folder, one call per change, so that a test can count
 * them, stop at any of them or play a power cut between them. What a call changes is on the disk
 * for certain only after the {@code sync} of the file or of the folder that holds the name.
 */
interface StoreFiles {
  /** Creates a folder in an existing one, for this user only; nothing happens if it is there. */
  void createFolder(Path folder) throws IOException;

  /**
   * Creates an empty file, for this user only, and opens it for writing.
   *
   * @throws java.nio.file.FileAlreadyExistsException if the name is taken
   */
  Sink create(Path file) throws IOException;

  /** Gives a file or folder another name at once, replacing a file of that name. */
  void move(Path from, Path to) throws IOException;

  /**
   * Gives a file a second name.
   *
   * @throws UnsupportedOperationException if the file system has no hard links
   */
  void link(Path link, Path file) throws IOException;

  /** Removes a file or an empty folder; nothing happens if it is not there. */
  void delete(Path path) throws IOException;

  /** Waits until the names in a folder are on the disk. */
  void sync(Path folder) throws IOException;

  /** Bytes that this user may still write to the file system of {@code folder}. */
  long usableBytes(Path folder) throws IOException;

  /** A file being written. */
  interface Sink extends Closeable {
    /** Appends every remaining byte. */
    void write(ByteBuffer bytes) throws IOException;

    /** Waits until the file's bytes are on the disk. */
    void sync() throws IOException;
  }
}
