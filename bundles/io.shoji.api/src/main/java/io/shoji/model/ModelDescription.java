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

import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.Version;

/**
 * The contents of one {@code model.json}, checked. Immutable.
 *
 * @param name name that applications ask for: lower-case letters, digits, {@code . _ -}
 * @param version version of the package; several versions of a name may be installed
 * @param title name for people
 * @param description what it recognizes, from what, under which conditions; may be empty
 * @param licence SPDX expression; may be empty
 * @param task {@code classification}, {@code detection}, {@code regression}, {@code anomaly} or
 *     {@code other}
 * @param inputs what applications give, in order, whichever variant serves
 * @param outputs what applications get, in order, whichever variant serves
 * @param labels names of the classes by index; may be empty
 * @param variants at least one, the package's order of preference where measured latency decides
 *     nothing
 * @param pipeline steps from a sample to tensors and from tensors to predictions
 * @param golden samples with known answers
 * @param evidence how good the model was found to be, and on what
 * @param acceptance what it must reach on the device before it goes live
 * @param drift how inputs and outputs were distributed when it was calibrated
 * @param sha256 digest of {@code model.json}, lower-case hex: the identity of the package's
 *     contents
 */
public record ModelDescription(
    String name,
    Version version,
    String title,
    String description,
    String licence,
    String task,
    List<TensorSpec> inputs,
    List<TensorSpec> outputs,
    List<String> labels,
    List<ModelVariant> variants,
    Optional<PipelineDescription> pipeline,
    Optional<GoldenSamples> golden,
    Optional<Evidence> evidence,
    Optional<Acceptance> acceptance,
    Optional<DriftReference> drift,
    String sha256) {

  /** Copies the lists. */
  public ModelDescription {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    labels = List.copyOf(labels);
    variants = List.copyOf(variants);
  }

  /** Without a reference to hold the field against. */
  public ModelDescription(
      String name,
      Version version,
      String title,
      String description,
      String licence,
      String task,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<String> labels,
      List<ModelVariant> variants,
      Optional<PipelineDescription> pipeline,
      Optional<GoldenSamples> golden,
      Optional<Evidence> evidence,
      Optional<Acceptance> acceptance,
      String sha256) {
    this(
        name,
        version,
        title,
        description,
        licence,
        task,
        inputs,
        outputs,
        labels,
        variants,
        pipeline,
        golden,
        evidence,
        acceptance,
        Optional.empty(),
        sha256);
  }

  /** The variant of that name. */
  public Optional<ModelVariant> variant(String variantName) {
    return variants.stream().filter(v -> v.name().equals(variantName)).findFirst();
  }

  /** What a variant's file takes: what the variant says of it, else what the package says. */
  public List<TensorSpec> inputsOf(ModelVariant variant) {
    return variant.inputs().isEmpty() ? inputs : variant.inputs();
  }

  /** What a variant's file gives: what the variant says of it, else what the package says. */
  public List<TensorSpec> outputsOf(ModelVariant variant) {
    return variant.outputs().isEmpty() ? outputs : variant.outputs();
  }

  /** Name and version, as {@code digits 1.0.0}. */
  @Override
  public String toString() {
    return name + " " + version;
  }

  /**
   * Samples with known answers, for acceptance on the device: a safetensors file with the tensors
   * {@code input.NAME}, {@code expected.NAME} (what the reference variant answered) and, for
   * classification, {@code label} (INT64).
   *
   * @param file the safetensors file
   * @param count samples in it: the first dimension of every tensor
   */
  public record GoldenSamples(ModelFile file, int count) {}

  /**
   * How good the model was found to be.
   *
   * @param metric {@code top1}, {@code rmse}, {@code auc}, ...
   * @param value the figure
   * @param evaluationCount samples that it was measured on
   * @param dataset which samples these were
   * @param tool what measured it
   * @param created ISO 8601 time of the measurement
   */
  public record Evidence(
      String metric,
      double value,
      int evaluationCount,
      String dataset,
      String tool,
      String created) {}

  /**
   * What the model must reach on the device.
   *
   * @param metric the metric that counts
   * @param minimum the least value of the metric
   * @param p99Ms most milliseconds of the 99th percentile of latency; empty for no limit
   * @param peakMemoryBytes most bytes of memory; empty for no limit
   */
  public record Acceptance(
      String metric, double minimum, Optional<Double> p99Ms, Optional<Long> peakMemoryBytes) {}
}
