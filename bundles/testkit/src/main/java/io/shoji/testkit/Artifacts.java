/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import io.shoji.accelerator.ModelArtifact;
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

/** Model artifacts of one format from bytes, each in a folder of its own. */
public final class Artifacts {
  private final Path folder;
  private final String format;

  /**
   * Artifacts below a folder.
   *
   * @param format see {@link io.shoji.accelerator.ModelFormats}; also the ending of the files'
   *     names
   */
  public Artifacts(Path folder, String format) {
    this.folder = folder;
    this.format = format;
  }

  /** One that declares nothing of its tensors. */
  public ModelArtifact of(String name, byte[] content) {
    return of(name, content, List.of(), List.of(), Map.of());
  }

  /** One that declares its tensors, with options for the driver. */
  public ModelArtifact of(
      String name,
      byte[] content,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      Map<String, String> options) {
    return of(name, List.of(write(name, content)), inputs, outputs, options);
  }

  /** One of files that are there already, the model first. */
  public ModelArtifact of(
      String name,
      List<Path> files,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      Map<String, String> options) {
    return new ModelArtifact(
        name,
        "1.0.0",
        "fp32",
        format,
        Precision.FP32,
        sha256(files.get(0)),
        files,
        inputs,
        outputs,
        options);
  }

  /** Writes a model file in a folder of its own. */
  public Path write(String name, byte[] content) {
    try {
      Path file = Files.createDirectories(folder.resolve(name)).resolve("model." + format);
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
