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
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.List;

/** Calls on tensors of fixed shape, the same each time. */
final class PreparedCall implements ModelCall {
  private final PreparedInference prepared;
  private final List<Tensor> inputs;
  private final List<Tensor> outputs;

  /**
   * @param prepared owned by this call from here on
   */
  PreparedCall(PreparedInference prepared) {
    this.prepared = prepared;
    this.inputs = List.copyOf(prepared.inputs());
    this.outputs = List.copyOf(prepared.outputs());
  }

  @Override
  public Tensor input(Shape shape) {
    Tensor input = inputs.get(0);
    if (!input.shape().equals(shape)) {
      throw new IllegalStateException(
          "prepared for another shape asked=" + shape + " found=" + input.shape());
    }
    return input;
  }

  @Override
  public void feed(List<Tensor> tensors) {
    for (int i = 0; i < inputs.size(); i++) {
      inputs.get(i).copyFrom(tensors.get(i));
    }
  }

  @Override
  public List<Tensor> inputs() {
    return inputs;
  }

  @Override
  public Provenance run(long deadlineNanos) throws InferenceException {
    return prepared.run(deadlineNanos);
  }

  @Override
  public List<Tensor> outputs() {
    return outputs;
  }

  @Override
  public boolean overwritesOutputs() {
    return true;
  }

  @Override
  public void close() {
    prepared.close();
  }
}
