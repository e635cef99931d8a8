/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * What was seen of a tensor: extremes, their moving average, and a histogram. The histogram's limit
 * is a power of two that doubles when a value is larger, by which pairs of bins become one: so it
 * takes one pass, a fixed amount of memory, and does not depend on the order of the samples. Exact
 * zeros, which ReLU makes and every range represents, are counted apart. Not thread safe.
 */
public final class TensorStatistics {
  /** Bins from -limit to limit. */
  static final int BINS = 8192;

  private static final int HALF = BINS / 2;
  private static final int HALF_BITS = 12;
  private static final double AGEING = 0.01;
  private static final int ENTROPY_STEP = 16;
  private static final int MSE_STEPS = 80;

  private final long[] bins = new long[BINS];
  private int exponent = Integer.MIN_VALUE;
  private double limit;
  private double perBin;
  private long count;
  private long zeros;
  private long infinities;
  private long notNumbers;
  private int samples;
  private float min = Float.POSITIVE_INFINITY;
  private float max = Float.NEGATIVE_INFINITY;
  private double averageMin;
  private double averageMax;

  /** Takes the values of one sample in. */
  void add(FloatBuffer values) {
    float lowest = Float.POSITIVE_INFINITY;
    float highest = Float.NEGATIVE_INFINITY;
    for (int i = values.position(); i < values.limit(); i++) {
      float value = values.get(i);
      if (!Float.isFinite(value)) {
        if (Float.isNaN(value)) {
          notNumbers++;
        } else {
          infinities++;
        }
        continue;
      }
      lowest = Math.min(lowest, value);
      highest = Math.max(highest, value);
      count++;
      if (value == 0) {
        zeros++;
      } else {
        bins[bin(value)]++;
      }
    }
    if (lowest > highest) {
      return;
    }
    min = Math.min(min, lowest);
    max = Math.max(max, highest);
    averageMin = samples == 0 ? lowest : averageMin + AGEING * (lowest - averageMin);
    averageMax = samples == 0 ? highest : averageMax + AGEING * (highest - averageMax);
    samples++;
  }

  private int bin(float value) {
    if (Math.abs(value) >= limit) {
      // |value| < 2^(exponent of value + 1), exactly.
      widen(Math.getExponent(value) + 1);
    }
    // Scaling by a power of two is exact; a subnormal falls in the bins next to 0.
    return HALF + (int) Math.floor(value * perBin);
  }

  private void widen(int needed) {
    if (exponent != Integer.MIN_VALUE) {
      for (int i = exponent; i < needed; i++) {
        halve();
      }
    }
    exponent = needed;
    limit = Math.scalb(1.0, needed);
    perBin = Math.scalb(1.0, HALF_BITS - needed);
  }

  private void halve() {
    long[] wide = new long[BINS];
    for (int i = 0; i < BINS; i++) {
      wide[HALF + Math.floorDiv(i - HALF, 2)] += bins[i];
    }
    System.arraycopy(wide, 0, bins, 0, BINS);
  }

  /** Finite values that were seen. */
  public long count() {
    return count;
  }

  /** Infinite values that were seen; such a tensor is not quantized. */
  public long infinities() {
    return infinities;
  }

  /** Values that are no numbers. */
  public long notNumbers() {
    return notNumbers;
  }

  /** Exact zeros that were seen. */
  public long zeros() {
    return zeros;
  }

  /** Smallest finite value; 0 if none was seen. */
  public float min() {
    return count == 0 ? 0 : min;
  }

  /** Largest finite value; 0 if none was seen. */
  public float max() {
    return count == 0 ? 0 : max;
  }

  /**
   * The values other than 0 counted in equal intervals from {@link #min} to {@link #max}, for a
   * picture.
   *
   * @param parts at least 1
   */
  public long[] histogram(int parts) {
    long[] picture = new long[parts];
    double span = (double) max() - min();
    for (int i = 0; i < BINS; i++) {
      if (bins[i] > 0 && span > 0) {
        int part = (int) ((centre(i) - min()) / span * parts);
        picture[Math.max(0, Math.min(parts - 1, part))] += bins[i];
      }
    }
    return picture;
  }

  /**
   * Share of the values that a range leaves out, so that they are clipped to its ends, within the
   * histogram's resolution; 0 if no value was seen.
   */
  public double shareOutside(Range range) {
    if (count == 0 || (min >= range.low() && max <= range.high())) {
      return 0;
    }
    long outside = 0;
    for (int i = 0; i < BINS; i++) {
      if (bins[i] > 0 && (centre(i) < range.low() || centre(i) > range.high())) {
        outside += bins[i];
      }
    }
    return (double) outside / count;
  }

  private double width() {
    return exponent == Integer.MIN_VALUE ? 0 : Math.scalb(1.0, exponent - HALF_BITS);
  }

  private double centre(int bin) {
    return (bin - HALF + 0.5) * width();
  }

