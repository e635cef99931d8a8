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
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a pipeline says of one sample or window. Which parts are there depends on the pipeline's
 * last steps.
 *
 * @param ranking classes, the likeliest first; empty unless the pipeline ranks
 * @param boxes objects found, the surest first; empty unless the pipeline detects
 * @param anomaly anomaly score, larger is stranger
 * @param alarm whether a threshold with hysteresis is exceeded
 * @param outputs the model's outputs by its order, owned by the pipeline and valid until its next
 *     call
 * @param provenance the generation that made it
 * @param preNanos time in the steps before the model
 * @param inferNanos time in the model, waiting included
 * @param postNanos time in the steps after it
 */
public record Prediction(
    List<Ranked> ranking,
    List<Box> boxes,
    OptionalDouble anomaly,
    Optional<Boolean> alarm,
    List<Tensor> outputs,
    Provenance provenance,
    long preNanos,
    long inferNanos,
    long postNanos) {

  /**
   * A class and how likely it is.
   *
   * @param index of the class
   * @param label its name, or its index as text if the package names none
   * @param score as the last step left it: a probability after softmax
   */
  public record Ranked(int index, String label, float score) {}

  /**
   * An object found, in pixels of the picture that came in.
   *
   * @param x left edge
   * @param y top edge
   * @param width to the right
   * @param height downwards
   * @param index of the class
   * @param label its name, or its index as text if the package names none
   * @param score how sure, 0 to 1
   */
  public record Box(
      float x, float y, float width, float height, int index, String label, float score) {}

  /** The likeliest class, if the pipeline ranks. */
  public Optional<Ranked> best() {
    return ranking.isEmpty() ? Optional.empty() : Optional.of(ranking.get(0));
  }
}
