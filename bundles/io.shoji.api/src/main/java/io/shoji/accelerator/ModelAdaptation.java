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

import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorConversion;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets a model be used with other tensors than its file has, where these mean the same: {@link
 * TensorConversion} of each, and one run per sample where the file takes a batch of 1 only.
 */
public final class ModelAdaptation {
  private ModelAdaptation() {}

  /**
   * What stands in the way of using a model with other tensors.
   *
   * @param inputs what callers give, in order
   * @param outputs what callers get, in order
   * @param modelInputs what the model takes, in the same order; names may differ
   * @param modelOutputs what the model gives, in the same order; names may differ
   * @return each reason, naming both sides; empty if the model can be used so
   */
  public static List<String> differences(
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<TensorSpec> modelInputs,
      List<TensorSpec> modelOutputs) {
    List<String> differences = new ArrayList<>();
    if (inputs.size() != modelInputs.size() || outputs.size() != modelOutputs.size()) {
      differences.add(
          "another number of inputs or outputs inputs="
              + inputs
              + " modelInputs="
              + modelInputs
              + " outputs="
              + outputs
              + " modelOutputs="
              + modelOutputs);
      return differences;
    }
    boolean single = isSingle(inputs, modelInputs) || isSingle(outputs, modelOutputs);
    for (int i = 0; i < inputs.size(); i++) {
      check("input", inputs.get(i), modelInputs.get(i), true, single, differences);
    }
    for (int i = 0; i < outputs.size(); i++) {
      check("output", outputs.get(i), modelOutputs.get(i), false, single, differences);
    }
    return differences;
  }

  /** Whether the model takes or gives one sample at a time where callers may have several. */
  static boolean isSingle(List<TensorSpec> specs, List<TensorSpec> modelSpecs) {
    for (int i = 0; i < specs.size(); i++) {
      if (batch(specs.get(i)) != 1 && batch(modelSpecs.get(i)) == 1) {
        return true;
      }
    }
    return false;
  }

  private static void check(
      String kind,
      TensorSpec spec,
      TensorSpec modelSpec,
      boolean input,
      boolean single,
      List<String> differences) {
    try {
      TensorConversion unused =
          input
              ? TensorConversion.between(spec, modelSpec)
              : TensorConversion.between(modelSpec, spec);
    } catch (IllegalArgumentException e) {
      differences.add(kind + " " + e.getMessage());
      return;
    }
    long batch = batch(spec);
    long modelBatch = batch(modelSpec);
    String sides =
        " name=" + spec.name() + " asked=" + spec.shape() + " found=" + modelSpec.shape();
    if (!single) {
      if (batch != modelBatch && batch != Shape.DYNAMIC && modelBatch != Shape.DYNAMIC) {
        differences.add(kind + " has another batch, which only a batch of 1 can stand for" + sides);
      }
    } else if (spec.shape().rank() == 0
        || modelSpec.shape().rank() == 0
        || (modelBatch != 1 && modelBatch != Shape.DYNAMIC)) {
      differences.add(
          kind
              + " cannot be parted into samples, and the model takes one sample at a time: each of its"
              + " inputs and outputs must begin with a batch of 1"
              + sides);
    } else if (!input && isOpenBeyondBatch(modelSpec.shape())) {
      differences.add(
          kind
              + " may have another size with each sample, and the model takes one sample at a time: they"
              + " do not make a batch"
              + sides);
    }
  }

  private static boolean isOpenBeyondBatch(Shape shape) {
    for (int axis = 1; axis < shape.rank(); axis++) {
      if (shape.dim(axis) == Shape.DYNAMIC) {
        return true;
      }
    }
    return false;
  }

  private static long batch(TensorSpec spec) {
    return spec.shape().rank() == 0 ? 1 : spec.shape().dim(0);
  }
}