  /**
   * The range that a method chooses.
   *
   * @param percentile share of the values that PERCENTILE keeps at each end, percent, above 50
   * @param symmetric whether the integers will be symmetric, which MSE and ENTROPY heed
   */
  public Range range(CalibrationMethod method, double percentile, boolean symmetric) {
    if (count == 0 || zeros == count) {
      return Range.none();
    }
    return switch (method) {
      case MIN_MAX -> new Range(min, max);
      case MOVING_AVERAGE -> new Range((float) averageMin, (float) averageMax);
      case PERCENTILE -> percentile(percentile / 100);
      case ENTROPY -> entropy(symmetric);
      case MSE -> smallestError(symmetric);
    };
  }

  private Range percentile(double share) {
    double tail = (1 - share) * count;
    float low = 0;
    long below = 0;
    for (int i = 0; i < HALF; i++) {
      if (below + bins[i] > tail) {
        low = Math.max(min, (float) ((i - HALF + Math.max(0, (tail - below) / bins[i])) * width()));
        break;
      }
      below += bins[i];
    }
    float high = 0;
    long above = 0;
    for (int i = BINS - 1; i >= HALF; i--) {
      if (above + bins[i] > tail) {
        double part = Math.max(0, (tail - above) / bins[i]);
        high = Math.min(max, (float) ((i - HALF + 1 - part) * width()));
        break;
      }
      above += bins[i];
    }
    return new Range(low, high);
  }

  private Range entropy(boolean symmetric) {
    // All integers serve the positive side if there is no other and they need not be symmetric.
    int levels = min >= 0 && !symmetric ? 256 : 128;
    double[] magnitudes = new double[HALF];
    for (int i = 0; i < HALF; i++) {
      magnitudes[i] = bins[HALF + i] + bins[HALF - 1 - i];
    }
    int used = HALF;
    while (used > 0 && magnitudes[used - 1] == 0) {
      used--;
    }
    int best = used;
    double least = Double.POSITIVE_INFINITY;
    for (int end = used; end >= levels; end -= ENTROPY_STEP) {
      double divergence = divergence(magnitudes, end, used, levels);
      if (divergence < least) {
        least = divergence;
        best = end;
      }
    }
    float threshold = (float) (best * width());
    return new Range(Math.max(min, -threshold), Math.min(max, threshold));
  }

  /** Divergence of the magnitudes below {@code end}, those above on it, from their quantization. */
  private static double divergence(double[] magnitudes, int end, int used, int levels) {
    double outside = 0;
    for (int i = end; i < used; i++) {
      outside += magnitudes[i];
    }
    double inside = 0;
    for (int i = 0; i < end; i++) {
      inside += magnitudes[i];
    }
    if (inside == 0) {
      return Double.POSITIVE_INFINITY;
    }
    double total = inside + outside;
    double sum = 0;
    for (int level = 0; level < levels; level++) {
      int from = (int) ((long) level * end / levels);
      int to = (int) ((long) (level + 1) * end / levels);
      double mass = 0;
      int occupied = 0;
      for (int i = from; i < to; i++) {
        mass += magnitudes[i];
        occupied += magnitudes[i] > 0 ? 1 : 0;
      }
      for (int i = from; i < to; i++) {
        double p = (magnitudes[i] + (i == end - 1 ? outside : 0)) / total;
        if (p > 0) {
          // Values outside may fall on a bin that was empty: it has some probability all the same.
          double q = magnitudes[i] > 0 ? mass / occupied / inside : 1e-9;
          sum += p * Math.log(p / q);
        }
      }
    }
    return sum;
  }

  private Range smallestError(boolean symmetric) {
    Range best = new Range(min, max);
    double least = error(best, symmetric);
    for (int side = 0; side < 3; side++) {
      // Both ends together, then each by itself from where that led.
      Range start = best;
      for (int step = 1; step < MSE_STEPS; step++) {
        float shrink = 1 - (float) step / MSE_STEPS;
        Range range =
            new Range(
                side == 1 ? start.low() : start.low() * shrink,
                side == 2 ? start.high() : start.high() * shrink);
        double error = error(range, symmetric);
        if (error < least) {
          least = error;
          best = range;
        }
      }
    }
    return best;
  }

  private double error(Range range, boolean symmetric) {
    Quantization parameters = range.parameters(ElementType.INT8, symmetric);
    double scale = parameters.scale(0);
    int zero = parameters.zeroPoint(0);
    double sum = 0;
    for (int i = 0; i < BINS; i++) {
      if (bins[i] > 0) {
        double value = centre(i);
        double quantized = Math.max(-128, Math.min(127, Math.rint(value / scale) + zero));
        double off = (quantized - zero) * scale - value;
        sum += off * off * bins[i];
      }
    }
    return sum;
  }

  @Override
  public String toString() {
    return "count="
        + count
        + " min="
        + min()
        + " max="
        + max()
        + " zeros="
        + zeros
        + " bins="
        + Arrays.stream(bins).filter(bin -> bin > 0).count();
  }
}
