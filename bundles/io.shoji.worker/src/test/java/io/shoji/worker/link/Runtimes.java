/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The ONNX Runtime on the test's class path, in a file of its own. */
final class Runtimes {
  private Runtimes() {}

  /** The library that ships; skips the test if there is none for this machine. */
  static Path onnxRuntime() throws IOException {
    String architecture =
        switch (System.getProperty("os.arch")) {
          case "amd64" -> "x86_64";
          case "aarch64" -> "aarch64";
          default -> "";
        };
    assumeTrue(!architecture.isEmpty(), "no ONNX Runtime for this architecture");
    URL resource =
        Runtimes.class
            .getClassLoader()
            .getResource("native/linux-" + architecture + "/libonnxruntime.so");
    if (resource == null) {
      throw new IllegalStateException("ONNX Runtime is not on the class path");
    }
    Path folder = Files.createDirectories(Path.of("target", "runtime").toAbsolutePath());
    Path file = folder.resolve("libonnxruntime.so");
    Path part = Files.createTempFile(folder, "part", null);
    try (InputStream in = resource.openStream()) {
      Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
    }
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return file;
  }
}
