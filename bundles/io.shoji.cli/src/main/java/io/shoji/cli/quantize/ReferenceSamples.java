/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.LabelledSamples;
import io.shoji.quantizer.Samples;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Tensor;
import java.util.Map;

/** Samples of which a model's own answers are expected: those of the model before quantization. */
final class ReferenceSamples implements LabelledSamples {
  private final Samples samples;
  private final Evaluation.Inference reference;

  ReferenceSamples(Samples samples, Evaluation.Inference reference) {
    this.samples = samples;
    this.reference = reference;
  }

  @Override
  public int size() {
    return samples.size();
  }

  @Override
  public Map<String, Tensor> inputs(int index) throws QuantizerException {
    return samples.inputs(index);
  }

  @Override
  public Tensor expected(int index) throws QuantizerException {
    return reference.run(samples.inputs(index)).values().iterator().next();
  }
}
