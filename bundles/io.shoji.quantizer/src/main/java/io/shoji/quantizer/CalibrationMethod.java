/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

/** How a tensor's range is chosen from what was seen of it. */
public enum CalibrationMethod {
  /** From the smallest to the largest value seen. */
  MIN_MAX,
  /** Mean of each sample's smallest and largest value, weighted by 0.99 per sample of age. */
  MOVING_AVERAGE,
  /** Without the few values at the ends. */
  PERCENTILE,
  /**
   * The threshold that loses the least information: smallest Kullback-Leibler divergence between
   * the magnitudes and what is left of them (Migacz, 8-bit inference with TensorRT, GTC 2017).
   */
  ENTROPY,
  /** The range with the smallest mean squared error. */
  MSE
}
