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
import io.shoji.inference.Provenance;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.List;

/** How a pipeline calls its model. One thread at a time. */
interface ModelCall extends AutoCloseable {
  /**
   * The tensor of the model's only input.
   *
   * @param shape the shape it must have
   * @throws IllegalStateException if the call is fixed to another shape; the compiled plan prevents
   *     that
   */
  Tensor input(Shape shape);

  /**
   * Takes the sample's own tensors as inputs.
   *
   * @param inputs borrowed until the run is over
   */
  void feed(List<Tensor> inputs);

  /** The tensors that the last run took. */
  List<Tensor> inputs();

  /**
   * Runs the model.
   *
   * @return the generation that answered
   * @throws InferenceException as {@link io.shoji.inference.PreparedInference#run}
   */
  Provenance run(long deadlineNanos) throws InferenceException;

  /** What the last run gave. */
  List<Tensor> outputs();

  /** Whether the next run overwrites {@link #outputs}. */
  boolean overwritesOutputs();

  @Override
  void close();
}
