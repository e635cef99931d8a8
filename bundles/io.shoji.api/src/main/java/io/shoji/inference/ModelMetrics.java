/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import java.util.Map;

/**
 * Figures of one version of a model since the engine started. A snapshot; counts never go back,
 * also when the version was removed and is installed again.
 *
 * @param requests requests that ended, with or without an answer
 * @param answered requests that ended with an answer
 * @param errors requests that ended without, by code; their sum and {@code answered} make {@code
 *     requests}
 * @param waiting requests that wait now
 * @param latency time from the call to its end, of answered requests
 * @param queue time from the call to the start on the accelerator, of answered requests
 */
public record ModelMetrics(
    long requests,
    long answered,
    Map<InferenceException.Code, Long> errors,
    int waiting,
    Latency latency,
    Latency queue) {

  /** Copies the map. */
  public ModelMetrics {
    errors = Map.copyOf(errors);
  }

  /**
   * A distribution of times, nanoseconds, to three significant digits.
   *
   * @param count values in it
   * @param meanNanos mean
   * @param p50Nanos median
   * @param p90Nanos 90th percentile
   * @param p99Nanos 99th percentile
   * @param p999Nanos 99.9th percentile
   * @param maxNanos largest
   * @param histogram the whole, mergeable: HdrHistogram's compressed V2 encoding in Base64
   */
  public record Latency(
      long count,
      double meanNanos,
      long p50Nanos,
      long p90Nanos,
      long p99Nanos,
      long p999Nanos,
      long maxNanos,
      String histogram) {}
}
