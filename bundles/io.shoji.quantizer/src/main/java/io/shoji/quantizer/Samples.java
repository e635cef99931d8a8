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

/** Samples that a model is run on, read one by one so that any number fits in memory. */
public interface Samples {
  /** How many there are. */
  int size();

  /**
   * The inputs of a sample by name, as the model takes them, batch included. They are borrowed: the
   * source may use the same memory for the next one.
   *
   * @param index from 0 to size less 1
   * @throws QuantizerException BAD_SAMPLES or UNREADABLE, naming the sample
   */
  Map<String, Tensor> inputs(int index) throws QuantizerException;
}
