/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import io.shoji.tensor.Tensor;
import java.util.List;

/**
 * An answer.
 *
 * @param outputs one tensor per output, in the model's order, owned by the caller
 * @param provenance the generation that made it
 * @param queueNanos time between the call and the start on the accelerator, nanoseconds
 * @param runNanos time on the accelerator, nanoseconds
 */
public record InferenceResult(
    List<Tensor> outputs, Provenance provenance, long queueNanos, long runNanos) {
  /** Copies the list. */
  public InferenceResult {
    outputs = List.copyOf(outputs);
  }
}
