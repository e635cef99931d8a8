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
