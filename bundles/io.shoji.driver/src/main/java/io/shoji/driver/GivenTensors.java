/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Compares the tensors that a caller gives with those that a model has. */
public final class GivenTensors {
  private GivenTensors() {}

  /**
   * Checks them.
   *
   * @param kind {@code input} or {@code output}
   * @throws IllegalArgumentException with everything that does not fit
   */
  public static void check(String kind, List<TensorSpec> specs, List<Tensor> tensors) {
    if (specs.size() != tensors.size()) {
      throw new IllegalArgumentException(
          "the model takes another number of " + kind + "s asked=" + specs + " found=" + tensors);
    }
    List<String> wrong = new ArrayList<>();
    for (int i = 0; i < specs.size(); i++) {
      Optional<String> mismatch = specs.get(i).mismatch(tensors.get(i));
      mismatch.ifPresent(wrong::add);
    }
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(kind + " " + String.join("; ", wrong));
    }
  }
}
