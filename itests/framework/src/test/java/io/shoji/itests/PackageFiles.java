/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

import io.shoji.dp.DeploymentPackageWriter;
import io.shoji.dp.InvalidPackageException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Deployment packages for tests: those that ship, and others made of their bundles. */
final class PackageFiles {
  private PackageFiles() {}

  /**
   * Writes {@code core}, {@code driver}, {@code hailo}, {@code openvino}, {@code tensorrt}, {@code
   * digits} and others into a folder.
   */
  static void write(Path shipped, Path folder) {
    String architecture = System.getProperty("os.arch");
    String driver = "driver-cpu-linux-" + (architecture.equals("amd64") ? "x86_64" : architecture);
    try {
      Files.createDirectories(folder);
      copy(shipped.resolve("io.shoji.dp.core.dp"), folder.resolve("core.dp"));
      copy(shipped.resolve("io.shoji.dp." + driver + ".dp"), folder.resolve("driver.dp"));
      copy(shipped.resolve("io.shoji.dp.driver-hailo.dp"), folder.resolve("hailo.dp"));
      copy(shipped.resolve("io.shoji.dp.driver-openvino.dp"), folder.resolve("openvino.dp"));
      copy(shipped.resolve("io.shoji.dp.driver-tensorrt.dp"), folder.resolve("tensorrt.dp"));
      copy(shipped.resolve("io.shoji.dp.model-digits.dp"), folder.resolve("digits.dp"));

      List<Path> core = bundles(folder.resolve("core.dp"), folder.resolve("core"));
      again(core, "io.shoji.core", "9.0.0", folder.resolve("core-9.dp"));
      List<Path> digits = bundles(folder.resolve("digits.dp"), folder.resolve("digits"));
      again(digits, "io.shoji.thief", "1.0.0", folder.resolve("thief.dp"));
      byte[] whole = Files.readAllBytes(folder.resolve("core-9.dp"));
      Files.write(folder.resolve("core-cut.dp"), Arrays.copyOf(whole, whole.length / 2));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InvalidPackageException e) {
      throw new AssertionError("the packages that ship are not good", e);
    }
  }

  private static void copy(Path source, Path target) throws IOException {
    Files.copy(source, target, StandardCopyOption.REPLACE_EXISTING);
  }

  private static List<Path> bundles(Path dp, Path folder) throws IOException {
    Files.createDirectories(folder);
    List<Path> bundles = new ArrayList<>();
    try (ZipFile zip = new ZipFile(dp.toFile())) {
      for (ZipEntry entry : zip.stream().toList()) {
        if (entry.getName().startsWith("bundles/")) {
          Path file = folder.resolve(entry.getName().substring("bundles/".length()));
          try (InputStream in = zip.getInputStream(entry)) {
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
          }
          bundles.add(file);
        }
      }
    }
    return bundles;
  }

  private static void again(List<Path> bundles, String name, String version, Path target)
      throws IOException, InvalidPackageException {
    DeploymentPackageWriter writer = new DeploymentPackageWriter(name, version);
    for (Path bundle : bundles) {
      writer.bundle(bundle);
    }
    writer.write(target);
  }
}
