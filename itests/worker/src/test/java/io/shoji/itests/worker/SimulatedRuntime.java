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

import io.shoji.testkit.SimulatedOnnxRuntime;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.ZipFile;

/** The simulated ONNX Runtime in front of the real one. */
final class SimulatedRuntime {
  private SimulatedRuntime() {}

  /** One in a folder, without faults. */
  static SimulatedOnnxRuntime in(Path folder) throws Exception {
    Files.createDirectories(folder);
    Path real = folder.resolve("libonnxruntime.so");
    try (ZipFile jar = new ZipFile(Place.SHOJI.resolve(Place.RUNTIME + ".jar").toFile());
        InputStream in =
            jar.getInputStream(
                jar.getEntry("native/linux-" + Place.ARCHITECTURE + "/libonnxruntime.so"))) {
      Files.copy(in, real, StandardCopyOption.REPLACE_EXISTING);
    }
    SimulatedOnnxRuntime simulated = SimulatedOnnxRuntime.in(folder.resolve("simulated"), real);
    simulated.tape();
    return simulated;
  }
}
