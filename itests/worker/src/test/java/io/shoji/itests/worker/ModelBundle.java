/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/** Writes bundles of models. */
final class ModelBundle {
  private ModelBundle() {}

  /**
   * Writes version 1.0.0 of a model, {@code test.model.NAME}.
   *
   * @param description its {@code model.json}
   * @param file name of the model's file
   */
  static Path write(Path folder, String name, String description, String file, byte[] content)
      throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.putValue("Manifest-Version", "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", "test.model." + name);
    main.putValue("Bundle-Version", "1.0.0");
    main.putValue(
        "Provide-Capability",
        "io.shoji.model;io.shoji.model=" + name + ";version:Version=\"1.0.0\"");
    Path bundle = Files.createDirectories(folder).resolve("test.model." + name + ".jar");
    try (OutputStream out = Files.newOutputStream(bundle);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      jar.putNextEntry(new JarEntry("SHOJI-INF/model.json"));
      jar.write(description.getBytes(StandardCharsets.UTF_8));
      jar.putNextEntry(new JarEntry("SHOJI-INF/" + file));
      jar.write(content);
      jar.closeEntry();
    }
    return bundle;
  }
}
