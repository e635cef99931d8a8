/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.inference.InferenceException;
import io.shoji.tensor.Tensor;
import java.util.List;

/**
 * Sees what requests give to a generation and get from it. Called on the thread of the request,
 * after the device was given back and before the caller has the answer, so an implementation is
 * quick, and never throws. Both lists are borrowed: whoever needs the contents later copies them.
 */
interface Tap {
  /**
   * A request was answered.
   *
   * @param runNanos what the run took
   */
  void answered(Generation generation, List<Tensor> inputs, List<Tensor> outputs, long runNanos);

  /** A request failed on it. */
  void failed(Generation generation, List<Tensor> inputs, InferenceException failure);
}
