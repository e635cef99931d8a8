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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Model artifacts from bytes. */
final class Artifacts {
  private final Path folder;

  Artifacts(Path folder) {
    this.folder = folder;
  }

  ModelArtifact of(String name, byte[] content) {
    return of(name, content, List.of(), List.of(), Map.of());
  }

  ModelArtifact of(
      String name,
      byte[] content,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      Map<String, String> options) {
    return of(name, List.of(write(name, content)), inputs, outputs, options);
  }

  ModelArtifact of(
      String name,
      List<Path> files,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      Map<String, String> options) {
    return new ModelArtifact(
        name,
        "1.0.0",
        "fp32",
        ModelFormats.TFLITE,
        Precision.FP32,
        sha256(files.get(0)),
        files,
        inputs,
        outputs,
        options);
  }

  /** Writes a model file in a folder of its own. */
  Path write(String name, byte[] content) {
    try {
      Path file = Files.createDirectories(folder.resolve(name)).resolve("model.tflite");
      Files.write(file, content);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String sha256(Path file) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
