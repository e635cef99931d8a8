/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * One variant of a model as a driver gets it: verified files on disk and what the package says of
 * them. Immutable. The files are complete, were checked against their digests, are not to be
 * written, and stay in place until the model loaded from them is closed.
 */
public final class ModelArtifact {
  private final String model;
  private final String version;
  private final String variant;
  private final String format;
  private final Precision precision;
  private final String sha256;
  private final List<Path> files;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;
  private final Map<String, String> options;

  /**
   * A variant on disk.
   *
   * @param model name of the model
   * @param version version of the model package
   * @param variant name of the variant in the package
   * @param format see {@link ModelFormats}
   * @param sha256 digest of the first file, lower-case hex
   * @param files at least one; the first is the model itself, the others belong to it (weights of
   *     an OpenVINO IR, ONNX external data) and lie beside it under the names the model knows them
   *     by
   * @param inputs what the package declares; empty if it declares nothing
   * @param outputs what the package declares; empty if it declares nothing
   * @param options driver options of the variant, by the driver's own keys
   * @throws IllegalArgumentException if {@code files} is empty
   */
  public ModelArtifact(
      String model,
      String version,
      String variant,
      String format,
      Precision precision,
      String sha256,
      List<Path> files,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      Map<String, String> options) {
    if (files.isEmpty()) {
      throw new IllegalArgumentException(
          "a variant has at least one file model=" + model + " variant=" + variant);
    }
    this.model = model;
    this.version = version;
    this.variant = variant;
    this.format = format;
    this.precision = precision;
    this.sha256 = sha256;
    this.files = List.copyOf(files);
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
    this.options = Map.copyOf(options);
  }

  /** Name of the model. */
  public String model() {
    return model;
  }

  /** Version of the model package. */
  public String version() {
    return version;
  }

  /** Name of the variant. */
  public String variant() {
    return variant;
  }

  /** Format, see {@link ModelFormats}. */
  public String format() {
    return format;
  }

  /** Precision that the variant was made for. */
  public Precision precision() {
    return precision;
  }

  /** SHA-256 of {@link #file}, lower-case hex. */
  public String sha256() {
    return sha256;
  }

  /** The model file. */
  public Path file() {
    return files.get(0);
  }

  /** The model file, then those that belong to it. */
  public List<Path> files() {
    return files;
  }

  /** Declared inputs, empty if the package declares none. */
  public List<TensorSpec> inputs() {
    return inputs;
  }

  /** Declared outputs, empty if the package declares none. */
  public List<TensorSpec> outputs() {
    return outputs;
  }

  /** Driver options of this variant. */
  public Map<String, String> options() {
    return options;
  }

  @Override
  public String toString() {
    return model
        + " "
        + version
        + " variant="
        + variant
        + " format="
        + format
        + " precision="
        + precision;
  }
}
