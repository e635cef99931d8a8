/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import io.shoji.gateway.GatewayException.Exit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * The folder that a gateway works in, for this process alone as long as it is open.
 *
 * <p>{@code installed/} says what is installed; {@code framework/} can be made from it again at any
 * time.
 */
final class WorkFolder implements AutoCloseable {
  private final Path root;
  private final FileChannel channel;
  private final FileLock lock;
  private final boolean temporary;

  private WorkFolder(Path root, FileChannel channel, FileLock lock, boolean temporary) {
    this.root = root;
    this.channel = channel;
    this.lock = lock;
    this.temporary = temporary;
  }

  /**
   * Takes a folder, which is made if it is not there, only for this user to enter.
   *
   * @throws GatewayException FOLDER_IN_USE if another process has it, NOT_STARTED if it cannot be
   *     made or written
   */
  static WorkFolder open(Path root) throws GatewayException {
    try {
      Files.createDirectories(
          root, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      return lock(root, false);
    } catch (IOException e) {
      throw new GatewayException(
          Exit.NOT_STARTED, "the work folder cannot be used cause=" + e + " folder=" + root, e);
    }
  }

  /**
   * Takes a new folder that is removed when it is closed.
   *
   * @throws GatewayException NOT_STARTED if it cannot be made
   */
  static WorkFolder temporary() throws GatewayException {
    try {
      return lock(Files.createTempDirectory("shoji-gateway-"), true);
    } catch (IOException e) {
      throw new GatewayException(
          Exit.NOT_STARTED, "no temporary folder can be made; give one with --work cause=" + e, e);
    }
  }

  private static WorkFolder lock(Path root, boolean temporary)
      throws IOException, GatewayException {
    Path file = root.resolve("gateway.lock");
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    FileLock lock = tryLock(channel);
    if (lock == null) {
      ByteBuffer owner = ByteBuffer.allocate(32);
      channel.read(owner, 0);
      channel.close();
      throw new GatewayException(
          Exit.FOLDER_IN_USE,
          "another gateway works in this folder: stop it, or give another folder with --work process="
              + new String(owner.array(), 0, owner.position(), StandardCharsets.US_ASCII).trim()
              + " folder="
              + root);
    }
    channel.truncate(0);
    String process = ProcessHandle.current().pid() + "\n";
    channel.write(ByteBuffer.wrap(process.getBytes(StandardCharsets.US_ASCII)), 0);
    return new WorkFolder(root, channel, lock, temporary);
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // This very process has it.
      return null;
    }
  }

  Path root() {
    return root;
  }

  /** The framework's own storage. */
  Path framework() {
    return root.resolve("framework");
  }

  /** Copies of what is installed, and what is known of it. */
  Path installed() {
    return root.resolve("installed");
  }

  /** Configurations, which outlive the framework's storage. */
  Path configuration() {
    return root.resolve("configuration");
  }

  /** What is Kura's folder on a gateway with Kura. */
  Path kura() {
    return root.resolve("kura");
  }

  /** The folder that is watched for packages, unless another one is given. */
  Path packages() {
    return root.resolve("packages");
  }

  Path log() {
    return root.resolve("log");
  }

  /** Removes a folder and everything in it; does nothing if it is not there. */
  static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Lets go of the folder. */
  @Override
  public void close() throws IOException {
    try {
      if (temporary) {
        delete(root);
      }
    } finally {
      lock.release();
      channel.close();
    }
  }
}
