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

/**
 * Limits of a share that was found in a number of samples: Wilson, Probable inference, the law of
 * succession, and statistical inference, JASA 22 (1927), 209-212.
 */
final class Share {
  private Share() {}

  /**
   * The highest share that may lie behind what was found.
   *
   * @param count samples that have it
   * @param samples all samples; with none of them nothing is known, and it is 1
   * @param quantile normal quantile of the certainty, one-sided: 3.09 for one error in a thousand
   */
  static double most(double count, int samples, double quantile) {
    return samples == 0 ? 1 : limit(count / samples, samples, quantile);
  }

  /** The lowest share that may lie behind what was found, as {@link #most}. */
  static double least(double count, int samples, double quantile) {
    return samples == 0 ? 0 : Math.max(0, limit(count / samples, samples, -quantile));
  }

  private static double limit(double share, int samples, double quantile) {
    double z2 = quantile * quantile;
    double middle = share + z2 / (2 * samples);
    double half =
        quantile * Math.sqrt(share * (1 - share) / samples + z2 / (4.0 * samples * samples));
    return Math.min(1, (middle + half) / (1 + z2 / samples));
  }
}
