/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.local;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A folder for one run below the system's temporary folder, removed when it is closed or, at the
 * latest, when the process ends. What a killed run could not remove, the next run does: a folder
 * whose lock nobody holds is nobody's.
 */
public final class RunFolder implements AutoCloseable {
  private static final String PREFIX = "shoji-run-";
  private static final String LOCK = "lock";

  /** A folder is not looked at before its owner has surely locked it. */
  private static final long YOUNG_MILLIS = 60_000;

  /** Patience with a command that was interrupted and puts things in order itself. */
  private static final long PATIENCE_MILLIS = 4_000;

  private final Path path;
  private final FileChannel channel;
  private final Thread remover;
  private final CountDownLatch closed = new CountDownLatch(1);

  private RunFolder(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
    this.remover = new Thread(this::removeAtTheEnd, "shoji-remove-" + path.getFileName());
  }

  /**
   * Makes a folder that only this user may enter.
   *
   * @throws IOException if it cannot be made
   */
  public static RunFolder create() throws IOException {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir", "/tmp"));
    sweep(temporary);
    Path path = Files.createTempDirectory(temporary, PREFIX).toRealPath();
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              path.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      channel.lock();
      RunFolder folder = new RunFolder(path, channel);
      Runtime.getRuntime().addShutdownHook(folder.remover);
      return folder;
    } catch (IOException | RuntimeException e) {
      if (channel != null) {
        channel.close();
      }
      delete(path);
      throw e;
    }
  }

  /** Removes what runs have left that were killed. */
  private static void sweep(Path temporary) throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(temporary, PREFIX + "*")) {
      for (Path folder : left) {
        Path lock = folder.resolve(LOCK);
        if (Files.isRegularFile(lock, LinkOption.NOFOLLOW_LINKS)
            && Files.isWritable(lock)
            && System.currentTimeMillis() - Files.getLastModifiedTime(lock).toMillis()
                > YOUNG_MILLIS
            && Files.getOwner(folder).equals(Files.getOwner(Path.of("/proc/self")))) {
          removeIfNobodys(folder, lock);
        }
      }
    }
  }

  private static boolean removeIfNobodys(Path folder, Path lock) throws IOException {
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE);
        FileLock free = channel.tryLock()) {
      if (free == null) {
        return false;
      }
      delete(folder);
      return true;
    } catch (OverlappingFileLockException | NoSuchFileException e) {
      // Of this process, or removed meanwhile by its owner.
      return false;
    }
  }

  /** The folder. */
  public Path path() {
    return path;
  }

  private void remove() throws IOException {
    try {
      delete(path);
    } finally {
      channel.close();
    }
  }

  private void removeAtTheEnd() {
    try {
      if (!closed.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
        remove();
      }
    } catch (IOException | InterruptedException e) {
      System.err.println(
          "shoji: a temporary folder stays, remove it folder=" + path + " cause=" + e);
    }
  }

  /** Removes a folder with all it holds; what is gone already is fine. */
  static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure)
              throws IOException {
            if (failure instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw failure;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.deleteIfExists(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Removes the folder. */
  @Override
  public void close() throws IOException {
    if (closed.getCount() == 0) {
      return;
    }
    try {
      remove();
    } finally {
      closed.countDown();
    }
    try {
      Runtime.getRuntime().removeShutdownHook(remover);
    } catch (IllegalStateException e) {
      // The process ends already. The hook finds that nothing is left to do.
      return;
    }
  }
}
