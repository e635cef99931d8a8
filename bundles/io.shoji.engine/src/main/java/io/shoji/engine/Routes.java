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

import io.shoji.inference.ModelRef;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** The generations of a model that answer, highest version first. Immutable. */
final class Routes {
  static final Routes NONE = new Routes(new Generation[0]);

  private final Generation[] generations;

  private Routes(Generation[] generations) {
    this.generations = generations;
  }

  static Routes of(Collection<Generation> generations) {
    return new Routes(
        generations.stream()
            .sorted((a, b) -> b.version.compareTo(a.version))
            .toArray(Generation[]::new));
  }

  /** The generation that answers a reference to this model, or null. */
  @Nullable Generation find(ModelRef ref) {
    for (Generation generation : generations) {
      if (ref.versions().isEmpty() || ref.versions().get().includes(generation.version)) {
        return generation;
      }
    }
    return null;
  }
}
