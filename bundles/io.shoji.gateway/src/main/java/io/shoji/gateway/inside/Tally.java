/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import io.shoji.inference.Prediction;
import io.shoji.inference.Provenance;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Counts what one model said. Thread safe. */
final class Tally {
  private final String model;
  private final long startNanos = System.nanoTime();
  private long[] latencies = new long[1024];
  private int answered;
  private int judged;
  private int right;
  private int errors;
  private long endNanos;
  private String sample = "";
  private String said = "";
  private String truth = "";
  private @Nullable String firstError;
  private @Nullable Provenance provenance;

  Tally(String model) {
    this.model = model;
  }

  /** Counts an answer. */
  synchronized void answered(String from, Prediction prediction, Optional<String> expected) {
    if (answered == latencies.length) {
      latencies = Arrays.copyOf(latencies, 2 * answered);
    }
    latencies[answered++] =
        prediction.preNanos() + prediction.inferNanos() + prediction.postNanos();
    provenance = prediction.provenance();
    sample = from;
    truth = expected.orElse("");
    if (prediction.ranking().isEmpty()) {
      said = "";
    } else {
      Prediction.Ranked best = prediction.ranking().get(0);
      said = best.label() + String.format(" (%.0f %%)", 100 * best.score());
      if (expected.isPresent()) {
        judged++;
        if (best.label().equals(truth)) {
          right++;
        }
      }
    }
    endNanos = System.nanoTime();
  }

  /** Counts a sample without an answer; one whose truth is known counts as wrong. */
  synchronized void failed(String from, Optional<String> expected, String reason) {
    sample = from;
    said = "no answer";
    truth = expected.orElse("");
    errors++;
    if (expected.isPresent()) {
      judged++;
    }
    if (firstError == null) {
      firstError = reason;
    }
    endNanos = System.nanoTime();
  }

  /** The figures so far. */
  synchronized Figures figures() {
    long[] sorted = Arrays.copyOf(latencies, answered);
    Arrays.sort(sorted);
    double seconds = (endNanos - startNanos) / 1e9;
    return new Figures(
        model,
        sample,
        said,
        truth,
        answered,
        judged,
        right,
        errors,
        Optional.ofNullable(firstError),
        Optional.ofNullable(provenance),
        Latency.of(sorted),
        answered == 0 ? 0 : answered / Math.max(seconds, 1e-9));
  }

  /**
   * Percentiles, milliseconds: the smallest value that so many per cent of all do not exceed; NaN
   * if there are none.
   */
  record Latency(double p50, double p90, double p99, double p999, double most) {
    private static Latency of(long[] ascending) {
      return new Latency(
          at(ascending, 500),
          at(ascending, 900),
          at(ascending, 990),
          at(ascending, 999),
          at(ascending, 1000));
    }

    private static double at(long[] ascending, int perMille) {
      long rank = ((long) perMille * ascending.length + 999) / 1000;
      return rank == 0 ? Double.NaN : ascending[(int) rank - 1] / 1e6;
    }
  }

  /**
   * Figures at one moment.
   *
   * @param model name and version
   * @param sample the last one
   * @param said what was said of it
   * @param truth what it is, or an empty string
   * @param answered how many samples got an answer
   * @param judged how many of all have a known truth
   * @param right how many of those were answered right
   * @param errors how many samples got no answer
   * @param firstError why the first of those did not
   * @param provenance what made the last answer
   * @param latency times in the pipeline
   * @param perSecond answers per second
   */
  record Figures(
      String model,
      String sample,
      String said,
      String truth,
      int answered,
      int judged,
      int right,
      int errors,
      Optional<String> firstError,
      Optional<Provenance> provenance,
      Latency latency,
      double perSecond) {

    /** Share of right answers among the judged. */
    double accuracy() {
      return judged == 0 ? Double.NaN : (double) right / judged;
    }

    String accelerator() {
      return provenance
          .map(
              by ->
                  by.accelerator()
                      + ":"
                      + by.device()
                      + (by.simulated() ? " (simulated)" : "")
                      + (by.degraded() ? " (degraded)" : ""))
          .orElse("");
    }
  }
}
