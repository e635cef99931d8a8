/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.cli.CommandException;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;

/** Gives a model what it is measured on. */
@FunctionalInterface
public interface InputSource {
  /**
   * Samples for a model, each with one tensor per input, in order. At least one.
   *
   * @param inputs of the loaded model; shapes may be dynamic
   * @throws CommandException if there are none that fit
   */
  List<List<Tensor>> samples(List<TensorSpec> inputs) throws CommandException;
}
