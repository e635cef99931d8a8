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

import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Feature;
import io.shoji.model.DriftReference.Kind;
import io.shoji.operations.DriftReport;
import java.util.ArrayList;
import java.util.List;

/**
 * Holds a window of samples against a reference.
 *
 * <p>The population stability index is the sum over the bins of (p - q) ln(p / q), p and q being
 * the shares of the window and of the reference (Siddiqi, Credit Risk Scorecards, 2006), each bin
 * counted half a sample more so that none is empty. If both are samples of the same population, it
 * is about chi-square with one degree of freedom less than there are bins, times 1/n + 1/m
 * (Yurdakul, Statistical properties of the population stability index, 2018). The distance of
 * Kolmogorov and Smirnov is taken at the edges of the bins, which can only make it smaller; its
 * critical value is sqrt(-ln(a / 2) / 2) sqrt(1/n + 1/m) (Smirnov, 1948).
 *
 * <p>Samples that follow each other are alike: n is the number of samples times (1 - r) / (1 + r),
 * r being the correlation of neighbours (Bayley and Hammersley, 1946), but at least a sixteenth, or
 * a camera that sees nothing but dirt would never have seen enough.
 *
 * <p>Where the model answers classes, the reference is taken class by class, in the shares in which
 * they are answered in the window: a machine that is healthy all day is not a changed sensor. The
 * shares themselves are a feature of their own.
 */
final class DriftJudge {
  /** By chance, no feature of a window is beyond its critical value oftener than this. */
  private static final double CHANCE = 1e-4;

  private static final double SMOOTHING = 0.5;
  private static final double LEAST_EFFECTIVE = 1.0 / 16;

  private final DriftReference reference;
  private final int label;
  private final double level;
  private final long[][] pooled;

  DriftJudge(DriftReference reference) {
    this.reference = reference;
    this.level = CHANCE / reference.features().size();
    int found = -1;
    pooled = new long[reference.features().size()][];
    for (int i = 0; i < pooled.length; i++) {
      Feature feature = reference.features().get(i);
      if (feature.kind() == Kind.LABEL) {
        found = i;
      }
      pooled[i] = new long[feature.edges().size() + 1];
      for (List<Long> row : feature.counts()) {
        for (int bin = 0; bin < pooled[i].length; bin++) {
          pooled[i][bin] += row.get(bin);
        }
      }
    }
    this.label = found;
  }

  /**
   * What a window shows.
   *
   * @param older the half that was filled first
   * @param newer the other half
   * @param alarm index from which a feature drifted; 0 for never
   * @param labelAlarm the same for the shares of the classes
   */
  List<DriftReport.Feature> judge(
      DriftBlock older, DriftBlock newer, double alarm, double labelAlarm) {
    List<DriftReport.Feature> found = new ArrayList<>();
    double[] classes = label < 0 ? new double[0] : shares(older, newer, label);
    for (int i = 0; i < pooled.length; i++) {
      found.add(judge(i, older, newer, classes, i == label ? labelAlarm : alarm));
    }
    return found;
  }

  private DriftReport.Feature judge(
      int index, DriftBlock older, DriftBlock newer, double[] classes, double alarm) {
    Feature feature = reference.features().get(index);
    double[] live = shares(older, newer, index);
    double[] expected = new double[live.length];
    double referenceSamples = expect(index, classes, expected);
    double samples = (double) older.samples + newer.samples;
    double psi = 0;
    double ks = 0;
    double difference = 0;
    double outside = 0;
    int used = 0;
    for (int bin = 0; bin < live.length; bin++) {
      double p = smooth(live[bin], samples, live.length);
      double q = smooth(expected[bin], referenceSamples, live.length);
      psi += (p - q) * Math.log(p / q);
      difference += live[bin] - expected[bin];
      ks = Math.max(ks, Math.abs(difference));
      used += live[bin] > 0 || expected[bin] > 0 ? 1 : 0;
      boolean end = bin == 0 || bin == live.length - 1;
      outside += end && pooled[index][bin] == 0 ? live[bin] : 0;
    }
    double effective = effective(index, older, newer, samples);
    double spread = 1 / effective + 1 / referenceSamples;
    double psiByChance = chiSquare(Math.max(1, used - 1)) * spread;
    double ksByChance = Math.sqrt(-Math.log(level / 2) / 2 * spread);
    int numbers = older.numbers[index] + newer.numbers[index];
    double mean =
        numbers == 0
            ? Double.NaN
            : feature.mean() + (older.sums[index] + newer.sums[index]) / numbers;
    return new DriftReport.Feature(
        feature.label(),
        feature.kind(),
        psi,
        psiByChance,
        ks,
        ksByChance,
        effective,
        outside,
        mean,
        feature.mean(),
        beyond(psi, psiByChance, ks, ksByChance, alarm));
  }

