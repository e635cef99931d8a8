/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The models of the sample packages. */
final class SampleModels {
  static final Path DIGITS = file("digits");
  static final Path BEARING = file("bearing");

  private SampleModels() {}

  private static Path file(String name) {
    Path file =
        Path.of(
                "..",
                "io.shoji.model." + name,
                "src",
                "main",
                "resources",
                "SHOJI-INF",
                "models",
                name + ".onnx")
            .toAbsolutePath()
            .normalize();
    if (!Files.isRegularFile(file)) {
      throw new IllegalStateException("no such model file=" + file);
    }
    return file;
  }

  static ModelArtifact onnx(Path file) {
    return new ModelArtifact(
        "sample",
        "0",
        "onnx-fp32",
        ModelFormats.ONNX,
        Precision.FP32,
        "",
        List.of(file),
        List.of(),
        List.of(),
        Map.of());
  }
}
