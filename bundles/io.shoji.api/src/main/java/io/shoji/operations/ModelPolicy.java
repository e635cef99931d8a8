/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What an operator wants of a model. Immutable.
 *
 * @param versions which versions answer a request that names none
 * @param accelerators where it runs, first preferred: kinds as {@code hailo}, or devices as {@code
 *     cpu:cpu0}; empty for the fastest measured
 * @param only whether it runs on {@code accelerators} only; if false, the others follow after them,
 *     fastest first
 * @param memoryBudgetBytes most bytes that a loaded variant of it may take, positive; empty for no
 *     limit
 * @param rollout how another generation takes over; empty for what the engine is configured to
 * @param fieldSamples that real inputs are kept; empty for none
 * @param gap what it does while its accelerator is away and taken to come back; empty for what the
 *     engine is configured to
 */
public record ModelPolicy(
    VersionPolicy versions,
    List<String> accelerators,
    boolean only,
    OptionalLong memoryBudgetBytes,
    Optional<RolloutPolicy> rollout,
    Optional<FieldSamplePolicy> fieldSamples,
    Optional<Gap> gap) {

  /** What a model does whose accelerator went away and is taken to come back. */
  public enum Gap {
    /** It runs on the next best accelerator meanwhile, and says so in its answers. */
    FALLBACK,
    /** Its requests wait. */
    WAIT
  }

  private static final ModelPolicy DEFAULT =
      new ModelPolicy(VersionPolicy.latest(), List.of(), false, OptionalLong.empty());

  /** Copies the list. */
  public ModelPolicy {
    accelerators = List.copyOf(accelerators);
  }

  /** With the engine's way of taking over and of bridging gaps, and no field samples. */
  public ModelPolicy(
      VersionPolicy versions,
      List<String> accelerators,
      boolean only,
      OptionalLong memoryBudgetBytes) {
    this(
        versions,
        accelerators,
        only,
        memoryBudgetBytes,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** The same with another way of taking over. */
  public ModelPolicy with(RolloutPolicy other) {
    return new ModelPolicy(
        versions, accelerators, only, memoryBudgetBytes, Optional.of(other), fieldSamples, gap);
  }

  /** The same, and real inputs are kept. */
  public ModelPolicy with(FieldSamplePolicy other) {
    return new ModelPolicy(
        versions, accelerators, only, memoryBudgetBytes, rollout, Optional.of(other), gap);
  }

  /** The same, and so it does while its accelerator is away. */
  public ModelPolicy with(Gap other) {
    return new ModelPolicy(
        versions, accelerators, only, memoryBudgetBytes, rollout, fieldSamples, Optional.of(other));
  }

  /** Latest version, fastest accelerator, no limit of memory. */
  public static ModelPolicy defaults() {
    return DEFAULT;
  }
}
