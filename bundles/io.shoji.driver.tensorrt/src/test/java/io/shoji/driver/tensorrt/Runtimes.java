/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;

/** The ONNX Runtime libraries on the test's class path, each in a file of its own. */
final class Runtimes {
  static final String CURRENT = "1.29.0";
  static final String OLDEST = "1.11.0";

  private Runtimes() {}

  /** The library of a version; skips the test if there is none for this machine. */
  static Path library(String version) throws IOException {
    String architecture = architecture();
    if (version.equals(OLDEST)) {
      assumeTrue(
          architecture.equals("x86_64"), "Microsoft's 1.11.0 has no library for " + architecture);
      return extracted(
          version,
          resource("ai/onnxruntime/native/linux-x64/libonnxruntime.so", "onnxruntime-1.11.0"));
    }
    return extracted(
        version,
        resource(
            "native/linux-" + architecture + "/libonnxruntime.so", "io.shoji.onnxruntime.linux"));
  }

  private static String architecture() {
    String name = System.getProperty("os.arch", "");
    return name.equals("amd64") ? "x86_64" : name;
  }

  private static URL resource(String path, String jar) throws IOException {
    return Collections.list(Runtimes.class.getClassLoader().getResources(path)).stream()
        .filter(url -> url.toString().contains(jar))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("not on the class path: " + jar));
  }

  private static Path extracted(String version, URL url) throws IOException {
    Path folder = Path.of("target", "runtimes", version).toAbsolutePath();
    Path file = folder.resolve("libonnxruntime.so");
    long size = url.openConnection().getContentLengthLong();
    if (!Files.exists(file) || Files.size(file) != size) {
      Files.createDirectories(folder);
      Path part = Files.createTempFile(folder, "part", null);
      try (InputStream in = url.openStream()) {
        Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
    return file;
  }
}
