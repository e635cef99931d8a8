/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.model;

import io.shoji.accelerator.Precision;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One way in which a model is packed: a format and a precision for certain accelerators. Immutable.
 *
 * @param name unique in the package
 * @param format see {@link io.shoji.accelerator.ModelFormats}
 * @param precision what it was made for
 * @param filter OSGi filter (RFC 1960) over the properties of {@link
 *     io.shoji.accelerator.AcceleratorInfo}; parses
 * @param files the model first, then what belongs to it
 * @param options driver options, by the driver's keys
 * @param inputs what its file takes, where that is something else than what the package says: as
 *     many, of the same names in the same order, each convertible by {@link
 *     io.shoji.tensor.TensorConversion}; empty if it takes what the package says. Applications give
 *     what the package says in any case
 * @param outputs what its file gives, in the same way
 * @param evidence how good this variant was found to be; empty if nobody measured it
 */
public record ModelVariant(
    String name,
    String format,
    Precision precision,
    String filter,
    List<ModelFile> files,
    Map<String, String> options,
    List<TensorSpec> inputs,
    List<TensorSpec> outputs,
    Optional<Evidence> evidence) {

  /** Copies the collections. */
  public ModelVariant {
    files = List.copyOf(files);
    options = Map.copyOf(options);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    if (files.isEmpty()) {
      throw new IllegalArgumentException("a variant has at least one file variant=" + name);
    }
  }

  /** A variant that takes and gives what the package says, and that nobody measured by itself. */
  public ModelVariant(
      String name,
      String format,
      Precision precision,
      String filter,
      List<ModelFile> files,
      Map<String, String> options) {
    this(name, format, precision, filter, files, options, List.of(), List.of(), Optional.empty());
  }

  /**
   * How good a variant was found to be, beside the model that it was made from.
   *
   * @param metric {@code topK} for any K from 1 to 9999, {@code map50}, {@code map}, {@code rmse},
   *     {@code auc} or {@code cosine}
   * @param value the figure of this variant
   * @param baseline the figure of the model that it was made from, on the same samples
   * @param evaluationCount samples that both were measured on
   * @param evaluationSha256 digest of these samples, lower-case hex
   * @param calibration what the ranges of a quantized variant were chosen from; empty if nothing
   *     had to be
   * @param keptInFloat nodes that were left in floating point, by the names that they have in the
   *     graph; may be empty
   * @param runtime what ran it, with its version
   * @param tool what made and measured it, with its version
   * @param created ISO 8601 time of the measurement
   * @param declared whether it is what somebody said, as of a vendor's own compiler, and was not
   *     measured by Shoji
   */
  public record Evidence(
      String metric,
      double value,
      double baseline,
      int evaluationCount,
      String evaluationSha256,
      Optional<Calibration> calibration,
      List<String> keptInFloat,
      String runtime,
      String tool,
      String created,
      boolean declared) {

    /** Copies the list. */
    public Evidence {
      keptInFloat = List.copyOf(keptInFloat);
    }
  }

  /**
   * What the ranges of a quantized variant were chosen from.
   *
   * @param method how they were chosen: {@code min-max}, {@code moving-average}, {@code
   *     percentile}, {@code entropy} or {@code mse}
   * @param count samples
   * @param sha256 digest of these samples, lower-case hex
   */
  public record Calibration(String method, int count, String sha256) {}
}
