/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.gateway;

import io.shoji.dp.DeploymentPackageWriter;
import io.shoji.testkit.TfliteModels;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The packages as they ship, and packages made of changed bundles. */
final class Packages {
  static final String MODEL_JSON = "SHOJI-INF/model.json";

  private static final Path SHIPPED = Path.of(System.getProperty("gateway.packages"));

  private Packages() {}

  /** The architecture of this machine, as packages name it. */
  static String architecture() {
    String name = System.getProperty("os.arch");
    return name.equals("amd64") ? "x86_64" : name;
  }

  /** A package that ships, as {@code core}. */
  static Path shipped(String module) {
    return SHIPPED.resolve("io.shoji.dp." + module + ".dp");
  }

  static Path driver(String architecture) {
    return shipped("driver-cpu-linux-" + architecture);
  }

  /** Puts a file into a folder at once, as one moves a file that was copied beside it. */
  static Path put(Path source, Path folder, String name) throws IOException {
    Path part = folder.resolve("." + name + ".part");
    Files.copy(source, part, StandardCopyOption.REPLACE_EXISTING);
    return Files.move(
        part,
        folder.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  /** The bundles of a package by symbolic name, each in a file of its own. */
  static Map<String, Path> bundles(Path dp, Path folder) throws IOException {
    Map<String, Path> bundles = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(dp.toFile())) {
      for (ZipEntry entry : zip.stream().toList()) {
        if (entry.getName().startsWith("bundles/")) {
          Path file = folder.resolve(entry.getName().substring("bundles/".length()));
          try (InputStream in = zip.getInputStream(entry)) {
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
          }
          try (JarFile jar = new JarFile(file.toFile())) {
            bundles.put(
                jar.getManifest().getMainAttributes().getValue("Bundle-SymbolicName"), file);
          }
        }
      }
    }
    return bundles;
  }

  /** Changes of a bundle: headers of its manifest, and contents by path. */
  static final class Edit {
    private final Map<String, String> headers = new LinkedHashMap<>();
    private final Map<String, UnaryOperator<byte[]>> contents = new LinkedHashMap<>();

    Edit header(String name, String value) {
      headers.put(name, value);
      return this;
    }

    Edit content(String path, UnaryOperator<byte[]> change) {
      contents.put(path, change);
      return this;
    }

    /** Replaces a piece of {@code model.json} that must be there. */
    Edit modelJson(String piece, String with) {
      return content(
          MODEL_JSON,
          bytes -> {
            String text = new String(bytes, StandardCharsets.UTF_8);
            if (!text.contains(piece)) {
              throw new AssertionError("model.json holds no " + piece + ":\n" + text);
            }
            return text.replace(piece, with).getBytes(StandardCharsets.UTF_8);
          });
    }

    void write(Path source, Path target) throws IOException {
      try (JarFile jar = new JarFile(source.toFile())) {
        Manifest manifest = new Manifest(jar.getManifest());
        headers.forEach((name, value) -> manifest.getMainAttributes().putValue(name, value));
        try (OutputStream file = Files.newOutputStream(target);
            JarOutputStream out = new JarOutputStream(file, manifest)) {
          for (JarEntry entry : jar.stream().toList()) {
            if (entry.getName().equals(JarFile.MANIFEST_NAME) || entry.isDirectory()) {
              continue;
            }
            byte[] bytes;
            try (InputStream in = jar.getInputStream(entry)) {
              bytes = in.readAllBytes();
            }
            UnaryOperator<byte[]> change = contents.get(entry.getName());
            out.putNextEntry(new JarEntry(entry.getName()));
            out.write(change == null ? bytes : change.apply(bytes));
            out.closeEntry();
          }
        }
      }
    }
  }

  /** A package of the digits model as another version, changed. */
  static Path digits(Path folder, String bundleVersion, String modelVersion, Edit edit)
      throws Exception {
    Path bundle = bundles(shipped("model-digits"), folder).get("io.shoji.model.digits");
    Path changed = folder.resolve("digits-" + bundleVersion + ".jar");
    edit.header("Bundle-Version", bundleVersion)
        .header(
            "Provide-Capability",
            "io.shoji.model;io.shoji.model=\"digits\";version:Version=\"" + modelVersion + "\"");
    edit.write(bundle, changed);
    Path dp = folder.resolve("io.shoji.model.digits-" + bundleVersion + ".dp");
    new DeploymentPackageWriter("io.shoji.model.digits", bundleVersion).bundle(changed).write(dp);
    return dp;
  }

  /** The package of a TensorFlow Lite model. */
  static Path perceptron(Path folder) throws Exception {
    byte[] model = TfliteModels.mlp(1, 4, 8, 2);
    String json =
        """
        {"schemaVersion": 1, "name": "perceptron", "version": "1.0.0", "title": "Test",
         "description": "", "licence": "EPL-2.0", "task": "other",
         "inputs": [{"name": "x", "type": "FLOAT32", "shape": [-1, 4]}],
         "outputs": [{"name": "y", "type": "FLOAT32", "shape": [-1, 2]}],
         "labels": [],
         "variants": [{"name": "tflite", "format": "tflite", "precision": "FP32",
           "filter": "(shoji.kind=cpu)",
           "files": [{"path": "models/model.tflite", "sha256": "%s", "size": %d}]}]}
        """
            .formatted(
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(model)),
                model.length);
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
    manifest.getMainAttributes().putValue("Bundle-ManifestVersion", "2");
    manifest.getMainAttributes().putValue("Bundle-SymbolicName", "io.shoji.model.perceptron");
    manifest.getMainAttributes().putValue("Bundle-Version", "0.1.0");
    manifest
        .getMainAttributes()
        .putValue(
            "Provide-Capability",
            "io.shoji.model;io.shoji.model=\"perceptron\";version:Version=\"1.0.0\"");
    Path bundle = folder.resolve("perceptron.jar");
    try (OutputStream file = Files.newOutputStream(bundle);
        JarOutputStream jar = new JarOutputStream(file, manifest)) {
      jar.putNextEntry(new JarEntry(MODEL_JSON));
      jar.write(json.getBytes(StandardCharsets.UTF_8));
      jar.putNextEntry(new JarEntry("SHOJI-INF/models/model.tflite"));
      jar.write(model);
    }
    Path dp = folder.resolve("io.shoji.model.perceptron-0.1.0.dp");
    new DeploymentPackageWriter("io.shoji.model.perceptron", "0.1.0").bundle(bundle).write(dp);
    return dp;
  }

  /** The package of what shows in Kura as another version, unchanged. */
  static Path kura(Path folder, String version) throws Exception {
    Path bundle = bundles(shipped("kura"), folder).get("io.shoji.kura");
    Path changed = folder.resolve("kura-" + version + ".jar");
    new Edit().header("Bundle-Version", version).write(bundle, changed);
    Path dp = folder.resolve("io.shoji.kura-" + version + ".dp");
    new DeploymentPackageWriter("io.shoji.kura", version).bundle(changed).write(dp);
    return dp;
  }

  /** A copy of a file, cut to a share of its bytes. */
  static Path cut(Path file, Path target, double share) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    return Files.write(target, Arrays.copyOf(bytes, (int) (bytes.length * share)));
  }
}
