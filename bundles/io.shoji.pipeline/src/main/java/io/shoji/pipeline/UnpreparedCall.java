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
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Provenance;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.List;

/**
 * Calls for models whose inputs or outputs change their shape from sample to sample: each run makes
 * new output tensors.
 */
final class UnpreparedCall implements ModelCall {
  private final InferenceService inference;
  private final ModelRef model;
  private final ElementType inputType;
  private List<Tensor> inputs = List.of();
  private List<Tensor> outputs = List.of();

  /**
   * @param inputType of the model's first input
   */
  UnpreparedCall(InferenceService inference, ModelRef model, ElementType inputType) {
    this.inference = inference;
    this.model = model;
    this.inputType = inputType;
  }

  @Override
  public Tensor input(Shape shape) {
    if (inputs.isEmpty() || !inputs.get(0).shape().equals(shape)) {
      inputs = List.of(Tensor.allocate(inputType, shape));
    }
    return inputs.get(0);
  }

  @Override
  public void feed(List<Tensor> tensors) {
    inputs = tensors;
  }

  @Override
  public List<Tensor> inputs() {
    return inputs;
  }

  @Override
  public Provenance run(long deadlineNanos) throws InferenceException {
    InferenceResult result = inference.infer(model, inputs, deadlineNanos);
    outputs = result.outputs();
    return result.provenance();
  }

  @Override
  public List<Tensor> outputs() {
    return outputs;
  }

  @Override
  public boolean overwritesOutputs() {
    return false;
  }

  @Override
  public void close() {
    inputs = List.of();
    outputs = List.of();
  }
}
