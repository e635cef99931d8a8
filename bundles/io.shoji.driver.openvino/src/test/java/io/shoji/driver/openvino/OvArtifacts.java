/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.OpenVinoIr;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Artifacts of IRs and of ONNX models, each in a folder of its own under the names they go by. */
final class OvArtifacts {
  private final Path folder;

  OvArtifacts(Path folder) {
    this.folder = folder;
  }

  ModelArtifact ir(String name, OpenVinoIr model, Precision precision) {
    return ir(name, model, precision, Map.of());
  }

  ModelArtifact ir(
      String name, OpenVinoIr model, Precision precision, Map<String, String> options) {
    return of(
        name,
        ModelFormats.OPENVINO_IR,
        model.write(folder.resolve("models").resolve(name)),
        precision,
        options);
  }

  ModelArtifact onnx(String name, byte[] content, Precision precision) {
    return of(
        name, ModelFormats.ONNX, List.of(file(name, "model.onnx", content)), precision, Map.of());
  }

  /** An IR of any two files. */
  ModelArtifact files(String name, byte[] xml, byte[] bin, Precision precision) {
    return of(
        name,
        ModelFormats.OPENVINO_IR,
        List.of(file(name, "model.xml", xml), file(name, "model.bin", bin)),
        precision,
        Map.of());
  }

  private Path file(String name, String file, byte[] content) {
    try {
      Path own = Files.createDirectories(folder.resolve("models").resolve(name));
      return Files.write(own.resolve(file), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ModelArtifact of(
      String name,
      String format,
      List<Path> files,
      Precision precision,
      Map<String, String> options) {
    ModelArtifact made =
        new Artifacts(folder, format).of(name, files, List.of(), List.of(), options);
    return new ModelArtifact(
        made.model(),
        made.version(),
        "openvino",
        format,
        precision,
        made.sha256(),
        files,
        List.of(),
        List.of(),
        options);
  }
}
