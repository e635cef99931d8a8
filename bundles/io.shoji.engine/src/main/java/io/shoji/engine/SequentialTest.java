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
 * Decides between two rates of an event, one observation after the other, with no more observations
 * than it takes: Wald, Sequential tests of statistical hypotheses, Annals of Mathematical
 * Statistics 16 (1945), 117-186. Thread safe.
 *
 * <p>With rates p0 &lt; p1 each event adds ln(p1 / p0), each other observation ln((1 - p1) / (1 -
 * p0)). At ln(1 / alpha) or above the higher rate is found, at ln(beta) or below the lower one.
 * Wald's inequality makes these limits safe whatever the observations overshoot them by: if the
 * rate is p0 or less, the higher one is found with a probability of at most alpha; if it is p1 or
 * more, the lower one is found with a probability of at most beta.
 */
final class SequentialTest {
  /** What was found. */
  enum Finding {
    /** Not yet clear. */
    OPEN,
    /** The lower rate. */
    LOWER,
    /** The higher rate. */
    HIGHER
  }

  private final double event;
  private final double other;
  private final double upper;
  private final double lower;

  // Guarded by this.
  private double sum;
  private int observations;
  private int events;
  private Finding finding = Finding.OPEN;

  /**
   * A test that has seen nothing.
   *
   * @param p0 the lower rate, more than 0
   * @param p1 the higher rate, less than 1
   * @param alpha most probability of finding the higher rate where it is the lower one
   * @param beta most probability of finding the lower rate where it is the higher one
   */
  SequentialTest(double p0, double p1, double alpha, double beta) {
    if (!(0 < p0 && p0 < p1 && p1 < 1 && 0 < alpha && alpha < 1 && 0 < beta && beta < 1)) {
      throw new IllegalArgumentException(
          "rates and errors lie between 0 and 1, p0 below p1 p0="
              + p0
              + " p1="
              + p1
              + " alpha="
              + alpha
              + " beta="
              + beta);
    }
    this.event = Math.log(p1 / p0);
    this.other = Math.log((1 - p1) / (1 - p0));
    this.upper = Math.log(1 / alpha);
    this.lower = Math.log(beta);
  }

  /** Takes an observation; what is found by now. Once found it stays. */
  synchronized Finding add(boolean happened) {
    observations++;
    events += happened ? 1 : 0;
    if (finding == Finding.OPEN) {
      sum += happened ? event : other;
      finding = sum >= upper ? Finding.HIGHER : sum <= lower ? Finding.LOWER : Finding.OPEN;
    }
    return finding;
  }

  /** What is found by now. */
  synchronized Finding finding() {
    return finding;
  }

  /** Observations so far. */
  synchronized int observations() {
    return observations;
  }

  /** Events among them. */
  synchronized int events() {
    return events;
  }
}
