/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Compares what a package declares of a model with what the model's file has. */
public final class DeclaredTensors {
  private DeclaredTensors() {}

  /**
   * Compares names, element types, shapes and, where asked, quantization. What a package declares
   * nothing of is taken as it is; a shape may be more definite than the file's.
   *
   * @param quantized whether the format says how tensors are quantized, so that a declared
   *     quantization must be the file's
   * @throws AcceleratorException INVALID_MODEL with every difference
   */
  public static void check(
      ModelArtifact artifact, List<TensorSpec> inputs, List<TensorSpec> outputs, boolean quantized)
      throws AcceleratorException {
    List<String> differences = new ArrayList<>();
    compare("input", artifact.inputs(), inputs, quantized, differences);
    compare("output", artifact.outputs(), outputs, quantized, differences);
    if (!differences.isEmpty()) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the package declares other inputs or outputs than the model has: "
              + String.join("; ", differences)
              + " "
              + artifact);
    }
  }

  /**
   * The artifact as a device of fixed shapes gets it: where the package leaves the batch open, the
   * first dimension, it is the one that was asked for at load.
   */
  public static ModelArtifact withBatch(ModelArtifact artifact, long batch) {
    return new ModelArtifact(
        artifact.model(),
        artifact.version(),
        artifact.variant(),
        artifact.format(),
        artifact.precision(),
        artifact.sha256(),
        artifact.files(),
        artifact.inputs().stream().map(spec -> withBatch(spec, batch)).toList(),
        artifact.outputs().stream().map(spec -> withBatch(spec, batch)).toList(),
        artifact.options());
  }

  private static TensorSpec withBatch(TensorSpec spec, long batch) {
    long[] dims = spec.shape().dims();
    if (dims.length == 0 || dims[0] != Shape.DYNAMIC) {
      return spec;
    }
    dims[0] = batch;
    TensorSpec fixed =
        TensorSpec.of(spec.name(), spec.type(), Shape.of(dims)).withLayout(spec.layout());
    return spec.quantization().map(fixed::withQuantization).orElse(fixed);
  }

  /**
   * Refuses what a device of fixed shapes cannot run: tensors of which a dimension is open.
   *
   * @param what is open, as {@code the package declares}
   * @param remedy what to do about it
   * @throws AcceleratorException UNSUPPORTED, naming them
   */
  public static void requireFixed(
      ModelArtifact artifact,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      String what,
      String remedy)
      throws AcceleratorException {
    List<TensorSpec> open =
        Stream.concat(inputs.stream(), outputs.stream())
            .filter(spec -> spec.shape().isDynamic())
            .toList();
    if (!open.isEmpty()) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          what
              + " tensors whose shape changes from call to call, and this device runs the one shape that a"
              + " model was compiled for; "
              + remedy
              + " tensors="
              + open
              + " "
              + artifact);
    }
  }

  private static void compare(
      String kind,
      List<TensorSpec> declared,
      List<TensorSpec> found,
      boolean quantized,
      List<String> differences) {
    if (declared.isEmpty()) {
      return;
    }
    if (declared.size() != found.size()) {
      differences.add(kind + "s declared=" + declared + " found=" + found);
      return;
    }
    for (int i = 0; i < declared.size(); i++) {
      TensorSpec asked = declared.get(i);
      TensorSpec real = found.get(i);
      if (!asked.name().equals(real.name())
          || asked.type() != real.type()
          || !fits(asked.shape(), real.shape())
          || (quantized
              && asked.quantization().isPresent()
              && !asked.quantization().equals(real.quantization()))) {
        differences.add(
            kind + " " + i + " declared=" + described(asked) + " found=" + described(real));
      }
    }
  }

  private static String described(TensorSpec spec) {
    return spec + spec.quantization().map(quantization -> " " + quantization).orElse("");
  }

  /** Whether a package may say {@code declared} of {@code real}: the same, or more definite. */
  private static boolean fits(Shape declared, Shape real) {
    if (declared.rank() != real.rank()) {
      return false;
    }
    for (int i = 0; i < real.rank(); i++) {
      if (real.dim(i) != Shape.DYNAMIC && real.dim(i) != declared.dim(i)) {
        return false;
      }
    }
    return true;
  }
}
