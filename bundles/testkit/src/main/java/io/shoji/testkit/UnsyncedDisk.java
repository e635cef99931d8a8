/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import io.shoji.disk.Disk;
import io.shoji.disk.LocalDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** The real disk without waiting for it, for tests that make thousands of stores. */
public class UnsyncedDisk implements Disk {
  private final Disk disk = new LocalDisk();

  @Override
  public void createFolder(Path folder) throws IOException {
    disk.createFolder(folder);
  }

  @Override
  public Sink create(Path file) throws IOException {
    return unsynced(disk.create(file));
  }

  @Override
  public Sink append(Path file) throws IOException {
    return unsynced(disk.append(file));
  }

  private static Sink unsynced(Sink sink) {
    return new Sink() {
      @Override
      public void write(ByteBuffer bytes) throws IOException {
        sink.write(bytes);
      }

      @Override
      public void sync() {
        // Not waited for.
      }

      @Override
      public void close() throws IOException {
        sink.close();
      }
    };
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    disk.move(from, to);
  }

  @Override
  public void link(Path link, Path file) throws IOException {
    disk.link(link, file);
  }

  @Override
  public void delete(Path path) throws IOException {
    disk.delete(path);
  }

  @Override
  public void sync(Path folder) throws IOException {
    // Not waited for.
  }

  @Override
  public long usableBytes(Path folder) throws IOException {
    return disk.usableBytes(folder);
  }
}
