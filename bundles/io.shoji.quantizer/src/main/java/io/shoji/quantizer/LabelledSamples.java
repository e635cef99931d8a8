/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Tensor;
import java.util.Map;

/** Samples of which it is known what the right answer is. */
public interface LabelledSamples extends Samples {
  /**
   * What the model should answer, in the form that the {@link Metric} asks for.
   *
   * @param index from 0 to size less 1
   * @throws QuantizerException BAD_SAMPLES or UNREADABLE, naming the sample
   */
  Tensor expected(int index) throws QuantizerException;

  /**
   * What the {@link Metric} compares with the expected, made of a model's outputs: by default the
   * first of them. Samples of a detector make the boxes of all its outputs here, with the steps
   * that follow the model on the gateway.
   *
   * @param index from 0 to size less 1
   * @param outputs by name, in the model's order, at least one; borrowed
   * @throws QuantizerException BAD_SAMPLES or RUNTIME if the outputs are not of the form expected
   */
  default Tensor answer(int index, Map<String, Tensor> outputs) throws QuantizerException {
    return outputs.values().iterator().next();
  }
}
