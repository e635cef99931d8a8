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
import java.util.Arrays;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** The generations of a model that answer, highest version first. Immutable. */
final class Routes {
  static final Routes NONE = new Routes(new Generation[0], null);

  private final Generation[] generations;
  private final @Nullable Generation unnamed;

  private Routes(Generation[] generations, @Nullable Generation unnamed) {
    this.generations = generations;
    this.unnamed = unnamed;
  }

  /**
   * Routes to some generations.
   *
   * @param unnamed the one of them that answers who names no version
   */
  static Routes of(Collection<Generation> generations, @Nullable Generation unnamed) {
    return new Routes(
        generations.stream()
            .sorted((a, b) -> b.version.compareTo(a.version))
            .toArray(Generation[]::new),
        unnamed);
  }

  /** Whether every request goes where it goes by those. */
  boolean sameAs(Routes other) {
    return unnamed == other.unnamed && Arrays.equals(generations, other.generations);
  }

  /** The generation that answers who names no version, or null. */
  @Nullable Generation unnamed() {
    return unnamed;
  }

  /** The generation that answers a reference to this model, or null. */
  @Nullable Generation find(ModelRef ref) {
    if (ref.versions().isEmpty()) {
      return unnamed;
    }
    for (Generation generation : generations) {
      if (ref.versions().get().includes(generation.version)) {
        return generation;
      }
    }
    return null;
  }
}
