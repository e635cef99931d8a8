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

import java.util.Map;
import java.util.OptionalLong;

/**
 * What an operator wants of an accelerator. Immutable.
 *
 * @param enabled whether models run there
 * @param memoryBudgetBytes most bytes that the models on one device may take together, positive;
 *     empty for no limit
 * @param settings settings of the driver, by the names in its description, handed to its
 *     configuration {@code io.shoji.driver.KIND}; only where the policy is for a whole kind. What
 *     they mean and which values they take, the driver says and checks; settings not named here
 *     stay as they are
 */
public record AcceleratorPolicy(
    boolean enabled, OptionalLong memoryBudgetBytes, Map<String, Object> settings) {
  private static final AcceleratorPolicy DEFAULT =
      new AcceleratorPolicy(true, OptionalLong.empty(), Map.of());

  /** Copies the map. */
  public AcceleratorPolicy {
    settings = Map.copyOf(settings);
  }

  /** Enabled, no limit of memory, the driver's own settings. */
  public static AcceleratorPolicy defaults() {
    return DEFAULT;
  }
}
