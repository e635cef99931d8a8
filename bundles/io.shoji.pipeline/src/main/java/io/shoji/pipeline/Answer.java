/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.InferenceException;
import io.shoji.inference.Prediction;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What the steps after the model work on and leave behind, for one run at a time: copies of the
 * outputs as real numbers, made when a step first asks, and the parts of the prediction.
 */
final class Answer {
  private final List<TensorSpec> inputSpecs;
  private final List<TensorSpec> outputSpecs;
  private final List<String> labels;
  private final float[][] values;
  private final boolean[] loaded;
  private List<Tensor> inputs = List.of();
  private List<Tensor> outputs = List.of();
  private Geometry geometry = new Geometry();
  private float[] inputValues = new float[0];

  List<Prediction.Ranked> ranking = List.of();
  OptionalDouble anomaly = OptionalDouble.empty();
  Optional<Boolean> alarm = Optional.empty();
  final Candidates candidates = new Candidates();

  Answer(List<TensorSpec> inputSpecs, List<TensorSpec> outputSpecs, List<String> labels) {
    this.inputSpecs = inputSpecs;
    this.outputSpecs = outputSpecs;
    this.labels = labels;
    this.values = new float[outputSpecs.size()][0];
    this.loaded = new boolean[outputSpecs.size()];
  }

  /**
   * Starts with the tensors of a run, borrowed until {@link #end}.
   *
   * @throws InferenceException FAILED if the outputs are not as the package says
   */
  void begin(List<Tensor> runInputs, List<Tensor> runOutputs, Geometry runGeometry)
      throws InferenceException {
    if (runOutputs.size() != outputSpecs.size()) {
      throw unlikeThePackage("outputs asked=" + outputSpecs.size() + " found=" + runOutputs.size());
    }
    for (int i = 0; i < runOutputs.size(); i++) {
      Optional<String> mismatch = outputSpecs.get(i).mismatch(runOutputs.get(i));
      if (mismatch.isPresent()) {
        throw unlikeThePackage(mismatch.get());
      }
      loaded[i] = false;
    }
    inputs = runInputs;
    outputs = runOutputs;
    geometry = runGeometry;
    ranking = List.of();
    anomaly = OptionalDouble.empty();
    alarm = Optional.empty();
    candidates.clear();
  }

  /** Lets go of the tensors. */
  void end() {
    inputs = List.of();
    outputs = List.of();
  }

  private static InferenceException unlikeThePackage(String reason) {
    return new InferenceException(
        InferenceException.Code.FAILED,
        "the accelerator answered otherwise than the package says: " + reason);
  }

  /** Shape of an output, as this run gave it. */
  Shape shape(int output) {
    return outputs.get(output).shape();
  }

  /** Elements of an output, as this run gave it. */
  int count(int output) {
    return outputs.get(output).elementCount();
  }

  /** The values of an output after the steps so far; steps change them in place. */
  float[] values(int output) {
    if (!loaded[output]) {
      values[output] =
          real(
              outputs.get(output),
              outputSpecs.get(output).quantization().orElse(null),
              values[output]);
      loaded[output] = true;
    }
    return values[output];
  }

  /** The values of the model's input, as the model understands them. */
  float[] inputValues() {
    inputValues = real(inputs.get(0), inputSpecs.get(0).quantization().orElse(null), inputValues);
    return inputValues;
  }

  Geometry geometry() {
    return geometry;
  }

  /** The name of a class, or its index as text. */
  String label(int index) {
    return index < labels.size() ? labels.get(index) : Integer.toString(index);
  }

  private static float[] real(
      Tensor tensor, @Nullable Quantization quantization, float[] reusable) {
    int count = tensor.elementCount();
    float[] real = reusable.length >= count ? reusable : new float[count];
    if (tensor.type() == ElementType.FLOAT32) {
      tensor.floats().get(0, real, 0, count);
    } else if (quantization == null) {
      for (int i = 0; i < count; i++) {
        real[i] = tensor.getFloat(i);
      }
    } else {
      int inner =
          quantization.isPerTensor()
              ? Math.max(1, count)
              : TensorWriter.innerSize(tensor.shape(), quantization.axis());
      for (int i = 0; i < count; i++) {
        real[i] = quantization.dequantize(tensor.getLong(i), i / inner % quantization.size());
      }
    }
    return real;
  }
}
