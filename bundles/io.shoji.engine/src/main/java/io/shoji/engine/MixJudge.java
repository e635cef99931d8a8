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

import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Judges by the distribution of its answers whether a generation on probation answers otherwise
 * than the one before: the mix of classes, and how sure it is. In two steps, since inputs change
 * with the time of day: what it answers against what the one before had answered costs nothing and
 * only raises a suspicion; then both answer the same {@value #PAIRS} requests, and only that
 * counts. There the share of a class must have changed by {@link #LEAST_SHIFT} (McNemar's exact
 * test, of every class, together at an error of 0.05 %), or the mean confidence have dropped by
 * {@link #LEAST_DROP} (paired test, at 0.05 %). It is done once, so a generation that answers as
 * before is sent back in at most 1 of 1,000 probations. Thread safe.
 */
final class MixJudge implements Comparison {
  /** Requests that both answer. */
  static final int PAIRS = 512;

  /** Change of a class's share. */
  static final double LEAST_SHIFT = 0.05;

  /** Drop of the mean confidence. */
  static final double LEAST_DROP = 0.05;

  private static final double ALPHA = 5e-4;

  /** Normal quantile of an error of 0.05 %, one-sided. */
  private static final double CERTAIN = 3.29;

  /** Answers after which is looked first; then after twice as many, and so on. */
  private static final int FIRST_LOOK = 64;

  /** Normal quantile of an error of 1 %, one-sided. */
  private static final double SUSPICIOUS = 2.326;

  /** With fewer expected, classes are taken together. */
  private static final int LEAST_EXPECTED = 5;

  private final AnswerMix mix;
  private final AnswerMix.Counted before;

  // Guarded by this.
  private int nextLook = FIRST_LOOK;
  private final int[] gained;
  private final int[] lost;
  private int pairs;
  private double drops;
  private double dropSquares;
  private String suspicion = "";
  private String against = "";

  /**
   * A judge.
   *
   * @param mix of the new generation, which answers nothing yet
   * @param before what the one before had answered
   */
  MixJudge(AnswerMix mix, AnswerMix.Counted before) {
    this.mix = mix;
    this.before = before;
    this.gained = new int[mix.classes()];
    this.lost = new int[mix.classes()];
  }

  /** Whether it was suspected before. */
  synchronized boolean suspected() {
    return !suspicion.isEmpty();
  }

  /** Looks whether answers are distributed otherwise than before; whether that is suspected now. */
  synchronized boolean suspects() {
    AnswerMix.Counted now = mix.latest();
    if (suspected() || now.answers < nextLook || before.answers < FIRST_LOOK) {
      return suspected();
    }
    nextLook = Math.max(nextLook, now.answers) * 2;
    double variance = before.variance() / before.answers + now.variance() / now.answers;
    if (isOtherMix(now)) {
      suspicion = "classes are answered in other shares than before the switch";
    } else if (before.mean() - now.mean() > SUSPICIOUS * Math.sqrt(variance)
        && before.mean() - now.mean() > LEAST_DROP / 2) {
      suspicion =
          "answers are less sure than before the switch mean="
              + text(now.mean())
              + " before="
              + text(before.mean());
    }
    return suspected();
  }

  /** The chi-squared test of homogeneity at 1 %, its quantile by Wilson and Hilferty (1931). */
  private boolean isOtherMix(AnswerMix.Counted now) {
    double all = (double) before.answers + now.answers;
    double statistic = 0;
    int cells = 0;
    int rareBefore = 0;
    int rareNow = 0;
    for (int i = 0; i <= before.counts.length; i++) {
      boolean rest = i == before.counts.length;
      int one = rest ? rareBefore : before.counts[i];
      int other = rest ? rareNow : now.counts[i];
      double expectedOne = (one + other) * (before.answers / all);
      double expectedOther = (one + other) * (now.answers / all);
      if (!rest && Math.min(expectedOne, expectedOther) < LEAST_EXPECTED) {
        rareBefore += one;
        rareNow += other;
      } else if (one + other > 0 && Math.min(expectedOne, expectedOther) >= 1) {
        cells++;
        statistic +=
            (one - expectedOne) * (one - expectedOne) / expectedOne
                + (other - expectedOther) * (other - expectedOther) / expectedOther;
      }
    }
    int freedom = Math.max(1, cells - 1);
    double root = 2.0 / (9 * freedom);
    return statistic > freedom * Math.pow(1 - root + SUSPICIOUS * Math.sqrt(root), 3);
  }

  @Override
  public void failed(String reason) {
    // Failures are counted by whoever watches the generation.
  }

  @Override
  public synchronized void compared(
      List<Tensor> one, List<Tensor> next, long beforeNanos, long nextNanos) {
    int samples = Math.min(mix.samples(one), mix.samples(next));
    for (int i = 0; i < samples && pairs < PAIRS; i++) {
      int labelBefore = mix.label(one, i);
      int labelNext = mix.label(next, i);
      if (labelBefore != labelNext) {
        lost[labelBefore]++;
        gained[labelNext]++;
      }
      double drop = mix.confidence(one, i) - mix.confidence(next, i);
      drops += drop;
      dropSquares += drop * drop;
      if (++pairs == PAIRS) {
        decide();
      }
    }
  }

  private void decide() {
    for (int i = 0; i < gained.length; i++) {
      int changed = gained[i] + lost[i];
      int net = Math.abs(gained[i] - lost[i]);
      if (net >= LEAST_SHIFT * PAIRS
          && 2 * tail(changed, Math.max(gained[i], lost[i])) < ALPHA / gained.length) {
        against =
            "it answers classes in other shares than what answered before, on the same requests class="
                + i
                + " gained="
                + gained[i]
                + " lost="
                + lost[i]
                + " requests="
                + PAIRS;
        return;
      }
    }
    double mean = drops / PAIRS;
    double deviation = Math.sqrt(Math.max(0, dropSquares / PAIRS - mean * mean) / PAIRS);
    if (mean >= LEAST_DROP && mean > CERTAIN * deviation) {
      against =
          "it is less sure than what answered before, on the same requests drop="
              + text(mean)
              + " requests="
              + PAIRS;
    }
  }

  /** Chance of at least so many heads of so many coins. */
  private static double tail(int coins, int heads) {
    double chance = Math.pow(0.5, coins);
    double sum = 0;
    for (int i = coins; i >= heads; i--) {
      sum += chance;
      chance *= i / (double) (coins - i + 1);
    }
    return Math.min(1, sum);
  }

  @Override
  public synchronized boolean decided() {
    return pairs >= PAIRS;
  }

  /** What speaks against it; empty if nothing does by now. */
  synchronized Optional<String> against() {
    return against.isEmpty() ? Optional.empty() : Optional.of(against);
  }

  /** The figures by name. */
  synchronized void addTo(Map<String, String> evidence) {
    AnswerMix.Counted now = mix.latest();
    evidence.put("probation.confidence", text(now.mean()));
    evidence.put("probation.confidenceBefore", text(before.mean()));
    if (suspected()) {
      evidence.put("probation.mix", suspicion + " requestsOnBoth=" + pairs);
    }
  }

  private static String text(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
