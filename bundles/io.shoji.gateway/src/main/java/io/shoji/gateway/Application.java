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
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;

/** The jar that was started, and the files inside of it. Thread safe. */
final class Application implements Closeable {
  private final JarFile jar;

  private Application(JarFile jar) {
    this.jar = jar;
  }

  /**
   * Opens the jar that this class came from.
   *
   * @throws GatewayException NOT_STARTED if the classes do not lie in the application's jar
   */
  static Application open() throws GatewayException {
    try {
      File file =
          new File(Application.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      return new Application(new JarFile(file));
    } catch (IOException | URISyntaxException e) {
      throw new GatewayException(
          Exit.NOT_STARTED,
          "start it as java -jar shoji-gateway.jar: what it installs is inside of that jar cause="
              + e,
          e);
    }
  }

  /**
   * A file inside of the jar.
   *
   * @param path its path
   * @param identity tells it from another file of that path, without reading it
   */
  record Content(String path, String identity) {
    String name() {
      return path.substring(path.lastIndexOf('/') + 1);
    }
  }

  /** The files below a folder, by path. */
  List<Content> list(String folder) {
    return jar.stream()
        .filter(entry -> !entry.isDirectory() && entry.getName().startsWith(folder + "/"))
        .map(
            entry ->
                new Content(
                    entry.getName(), Long.toHexString(entry.getCrc()) + "-" + entry.getSize()))
        .sorted(Comparator.comparing(Content::path))
        .toList();
  }

  /** Reads a file; the caller closes the stream. */
  InputStream read(Content content) throws IOException {
    return read(content.path());
  }

  /** Reads the file of a path; the caller closes the stream. */
  InputStream read(String path) throws IOException {
    ZipEntry entry = jar.getEntry(path);
    if (entry == null) {
      throw new IOException("the application has no such file path=" + path);
    }
    return jar.getInputStream(entry);
  }

  /** This machine's processor, as names of packages and libraries have it. */
  static String architecture() {
    String name = System.getProperty("os.arch");
    return name.equals("amd64") ? "x86_64" : name;
  }

  /** Writes the files below a folder into another one. */
  void extract(String folder, Path target) throws IOException {
    for (Content content : list(folder)) {
      Path file = target.resolve(content.path().substring(folder.length() + 1)).normalize();
      if (!file.startsWith(target)) {
        throw new IOException("the application holds a bad path path=" + content.path());
      }
      Files.createDirectories(file.getParent());
      try (InputStream in = read(content)) {
        Files.copy(in, file);
      }
    }
  }

  @Override
  public void close() throws IOException {
    jar.close();
  }
}
