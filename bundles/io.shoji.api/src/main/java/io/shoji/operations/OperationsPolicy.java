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

/**
 * Everything that an operator configured, as a whole. Immutable.
 *
 * @param models by name of the model; {@code *} for those not named
 * @param accelerators by device, as {@code cpu:cpu0}, or by kind, as {@code cpu}, for devices of
 *     that kind not named
 */
public record OperationsPolicy(
    Map<String, ModelPolicy> models, Map<String, AcceleratorPolicy> accelerators) {
  /** Key of the policy for models that are not named. */
  public static final String OTHERS = "*";

  private static final OperationsPolicy EMPTY = new OperationsPolicy(Map.of(), Map.of());

  /** Copies the maps. */
  public OperationsPolicy {
    models = Map.copyOf(models);
    accelerators = Map.copyOf(accelerators);
  }

  /** Nothing configured: the defaults for all. */
  public static OperationsPolicy empty() {
    return EMPTY;
  }

  /** What holds for a model. */
  public ModelPolicy model(String name) {
    ModelPolicy own = models.get(name);
    return own != null ? own : models.getOrDefault(OTHERS, ModelPolicy.defaults());
  }

  /**
   * What holds for a device.
   *
   * @param kind class of device, as {@code cpu}
   * @param device identity of the device, as {@code cpu0}
   */
  public AcceleratorPolicy accelerator(String kind, String device) {
    AcceleratorPolicy own = accelerators.get(kind + ":" + device);
    return own != null ? own : accelerators.getOrDefault(kind, AcceleratorPolicy.defaults());
  }
}
