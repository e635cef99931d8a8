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

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The figures that LoadGen prints and the rules name, and the definition in exact arithmetic. */
final class EarlyStoppingTest {
  private static final MathContext EXACT = new MathContext(60);

  @Test
  void shouldAskForAsManyQueriesAsLoadGenDoes() {
    assertThat(EarlyStopping.fewestQueries(0.90)).isEqualTo(64);
    assertThat(EarlyStopping.fewestQueries(0.99)).isEqualTo(662);
  }

  @ParameterizedTest
  @CsvSource({
    "0.9, 1", "0.9, 63", "0.9, 64", "0.9, 500", "0.9, 1024", "0.9, 2500",
    "0.99, 661", "0.99, 662", "0.99, 1000", "0.99, 3000", "0.5, 7", "0.5, 100"
  })
  void shouldAgreeWithTheBinomialSumWhenItIsAddedUpExactly(String percentile, int queries) {
    assertThat(EarlyStopping.rankFromSlowest(queries, Double.parseDouble(percentile)))
        .isEqualTo(exact(queries, new BigDecimal(percentile)));
  }

  /** The largest t with sum over k = 0..t of C(n, k) (1-p)^k p^(n-k) at most 0.01. */
  private static long exact(int queries, BigDecimal percentile) {
    BigDecimal slow = BigDecimal.ONE.subtract(percentile);
    BigDecimal term = percentile.pow(queries, EXACT);
    BigDecimal sum = term;
    long t = 0;
    while (sum.compareTo(new BigDecimal("0.01")) <= 0) {
      term =
          term.multiply(BigDecimal.valueOf(queries - t), EXACT)
              .multiply(slow, EXACT)
              .divide(BigDecimal.valueOf(t + 1).multiply(percentile, EXACT), EXACT);
      sum = sum.add(term, EXACT);
      t++;
    }
    return Math.max(0, t - 1);
  }

  @Test
  void shouldComeNearThePercentileItselfWhenThereAreVeryManyQueries() {
    long queries = 50_000_000;
    long t = EarlyStopping.rankFromSlowest(queries, 0.9);
    // 2.326 standard deviations below a tenth of all.
    double expected = 5e6 - 2.3263 * Math.sqrt(queries * 0.09);
    assertThat((double) t).isCloseTo(expected, org.assertj.core.data.Offset.offset(10.0));
  }
}
