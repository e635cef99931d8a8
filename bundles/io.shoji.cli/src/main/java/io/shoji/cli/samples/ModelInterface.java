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

import io.shoji.tensor.TensorSpec;
import java.util.List;

/**
 * What a model takes and gives.
 *
 * @param inputs in order
 * @param outputs in order
 */
public record ModelInterface(List<TensorSpec> inputs, List<TensorSpec> outputs) {
  /** Copies the lists. */
  public ModelInterface {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }
}
