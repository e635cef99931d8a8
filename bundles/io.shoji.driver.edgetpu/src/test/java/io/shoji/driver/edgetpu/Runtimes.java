/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The TensorFlow Lite library on the test's class path, in a file of its own. */
final class Runtimes {
  static final String CURRENT = "2.21.0";

  private Runtimes() {}

  /** The library for this machine. */
  static Path library() throws IOException {
    String resource = "native/linux-" + EdgeTpuDriver.architecture() + "/libtensorflowlite_c.so";
    URL url = Runtimes.class.getClassLoader().getResource(resource);
    if (url == null) {
      throw new IllegalStateException("not on the class path: " + resource);
    }
    Path folder = Path.of("target", "runtimes", CURRENT).toAbsolutePath();
    Path file = folder.resolve("libtensorflowlite_c.so");
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
