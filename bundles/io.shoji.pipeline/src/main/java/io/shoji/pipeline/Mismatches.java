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
import io.shoji.model.ModelDescription;
import java.util.ArrayList;
import java.util.List;

/** What does not fit in a package's pipeline, gathered so that all of it is said at once. */
final class Mismatches {
  private final List<String> reasons = new ArrayList<>();

  void add(String reason) {
    reasons.add(reason);
  }

  boolean isEmpty() {
    return reasons.isEmpty();
  }

  int count() {
    return reasons.size();
  }

  /**
   * Ends the compilation if anything does not fit.
   *
   * @throws InferenceException INVALID_INPUT, with every reason
   */
  void throwIfAny(ModelDescription model) throws InferenceException {
    if (!reasons.isEmpty()) {
      throw new InferenceException(
          InferenceException.Code.INVALID_INPUT,
          "the pipeline does not fit: "
              + String.join("; ", reasons)
              + "; correct model.json model="
              + model
              + " mismatches="
              + reasons.size());
    }
  }
}
