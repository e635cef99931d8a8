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
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Makes a package that can be installed beside other versions of itself. DeploymentAdmin stops the
 * bundles of a package before it starts those of the next version with the same name, and a bundle
 * belongs to one package; so package and bundles carry their version in their symbolic names here.
 *
 * <p>What is inside the bundles stays as it is, also names of components and configurations, which
 * all versions share. A driver and the library that it brings stay together: the capability {@code
 * io.shoji.native} and whoever requires it are renamed alike, so that no driver is wired to the
 * library of another version.
 */
public final class SideBySide {
  /** Header of such a package: symbolic name of the package that it is a version of. */
  public static final String HEADER = "Shoji-Beside";

  private static final String MANIFEST = JarFile.MANIFEST_NAME;
  private static final Pattern NATIVE = Pattern.compile("(io\\.shoji\\.native=\"?)([\\w.-]+)");
  private static final Pattern SIGNATURE =
      Pattern.compile("META-INF/[^/]+\\.(SF|RSA|DSA|EC)", Pattern.CASE_INSENSITIVE);

  private SideBySide() {}

  /** Symbolic name of a version of a package or bundle, as {@code io.shoji.driver.cpu-0.1.0}. */
  public static String name(String symbolicName, String version) {
    return symbolicName + "-" + version;
  }

  /**
   * Writes a package.
   *
   * @param name symbolic name of the package that it is a version of
   * @param headers further headers of the package
   * @param jars its bundles, in order; only read
   * @throws InvalidPackageException if one is no bundle, or is signed, since its signature would
   *     not hold any more
   * @throws IOException if a bundle cannot be read or the package not be written; {@code target} is
   *     as before
   */
  public static void write(
      String name, String version, Map<String, String> headers, List<Path> jars, Path target)
      throws IOException, InvalidPackageException {
    DeploymentPackageWriter writer =
        new DeploymentPackageWriter(name(name, version), version).header(HEADER, name);
    headers.forEach(writer::header);
    List<Path> temporary = new ArrayList<>();
    try {
      for (Path jar : jars) {
        Path renamed = Files.createTempFile("shoji-beside", ".jar");
        temporary.add(renamed);
        bundle(jar, version, renamed);
        writer.bundle(renamed);
      }
      writer.write(target);
    } finally {
      for (Path each : temporary) {
        Files.delete(each);
      }
    }
  }

  /**
   * Writes a bundle with the version in its symbolic name.
   *
   * @throws InvalidPackageException if it is no bundle, or is signed
   * @throws IOException if a file cannot be read or written
   */
  static void bundle(Path jar, String version, Path target)
      throws IOException, InvalidPackageException {
    try (JarFile from = new JarFile(jar.toFile(), false, ZipFile.OPEN_READ);
        ZipOutputStream to =
            new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(target)))) {
      Manifest manifest = from.getManifest();
      BundleIdentity identity = BundleIdentity.of(manifest, jar.toString());
      rename(manifest.getMainAttributes(), identity.symbolicName(), version);
      ZipEntry first = new ZipEntry(MANIFEST);
      first.setTimeLocal(from.getEntry(MANIFEST).getTimeLocal());
      to.putNextEntry(first);
      manifest.write(to);
      to.closeEntry();
      Enumeration<? extends ZipEntry> entries = from.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        if (SIGNATURE.matcher(entry.getName()).matches()) {
          throw new InvalidPackageException(
              "the bundle is signed, and its signature would not hold under another name; sign the"
                  + " package instead entry="
                  + entry.getName()
                  + " file="
                  + jar);
        }
        if (!entry.getName().equals(MANIFEST)) {
          copy(from, entry, to);
        }
      }
    }
  }

  private static void copy(JarFile from, ZipEntry entry, ZipOutputStream to) throws IOException {
    ZipEntry same = new ZipEntry(entry.getName());
    same.setTimeLocal(entry.getTimeLocal());
    to.putNextEntry(same);
    try (InputStream content = from.getInputStream(entry)) {
      content.transferTo((OutputStream) to);
    }
    to.closeEntry();
  }

  private static void rename(Attributes main, String symbolicName, String version) {
    String directives = main.getValue("Bundle-SymbolicName").substring(symbolicName.length());
    main.putValue("Bundle-SymbolicName", name(symbolicName, version) + directives);
    for (String header : List.of("Provide-Capability", "Require-Capability")) {
      String value = main.getValue(header);
      if (value != null) {
        main.putValue(
            header,
            NATIVE.matcher(value).replaceAll("$1$2" + Matcher.quoteReplacement("-" + version)));
      }
    }
  }
}
