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

import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a generation and the one before made of the same golden samples. Immutable.
 *
 * @param samples samples that both answered
 * @param differing those that they answered differently
 * @param labelled those of which the right answer is known
 * @param lost those that only the one before answered rightly
 * @param won those that only the new one answered rightly
 * @param beforeNanos median latency of the one before; 0 if unknown
 * @param nanos median latency of the new one, in turn with it; 0 if unknown
 */
record Likeness(
    int samples, int differing, int labelled, int lost, int won, long beforeNanos, long nanos) {
  /** Nothing is known. */
  static final Likeness UNKNOWN = new Likeness(0, 0, 0, 0, 0, 0, 0);

  /** Normal quantile of an error of 0.15 %, one-sided. */
  private static final double CERTAIN = 2.97;

  /** Net loss that is taken for one of five points, if chance does not explain it. */
  private static final double LEAST_LOSS = 0.025;

  private static final int LEAST_SAMPLES = 20;

  /**
   * What speaks against the new generation by right answers that were lost: the test of McNemar
   * (Note on the sampling error of the difference between correlated proportions, Psychometrika
   * 1947), one-sided, at an error of 0.15 %.
   */
  Optional<String> regression() {
    int net = lost - won;
    if (labelled == 0
        || net < LEAST_LOSS * labelled
        || net <= CERTAIN * Math.sqrt(lost + (double) won)) {
      return Optional.empty();
    }
    return Optional.of(
        "it is worse than what answers on the same golden samples lost="
            + lost
            + " won="
            + won
            + " samples="
            + labelled);
  }

  /**
   * What speaks against the new generation if it runs the very same file as the one before, as with
   * another driver: more than five in a hundred answers are others.
   */
  Optional<String> estrangement() {
    double limit = Judge.REGRESSION;
    if (samples < LEAST_SAMPLES || differing <= limit * samples) {
      return Optional.empty();
    }
    return Optional.of(
        "it answers otherwise than what answers now from the same file asked="
            + (1 - limit)
            + " found="
            + share(samples - differing, samples)
            + " samples="
            + samples);
  }

  /** The figures by name. */
  void addTo(Map<String, String> evidence) {
    if (samples > 0) {
      evidence.put("agreement", share(samples - differing, samples));
      evidence.put("agreement.samples", Integer.toString(samples));
    }
    if (labelled > 0) {
      evidence.put("lost", Integer.toString(lost));
      evidence.put("won", Integer.toString(won));
    }
  }

  /** A share as text. */
  static String share(int count, int of) {
    return String.format(Locale.ROOT, "%.4f", of == 0 ? 0 : (double) count / of);
  }
}
