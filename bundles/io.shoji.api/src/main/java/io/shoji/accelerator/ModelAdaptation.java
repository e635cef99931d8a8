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
 * Lets a model be used with other tensors than its file has, where these mean the same: each is
 * converted as {@link TensorConversion} says, and a file that takes a batch of 1 only is run once
 * per sample.
 *
 * <p>A model is run per sample where it has a first dimension of 1 and its callers another, if
 * every input and output can be parted so: its first dimension is 1 or open in the model, and no
 * output has another open size. Where that cannot be, the model takes a batch of 1 only.
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
    boolean perSample = isPerSample(inputs, outputs, modelInputs, modelOutputs);
    for (int i = 0; i < inputs.size(); i++) {
      check("input", inputs.get(i), inputs.get(i), modelInputs.get(i), perSample, differences);
    }
    for (int i = 0; i < outputs.size(); i++) {
      check("output", outputs.get(i), modelOutputs.get(i), outputs.get(i), perSample, differences);
    }
    return differences;
  }

  private static void check(
      String kind,
      TensorSpec spec,
      TensorSpec from,
      TensorSpec to,
      boolean perSample,
      List<String> differences) {
    try {
      TensorConversion unused = TensorConversion.between(from, to);
    } catch (IllegalArgumentException e) {
      differences.add(kind + " " + e.getMessage());
      return;
    }
    if (!perSample
        && batch(from) != batch(to)
        && batch(from) != Shape.DYNAMIC
        && batch(to) != Shape.DYNAMIC) {
      differences.add(
          kind
              + " has another batch, and cannot be parted into samples name="
              + spec.name()
              + " from="
              + from.shape()
              + " to="
              + to.shape());
    }
  }

  /**
   * The same model for callers of other tensors.
   *
   * @param model a model; closed by closing what is returned
   * @param inputs what callers give, in order
   * @param outputs what callers get, in order
   * @param modelInputs what the model takes, in the same order: as the runtime says, with layout
   *     and quantization where it knows none
   * @param modelOutputs what the model gives, likewise
   * @return a model with these inputs and outputs, as far as the model's sizes leave them open;
   *     {@code model} itself if the two are the same to the last byte
   * @throws IllegalArgumentException if {@link #differences} gives reasons, with all of them
   */
  public static LoadedModel adapt(
      LoadedModel model,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<TensorSpec> modelInputs,
      List<TensorSpec> modelOutputs) {
    List<String> differences = differences(inputs, outputs, modelInputs, modelOutputs);
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", differences));
    }
    boolean perSample = isPerSample(inputs, outputs, modelInputs, modelOutputs);
    List<TensorBorder> taken = borders(inputs, modelInputs, perSample);
    List<TensorBorder> given = borders(outputs, modelOutputs, perSample);
    return !perSample
            && taken.stream().allMatch(TensorBorder::isOpen)
            && given.stream().allMatch(TensorBorder::isOpen)
        ? model
        : new AdaptedModel(model, taken, given, perSample);
  }

  private static List<TensorBorder> borders(
      List<TensorSpec> specs, List<TensorSpec> modelSpecs, boolean perSample) {
    List<TensorBorder> borders = new ArrayList<>();
    for (int i = 0; i < specs.size(); i++) {
      borders.add(TensorBorder.of(specs.get(i), modelSpecs.get(i), perSample));
    }
    return borders;
  }

  /** Whether the model is run once per sample. */
  private static boolean isPerSample(
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<TensorSpec> modelInputs,
      List<TensorSpec> modelOutputs) {
    boolean asked = false;
    for (int i = 0; i < inputs.size(); i++) {
      if (!isParted(inputs.get(i), modelInputs.get(i))) {
        return false;
      }
      asked |= batch(inputs.get(i)) != 1 && batch(modelInputs.get(i)) == 1;
    }
    for (int i = 0; i < outputs.size(); i++) {
      if (!isParted(outputs.get(i), modelOutputs.get(i))
          || isOpenBeyondBatch(modelOutputs.get(i).shape())) {
        return false;
      }
      asked |= batch(outputs.get(i)) != 1 && batch(modelOutputs.get(i)) == 1;
    }
    return asked;
  }

  private static boolean isParted(TensorSpec spec, TensorSpec modelSpec) {
    return spec.shape().rank() > 0
        && modelSpec.shape().rank() > 0
        && (batch(modelSpec) == 1 || batch(modelSpec) == Shape.DYNAMIC);
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
