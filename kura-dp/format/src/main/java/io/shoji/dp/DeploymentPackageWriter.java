/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.dp;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes a deployment package: {@code META-INF/MANIFEST.MF} first, then the bundles in the order in
 * which they were added, and nothing else. Felix DeploymentAdmin 0.9 stops at any entry between
 * them that the manifest does not describe, even at a folder's.
 *
 * <p>The same bundles in the same order give the same bytes, whenever and wherever. Not thread
 * safe.
 */
public final class DeploymentPackageWriter {
  /**
   * The earliest time a zip entry can carry without an extra field; the same in every time zone.
   */
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 2, 1, 0, 0);

  /** Bytes of a manifest line without its line end (JAR File Specification). */
  private static final int LINE_BYTES = 72;

  private final String name;
  private final String version;
  private final Map<String, String> headers = new LinkedHashMap<>();
  private final List<Path> jars = new ArrayList<>();
  private final List<BundleIdentity> bundles = new ArrayList<>();

  /**
   * Starts a package.
   *
   * @param symbolicName {@code DeploymentPackage-SymbolicName}, as {@code io.shoji.core}
   * @param version {@code DeploymentPackage-Version}, an OSGi version
   * @throws InvalidPackageException if one of them is not in the syntax
   */
  public DeploymentPackageWriter(String symbolicName, String version)
      throws InvalidPackageException {
    this.name =
        BundleIdentity.symbolicName(symbolicName, "DeploymentPackage-SymbolicName", symbolicName);
    this.version = BundleIdentity.version(version, "DeploymentPackage-Version", symbolicName);
  }

  /**
   * Adds a header to the main section, as {@code DeploymentPackage-Name}.
   *
   * @throws IllegalArgumentException if the value holds a line end or the writer sets that header
   */
  public DeploymentPackageWriter header(String header, String value) {
    if (value.indexOf('\n') >= 0 || value.indexOf('\r') >= 0) {
      throw new IllegalArgumentException("a header is one line header=" + header);
    }
    if (header.equals("DeploymentPackage-SymbolicName")
        || header.equals("DeploymentPackage-Version")) {
      throw new IllegalArgumentException("the writer itself sets this header header=" + header);
    }
    headers.put(header, value);
    return this;
  }

  /**
   * Adds a bundle. DeploymentAdmin installs and starts bundles in the order in which they are
   * added.
   *
   * @param jar file that stays as it is until {@link #write} returns
   * @throws InvalidPackageException if it is no bundle, or its symbolic name is already in the
   *     package
   * @throws IOException if it cannot be read
   */
  public DeploymentPackageWriter bundle(Path jar) throws IOException, InvalidPackageException {
    BundleIdentity identity;
    try (JarFile open = new JarFile(jar.toFile())) {
      identity = BundleIdentity.of(open.getManifest(), jar.toString());
    }
    for (int i = 0; i < bundles.size(); i++) {
      if (bundles.get(i).symbolicName().equals(identity.symbolicName())) {
        throw new InvalidPackageException(
            "a package holds a symbolic name once name="
                + identity.symbolicName()
                + " first="
                + jars.get(i)
                + " second="
                + jar);
      }
    }
    jars.add(jar);
    bundles.add(identity);
    return this;
  }

  /**
   * Writes the package, so that {@code target} is either as before or complete.
   *
   * @throws IOException if a bundle cannot be read or the package not be written; {@code target} is
   *     as before
   * @throws IllegalStateException if no bundle was added
   */
  public void write(Path target) throws IOException {
    if (bundles.isEmpty()) {
      throw new IllegalStateException("a package without bundles is of no use name=" + name);
    }
    Path folder = target.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Path temporary = target.resolveSibling("." + target.getFileName() + ".part");
    try {
      try (ZipOutputStream out =
          new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(temporary)))) {
        out.setLevel(Deflater.BEST_COMPRESSION);
        entry(out, "META-INF/MANIFEST.MF", stream -> stream.write(manifest()));
        for (int i = 0; i < jars.size(); i++) {
          Path jar = jars.get(i);
          entry(out, path(bundles.get(i)), stream -> Files.copy(jar, stream));
        }
      }
      Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static String path(BundleIdentity bundle) {
    return "bundles/" + bundle.symbolicName() + "-" + bundle.version() + ".jar";
  }

  private byte[] manifest() {
    StringBuilder text = new StringBuilder();
    line(text, "Manifest-Version", "1.0");
    line(text, "DeploymentPackage-SymbolicName", name);
    line(text, "DeploymentPackage-Version", version);
    headers.forEach((header, value) -> line(text, header, value));
    for (BundleIdentity bundle : bundles) {
      text.append("\r\n");
      line(text, "Name", path(bundle));
      line(text, "Bundle-SymbolicName", bundle.symbolicName());
      line(text, "Bundle-Version", bundle.version());
    }
    // A manifest ends in an empty line, or its last section is lost on old readers.
    return text.append("\r\n").toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Appends a header, broken into lines of at most 72 bytes between characters. */
  private static void line(StringBuilder text, String header, String value) {
    String whole = header + ": " + value;
    int bytes = 0;
    for (int at = 0; at < whole.length(); ) {
      int point = whole.codePointAt(at);
      String character = Character.toString(point);
      int size = character.getBytes(StandardCharsets.UTF_8).length;
      if (bytes + size > LINE_BYTES) {
        text.append("\r\n ");
        bytes = 1;
      }
      text.append(character);
      bytes += size;
      at += Character.charCount(point);
    }
    text.append("\r\n");
  }

  private interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private static void entry(ZipOutputStream out, String path, Content content) throws IOException {
    ZipEntry entry = new ZipEntry(path);
    entry.setTimeLocal(TIME);
    out.putNextEntry(entry);
    content.writeTo(out);
    out.closeEntry();
  }
}
