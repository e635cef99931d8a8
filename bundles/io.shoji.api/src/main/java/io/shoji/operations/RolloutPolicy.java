/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

/**
 * How another generation of a model takes over from the one that answers. Immutable.
 *
 * @param canary what live requests are used for before the switch
 * @param share share of live requests that the canary takes, more than 0, at most 1
 * @param canaryTimeMs after so long the canary ends even if its test has not decided, 1 to
 *     86,400,000
 * @param probationMs how long a generation that was switched to is watched, and goes back by itself
 *     to the one before if it does worse; 0 for not at all, at most 86,400,000
 * @param tight what is done where memory does not allow old and new at once
 * @param group models of one group switch together and go back together; empty for a model of its
 *     own
 */
public record RolloutPolicy(
    Canary canary,
    double share,
    int canaryTimeMs,
    int probationMs,
    TightMemory tight,
    String group) {

  /** What live requests are used for before the switch. */
  public enum Canary {
    /** For nothing: golden samples alone decide. */
    OFF,
    /** A share of them also runs on the new generation; the old one answers. */
    SHADOW,
    /** A share of them is answered by the new generation, and also runs on the old one. */
    LIVE
  }

  /** What is done where memory does not allow two generations at once. */
  public enum TightMemory {
    /** The old one serves on, the new one is refused with the reason. */
    REFUSE,
    /**
     * The old one is closed first; requests wait meanwhile, or run on another accelerator and say
     * {@code degraded}. If the new one fails, the old one is loaded again.
     */
    SEQUENTIAL
  }

  private static final int DAY_MS = 86_400_000;
  private static final RolloutPolicy DEFAULT =
      new RolloutPolicy(Canary.OFF, 0.1, 60_000, 60_000, TightMemory.REFUSE, "");

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the value that is out of its range, and the range
   */
  public RolloutPolicy {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException(
          "the share of the canary is out of its range share=" + share + " range=(0, 1]");
    }
    check("canaryTimeMs", canaryTimeMs, 1);
    check("probationMs", probationMs, 0);
  }

  private static void check(String name, int value, int least) {
    if (value < least || value > DAY_MS) {
      throw new IllegalArgumentException(
          "a time is out of its range "
              + name
              + "="
              + value
              + " range=["
              + least
              + ", "
              + DAY_MS
              + "]");
    }
  }

  /** No canary, a minute of probation, refused where memory is tight, no group. */
  public static RolloutPolicy defaults() {
    return DEFAULT;
  }
}
