/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

/**
 * Where the true share lies with 95 % confidence.
 *
 * @param low from 0 to 1
 * @param high from 0 to 1
 */
public record Interval(double low, double high) {
  /** Quantile of the normal distribution that leaves 2.5 % at each end. */
  private static final double Z = 1.959963984540054;

  /**
   * Wilson's score interval (Wilson, Probable inference, the law of succession, and statistical
   * inference, 1927), which holds near 0 and 1 too.
   *
   * @throws IllegalArgumentException unless 0 &lt;= right &lt;= count and count &gt; 0
   */
  public static Interval wilson(long right, long count) {
    if (right < 0 || right > count || count == 0) {
      throw new IllegalArgumentException("not a share right=" + right + " count=" + count);
    }
    double share = (double) right / count;
    double square = Z * Z / count;
    double centre = (share + square / 2) / (1 + square);
    double half =
        Z / (1 + square) * Math.sqrt(share * (1 - share) / count + square / (4.0 * count));
    // At the ends rounding must not leave the ends out.
    return new Interval(
        right == 0 ? 0 : Math.max(0, centre - half),
        right == count ? 1 : Math.min(1, centre + half));
  }
}
