/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to a device among all gateways and workers of the machine: a lock on a file, which the
 * system takes back however a process ends. The file stays, and says who had it last.
 */
final class DeviceLock implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceLock.class);

  /** Folders that all users may write to; the first that is there is taken. */
  private static final List<String> FOLDERS = List.of("/run/lock", "/dev/shm", "/tmp");

  private static final int MOST_TEXT = 256;

  private final FileChannel channel;
  private final FileLock lock;

  private DeviceLock(FileChannel channel, FileLock lock) {
    this.channel = channel;
    this.lock = lock;
  }

  /** Where locks lie unless it is configured. */
  static Path folder(String configured, DeviceFiles files) {
    if (!configured.isBlank()) {
      return Path.of(configured.strip());
    }
    return FOLDERS.stream()
        .map(files::file)
        .filter(folder -> Files.isDirectory(folder) && Files.isWritable(folder))
        .findFirst()
        .orElseGet(() -> Path.of(System.getProperty("java.io.tmpdir", "/tmp")));
  }

  /**
   * Takes the right.
   *
   * @param device its serial number, or its place if it has none
   * @throws AcceleratorException DEVICE_BUSY if another process has it, or FAILED
   */
  static DeviceLock take(Path folder, String device) throws AcceleratorException {
    Path file =
        real(folder)
            .resolve("shoji-edgetpu-" + device.replaceAll("[^A-Za-z0-9._-]", "_") + ".lock");
    if (DeviceFiles.isOpenHere(file)) {
      // To open it once more, and to close that, would give the lock of this process back.
      throw busy(device, file, "pid=" + ProcessHandle.current().pid() + ", another driver in it");
    }
    FileChannel channel = null;
    DeviceLock taken = null;
    try {
      channel = open(file);
      FileLock lock = lock(channel);
      if (lock == null) {
        throw busy(device, file, content(channel));
      }
      byte[] owner =
          ("pid=" + ProcessHandle.current().pid() + " driver=" + EdgeTpuDriver.PID + "\n")
              .getBytes(StandardCharsets.US_ASCII);
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(owner), 0);
      taken = new DeviceLock(channel, lock);
      return taken;
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.FAILED,
          "the lock that keeps others from the Edge TPU cannot be taken; give the gateway's user the"
              + " right to write it, or set edgeTpuLockFolder device="
              + device
              + " lock="
              + file
              + " reason="
              + e,
          e);
    } finally {
      if (taken == null && channel != null) {
        shut(channel);
      }
    }
  }

  /** Without symbolic links, as the system names open files. */
  private static Path real(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException e) {
      LOG.debug("there is no such folder, which shows when the lock is made folder={}", folder, e);
      return folder;
    }
  }

  private static AcceleratorException busy(String device, Path file, String owner) {
    return new AcceleratorException(
        Code.DEVICE_BUSY,
        "another gateway or worker has the Edge TPU, and it can have one owner only; stop that one, or"
            + " give it another device device="
            + device
            + " lock="
            + file
            + " owner=["
            + owner
            + "]");
  }

  /** The lock; null if another process, or another driver in this one, has it. */
  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      LOG.debug("another driver of this process has the lock", e);
      return null;
    }
  }

  /**
   * Opens the file for all users; in such folders an existing one of another user is not created.
   */
  private static FileChannel open(Path file) throws IOException {
    while (true) {
      try {
        return FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      } catch (NoSuchFileException absent) {
        LOG.debug("the first owner makes the lock file={}", file, absent);
      }
      try {
        Files.createFile(file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
      } catch (FileAlreadyExistsException other) {
        LOG.debug("another process has just made the lock file={}", file, other);
      }
    }
  }

  private static String content(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(MOST_TEXT);
    int length = channel.read(text, 0);
    return length <= 0
        ? "unknown"
        : new String(text.array(), 0, length, StandardCharsets.ISO_8859_1).strip();
  }

  private static void shut(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.warn("a lock cannot be given back; the system does when the process ends", e);
    }
  }

  /** Gives the right back. */
  @Override
  public void close() {
    LOG.debug("the lock is given back lock={}", lock);
    shut(channel);
  }
}
