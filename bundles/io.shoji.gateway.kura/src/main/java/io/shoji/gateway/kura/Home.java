/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.osgi.framework.BundleContext;

/**
 * The folder that stands for Kura's {@code /opt/eclipse/kura}, and how files are written there: for
 * this user alone, whole or not at all. Thread safe.
 */
public final class Home {
  /** Framework property that says where it is; without it, the bundle's own storage. */
  public static final String PROPERTY = "io.shoji.gateway.kura.home";

  private static final FileAttribute<Set<PosixFilePermission>> OWNER_READS_AND_WRITES =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ENTERS =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private Home() {}

  /**
   * The folder, made if it is not there.
   *
   * @throws IOException if it cannot be made
   */
  public static Path of(BundleContext context) throws IOException {
    String configured = context.getProperty(PROPERTY);
    Path home = configured == null ? context.getDataFile("kura").toPath() : Path.of(configured);
    return folder(home.toAbsolutePath());
  }

  /**
   * Makes a folder that only this user can enter, unless it is there.
   *
   * @return the folder
   * @throws IOException if it cannot be made
   */
  public static Path folder(Path folder) throws IOException {
    return Files.createDirectories(folder, OWNER_ENTERS);
  }

  /**
   * Writes a file that only this user can read, in one step: after a power cut it has the old or
   * the new content.
   *
   * @throws IOException if it cannot be written; the old content stays
   */
  public static void write(Path file, byte[] content) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Path part =
        Files.createTempFile(folder, "." + file.getFileName(), ".part", OWNER_READS_AND_WRITES);
    try {
      try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
        ByteBuffer left = ByteBuffer.wrap(content);
        while (left.hasRemaining()) {
          channel.write(left);
        }
        channel.force(true);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
    } finally {
      Files.deleteIfExists(part);
    }
  }
}
