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

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * The disk of this machine. Thread safe. A thread that is interrupted, as a load that is given up,
 * ends what it is doing here, and stays interrupted.
 */
public final class LocalDisk implements Disk {
  private static final int CHUNK_BYTES = 64 << 10;
  private static final FileAttribute<Set<PosixFilePermission>> FOLDER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final Set<PosixFilePermission> FIXED =
      PosixFilePermissions.fromString("r--------");
  private static final FileAttribute<Set<PosixFilePermission>> GROWING =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  @Override
  public void createFolder(Path folder) throws IOException {
    try {
      Files.createDirectory(folder, FOLDER);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
        throw e;
      }
    }
  }

  @Override
  public Sink create(Path file) throws IOException {
    Files.createFile(file, GROWING);
    Sink sink = sink(file);
    try {
      // Only now, for it is open: nobody else writes to it any more.
      Files.setPosixFilePermissions(file, FIXED);
      return sink;
    } catch (IOException e) {
      sink.close();
      throw e;
    }
  }

  @Override
  public Sink append(Path file) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      try {
        Files.createFile(file, GROWING);
      } catch (FileAlreadyExistsException e) {
        // Somebody else was quicker, and it is to be appended to in any case.
      }
    }
    return sink(file);
  }

  /** A stream, since an interrupt in the middle of a write closes a channel. */
  private static Sink sink(Path file) throws IOException {
    FileOutputStream stream = new FileOutputStream(file.toFile(), true);
    return new Sink() {
      @Override
      public void write(ByteBuffer bytes) throws IOException {
        if (bytes.hasArray()) {
          stream.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
          bytes.position(bytes.limit());
          return;
        }
        byte[] chunk = new byte[Math.min(bytes.remaining(), CHUNK_BYTES)];
        while (bytes.hasRemaining()) {
          int length = Math.min(bytes.remaining(), chunk.length);
          bytes.get(chunk, 0, length);
          stream.write(chunk, 0, length);
        }
      }

      @Override
      public void sync() throws IOException {
        stream.getFD().sync();
      }

      @Override
      public void close() throws IOException {
        stream.close();
      }
    };
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public void link(Path link, Path file) throws IOException {
    Files.createLink(link, file);
  }

  @Override
  public void delete(Path path) throws IOException {
    Files.deleteIfExists(path);
  }

  @Override
  public void sync(Path folder) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
          channel.force(true);
          return;
        } catch (ClosedByInterruptException e) {
          // Once more, and the thread is told afterwards.
          interrupted |= Thread.interrupted();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public long usableBytes(Path folder) throws IOException {
    return Files.getFileStore(folder).getUsableSpace();
  }
}
