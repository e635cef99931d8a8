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
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The generations of a model that answer, highest version first. Immutable. */
final class Routes {
  static final Routes NONE = new Routes(new Generation[0], null, null);

  private final Generation[] generations;
  private final @Nullable Generation unnamed;
  private final @Nullable Canary canary;

  /**
   * A generation that answers a share of the requests that name no version.
   *
   * @param generation it
   * @param sampler which of them
   */
  record Canary(Generation generation, Sampler sampler) {}

  private Routes(Generation[] generations, @Nullable Generation unnamed, @Nullable Canary canary) {
    this.generations = generations;
    this.unnamed = unnamed;
    this.canary = canary;
  }

  /**
   * Routes to some generations.
   *
   * @param unnamed the one of them that answers who names no version
   * @param canary what answers a share of those in its place
   */
  static Routes of(
      Collection<Generation> generations, @Nullable Generation unnamed, @Nullable Canary canary) {
    return new Routes(
        generations.stream()
            .sorted((a, b) -> b.version.compareTo(a.version))
            .toArray(Generation[]::new),
        unnamed,
        canary);
  }

  /** Whether every request goes where it goes by those. */
  boolean sameAs(Routes other) {
    return unnamed == other.unnamed
        && Objects.equals(canary, other.canary)
        && Arrays.equals(generations, other.generations);
  }

  /** The generation that answers who names no version, or null. */
  @Nullable Generation unnamed() {
    return unnamed;
  }

  /** The generation that is to try a request before {@link #find}, or null. Counts the request. */
  @Nullable Generation trying(ModelRef ref) {
    Canary some = canary;
    return some != null && ref.versions().isEmpty() && some.sampler().take()
        ? some.generation()
        : null;
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
