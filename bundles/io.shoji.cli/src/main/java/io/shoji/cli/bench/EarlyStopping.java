/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

/**
 * How many of the slowest queries may be discarded when a percentile is estimated from few queries
 * (MLPerf Inference Rules, appendix "Early Stopping Criterion", with tolerance 0 and confidence
 * 0.99).
 *
 * <p>Of n queries at most t are slower than the bound with probability F(t; n, 1-p), the cumulative
 * binomial distribution, if a fraction p of all meets the bound. The largest t for which that is at
 * most 0.01 is the answer: the t-th slowest of the n latencies is an upper bound of the percentile
 * with confidence 0.99, and for many queries it approaches the percentile itself.
 */
final class EarlyStopping {
  private static final double SIGNIFICANCE = 0.01;

  /** Terms further than so many standard deviations below the mean do not add up to 1e-30. */
  private static final double NEGLIGIBLE_DEVIATIONS = 12;

  private static final int EXACT_FACTORIALS = 32;

  private EarlyStopping() {}

  /**
   * The rank of the estimate, counted from the slowest: 1 for the slowest itself.
   *
   * @param queries that were made
   * @param percentile to estimate, as 0.9
   * @return t, or 0 if there are too few queries for any estimate
   */
  static long rankFromSlowest(long queries, double percentile) {
    double mean = queries * (1 - percentile);
    double deviation = Math.sqrt(mean * percentile);
    long t = Math.max(0, (long) (mean - NEGLIGIBLE_DEVIATIONS * deviation));
    double term = Math.exp(logProbability(queries, t, 1 - percentile));
    double odds = (1 - percentile) / percentile;
    double sum = term;
    if (sum > SIGNIFICANCE) {
      return 0;
    }
    while (t < queries) {
      term *= (double) (queries - t) / (t + 1) * odds;
      sum += term;
      if (sum > SIGNIFICANCE) {
        return t;
      }
      t++;
    }
    return t;
  }

  /** Fewest queries that allow an estimate: 64 for 0.9 and 662 for 0.99. */
  static long fewestQueries(double percentile) {
    long queries = 1;
    while (rankFromSlowest(queries, percentile) == 0) {
      queries++;
    }
    return queries;
  }

  /** Logarithm of the probability of k of n at probability p each. */
  private static double logProbability(long n, long k, double p) {
    return logFactorial(n)
        - logFactorial(k)
        - logFactorial(n - k)
        + k * Math.log(p)
        + (n - k) * Math.log1p(-p);
  }

  /** Logarithm of n!, by Stirling's series (Abramowitz and Stegun, 6.1.41) where n is large. */
  private static double logFactorial(long n) {
    if (n < EXACT_FACTORIALS) {
      double sum = 0;
      for (long i = 2; i <= n; i++) {
        sum += Math.log((double) i);
      }
      return sum;
    }
    double x = (double) n + 1;
    return (x - 0.5) * Math.log(x)
        - x
        + 0.5 * Math.log(2 * Math.PI)
        + 1 / (12 * x)
        - 1 / (360 * x * x * x)
        + 1 / (1260 * x * x * x * x * x);
  }
}
