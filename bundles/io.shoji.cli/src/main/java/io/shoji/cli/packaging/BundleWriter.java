/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes a model package's bundle: resources and a capability, no code. The same contents give the
 * same bytes.
 */
final class BundleWriter {
  /** As everything else in a package is dated, see {@link io.shoji.dp.DeploymentPackageWriter}. */
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 2, 1, 0, 0);

  /** Where the bytes of a file come from. */
  interface Content {
    InputStream open() throws IOException;
  }

  private final Manifest manifest = new Manifest();
  private final Map<String, Content> files = new TreeMap<>();

  /**
   * Starts a bundle.
   *
   * @param modelName attribute of the capability, as is the version
   */
  BundleWriter(String symbolicName, String version, String modelName, String modelVersion) {
    header("Manifest-Version", "1.0");
    header("Bundle-ManifestVersion", "2");
    header("Bundle-SymbolicName", symbolicName);
    header("Bundle-Version", version);
    header(
        "Provide-Capability",
        "io.shoji.model;io.shoji.model=\""
            + modelName
            + "\";version:Version=\""
            + modelVersion
            + "\"");
  }

  /** Adds a header to the manifest. */
  void header(String name, String value) {
    manifest.getMainAttributes().put(new Attributes.Name(name), value);
  }

  /**
   * Adds a file.
   *
   * @param path in the bundle
   */
  void file(String path, Content content) {
    files.put(path, content);
  }

  /** Writes the bundle; whoever fails leaves a part of it. */
  void write(Path target) throws IOException, InterruptedException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.setLevel(Deflater.BEST_COMPRESSION);
      zip.putNextEntry(entry("META-INF/MANIFEST.MF"));
      manifest.write(zip);
      zip.closeEntry();
      byte[] block = new byte[1 << 16];
      for (Map.Entry<String, Content> file : files.entrySet()) {
        zip.putNextEntry(entry(file.getKey()));
        try (InputStream in = file.getValue().open()) {
          for (int read = in.read(block); read >= 0; read = in.read(block)) {
            if (Thread.interrupted()) {
              throw new InterruptedException();
            }
            zip.write(block, 0, read);
          }
        }
        zip.closeEntry();
      }
    }
  }

  private static ZipEntry entry(String path) {
    ZipEntry entry = new ZipEntry(path);
    entry.setTimeLocal(TIME);
    return entry;
  }
}
