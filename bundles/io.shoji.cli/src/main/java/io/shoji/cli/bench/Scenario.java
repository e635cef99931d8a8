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

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The scenarios of MLPerf Inference that have no load of their own (MLPerf Inference Rules, section
 * "Scenarios"; {@code loadgen/mlperf.conf}).
 */
enum Scenario {
  /** The next query of one sample as soon as the one before is answered. */
  SINGLE_STREAM("SingleStream", 1, 0.90),
  /** The same with queries of eight samples; a query takes until its last sample is answered. */
  MULTI_STREAM("MultiStream", 8, 0.99),
  /** All samples at once: only throughput counts. */
  OFFLINE("Offline", 1, Double.NaN);

  /** Least duration of a run by the rules. */
  static final long RULES_NANOS = 600_000_000_000L;

  /** Samples that Offline asks for at most; a smaller set of samples is gone through once. */
  static final int OFFLINE_SAMPLES = 24_576;

  private final String label;
  private final int samplesPerQuery;
  private final double percentile;

  Scenario(String label, int samplesPerQuery, double percentile) {
    this.label = label;
    this.samplesPerQuery = samplesPerQuery;
    this.percentile = percentile;
  }

  /** As MLPerf writes it. */
  String label() {
    return label;
  }

  /** Samples of a query. */
  int samplesPerQuery() {
    return samplesPerQuery;
  }

  /** The percentile of latency that is the scenario's result; empty for one of throughput. */
  OptionalDouble percentile() {
    return Double.isNaN(percentile) ? OptionalDouble.empty() : OptionalDouble.of(percentile);
  }

  /**
   * Least number of queries (for Offline: of samples) of a run by the rules.
   *
   * @param samples how many different ones there are
   */
  long fewestQueries(int samples) {
    return Double.isNaN(percentile)
        ? Math.min(samples, OFFLINE_SAMPLES)
        : EarlyStopping.fewestQueries(percentile);
  }

  /** The scenario of that name, with or without capitals, hyphens and underscores. */
  static Optional<Scenario> of(String name) {
    String wanted = plain(name);
    for (Scenario scenario : values()) {
      if (plain(scenario.label).equals(wanted)) {
        return Optional.of(scenario);
      }
    }
    return Optional.empty();
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[-_ ]", "");
  }
}
