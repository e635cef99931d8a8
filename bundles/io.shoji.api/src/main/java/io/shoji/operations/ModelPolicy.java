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
 */
public record ModelPolicy(
    VersionPolicy versions,
    List<String> accelerators,
    boolean only,
    OptionalLong memoryBudgetBytes) {
  private static final ModelPolicy DEFAULT =
      new ModelPolicy(VersionPolicy.latest(), List.of(), false, OptionalLong.empty());

  /** Copies the list. */
  public ModelPolicy {
    accelerators = List.copyOf(accelerators);
  }

  /** Latest version, fastest accelerator, no limit of memory. */
  public static ModelPolicy defaults() {
    return DEFAULT;
  }
}