  /** Whether a feature is beyond a level, and not by chance. */
  static boolean beyond(
      double psi, double psiByChance, double ks, double ksByChance, double alarm) {
    return alarm > 0 && psi >= alarm && (psi >= psiByChance || ks >= ksByChance);
  }

  private static double smooth(double share, double samples, int bins) {
    return (share * samples + SMOOTHING) / (samples + SMOOTHING * bins);
  }

  /** Shares of the bins in a window. */
  private static double[] shares(DriftBlock older, DriftBlock newer, int index) {
    double[] shares = new double[older.counts[index].length];
    double total = 0;
    for (int bin = 0; bin < shares.length; bin++) {
      shares[bin] = (double) older.counts[index][bin] + newer.counts[index][bin];
      total += shares[bin];
    }
    for (int bin = 0; bin < shares.length && total > 0; bin++) {
      shares[bin] /= total;
    }
    return shares;
  }

  /** Fills in the shares to be expected; how many samples of the reference these are from. */
  private double expect(int index, double[] classes, double[] expected) {
    List<List<Long>> rows = reference.features().get(index).counts();
    long all = sum(pooled[index]);
    if (rows.size() == 1 || rows.size() != classes.length) {
      for (int bin = 0; bin < expected.length; bin++) {
        expected[bin] = (double) pooled[index][bin] / all;
      }
      return reference.count();
    }
    double inverse = 0;
    for (int c = 0; c < classes.length; c++) {
      List<Long> row = rows.get(c);
      long rowTotal = row.stream().mapToLong(Long::longValue).sum();
      // Of a class that the reference never had, all that can be said is what all are like.
      boolean known = rowTotal > 0;
      long total = known ? rowTotal : all;
      double rowSamples = (double) total / all * reference.count();
      for (int bin = 0; bin < expected.length; bin++) {
        expected[bin] += classes[c] * (known ? row.get(bin) : pooled[index][bin]) / total;
      }
      inverse += classes[c] * classes[c] / rowSamples;
    }
    return 1 / inverse;
  }

  private static long sum(long[] counts) {
    long sum = 0;
    for (long each : counts) {
      sum += each;
    }
    return sum;
  }

  private static double effective(int index, DriftBlock older, DriftBlock newer, double samples) {
    int numbers = older.numbers[index] + newer.numbers[index];
    if (numbers < 3) {
      return samples;
    }
    double mean = (older.sums[index] + newer.sums[index]) / numbers;
    double variance = (older.squares[index] + newer.squares[index]) / numbers - mean * mean;
    // Two pairs fewer than numbers: the blocks do not see each other.
    double covariance =
        (older.products[index] + newer.products[index]) / (numbers - 2) - mean * mean;
    // A channel that never moves repeats nothing: it is dead.
    double correlation = variance > 1e-12 * (mean * mean) ? covariance / variance : 0;
    double independent = (1 - correlation) / (1 + correlation);
    return samples * Math.max(LEAST_EFFECTIVE, Math.min(1, independent));
  }

  /**
   * What chi-square exceeds with the chance {@link #level}: Wilson and Hilferty's approximation,
   * with the normal quantile of Abramowitz and Stegun, 26.2.23.
   */
  private double chiSquare(int degrees) {
    double t = Math.sqrt(-2 * Math.log(level));
    double z =
        t
            - (2.515517 + t * (0.802853 + t * 0.010328))
                / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    double ninth = 2.0 / (9 * degrees);
    double root = 1 - ninth + z * Math.sqrt(ninth);
    return degrees * root * root * root;
  }
}
