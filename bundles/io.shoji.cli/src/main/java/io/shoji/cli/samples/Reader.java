/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;

/** Reads samples of one form; what it gives is checked afterwards. */
interface Reader {
  int size();

  /** The inputs, new or borrowed until the next call. */
  Map<String, Tensor> inputs(int index) throws QuantizerException;

  /** What is expected, if that was asked for. */
  Tensor expected(int index) throws QuantizerException;

  String name(int index);

  String description();

  /**
   * What the metric compares.
   *
   * @param inputs of that sample
   * @param outputs by name
   * @param specs of the outputs, in order
   */
  default Tensor answer(
      Map<String, Tensor> inputs, Map<String, Tensor> outputs, List<TensorSpec> specs)
      throws QuantizerException {
    return outputs.values().iterator().next();
  }

  void close() throws QuantizerException;
}
