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

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Properties;

/**
 * What the gateway knows of an installed package.
 *
 * @param name symbolic name of the package
 * @param version its version, in full
 * @param sha256 digest of its file
 * @param source where it came from: {@code file:PATH}, or {@code inside:PATH@IDENTITY} for one from
 *     the application
 */
record InstalledPackage(String name, String version, String sha256, String source) {
  static final String SUFFIX = ".properties";

  /** Whether it came with the application and not from a user. */
  boolean isFromInside() {
    return source.startsWith("inside:");
  }

  static InstalledPackage read(Path file) throws IOException {
    Properties properties = new Properties();
    try (InputStream in = Files.newInputStream(file)) {
      properties.load(in);
    }
    return new InstalledPackage(
        value(properties, "name", file),
        value(properties, "version", file),
        value(properties, "sha256", file),
        value(properties, "source", file));
  }

  private static String value(Properties properties, String key, Path file) throws IOException {
    String value = properties.getProperty(key);
    if (value == null) {
      throw new IOException(
          "the record of a package is incomplete missing=" + key + " file=" + file);
    }
    return value;
  }

  /**
   * Writes this record, so that the file is either as before or complete, even after a power cut.
   */
  void write(Path file) throws IOException {
    Properties properties = new Properties();
    properties.setProperty("name", name);
    properties.setProperty("version", version);
    properties.setProperty("sha256", sha256);
    properties.setProperty("source", source);
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    try (OutputStream out = Files.newOutputStream(temporary)) {
      properties.store(out, null);
    }
    replace(temporary, file);
  }

  /** Puts a complete file in the place of another, durably. */
  static void replace(Path temporary, Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      sync(folder);
    }
  }

  /** Makes what was named or removed in a folder durable. */
  static void sync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  @Override
  public String toString() {
    return name + " " + version;
  }
}
