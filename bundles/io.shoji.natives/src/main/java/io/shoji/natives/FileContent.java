/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * A file open for reading. Unlike a {@code FileChannel} it survives an interrupt of the thread that
 * reads it; drivers are stopped by interrupts. Thread safe.
 */
final class FileContent implements ElfFile.Content, Closeable {
  private final RandomAccessFile file;

  /** Opens a file; that very file is read even if another takes its name. */
  FileContent(Path path) throws IOException {
    this.file = new RandomAccessFile(path.toFile(), "r");
  }

  @Override
  public synchronized long size() throws IOException {
    return file.length();
  }

  @Override
  public synchronized int read(long at, byte[] into, int from, int length) throws IOException {
    file.seek(at);
    return file.read(into, from, length);
  }

  @Override
  public synchronized void close() throws IOException {
    file.close();
  }
}
