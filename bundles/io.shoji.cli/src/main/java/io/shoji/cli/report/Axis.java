/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Numbers along a line of a chart, with ticks at round ones. Immutable. */
final class Axis {
  private static final double WIDEST_LINEAR = 1e15;

  private final double low;
  private final double high;
  private final double step;
  private final double from;
  private final double to;

  private Axis(double low, double high, double step, double from, double to) {
    this.low = low;
    this.high = high;
    this.step = step;
    this.from = from;
    this.to = to;
  }

  /**
   * An axis that holds two numbers and ends at ticks.
   *
   * @param from coordinate of its low end
   * @param to coordinate of its high end
   * @param most ticks, about
   */
  static Axis round(double low, double high, double from, double to, int most) {
    double first = Double.isFinite(low) ? low : 0;
    double last =
        Double.isFinite(high) && high > first ? high : first + Math.max(1, Math.abs(first));
    double step = step((last - first) / Math.max(1, most));
    return new Axis(
        Math.floor(first / step + 1e-9) * step,
        Math.ceil(last / step - 1e-9) * step,
        step,
        from,
        to);
  }

  /** An axis that ends exactly where it is told. */
  static Axis exact(double low, double high, double from, double to, int most) {
    double last = high > low && Double.isFinite(high - low) ? high : low + 1;
    return new Axis(low, last, step((last - low) / Math.max(1, most)), from, to);
  }

  /** The next of 1, 2, 5 times a power of ten. */
  private static double step(double least) {
    double power = Math.pow(10, Math.floor(Math.log10(least)));
    for (double factor : new double[] {1, 2, 5}) {
      if (factor * power >= least * (1 - 1e-9)) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  /** Where a number is; numbers beyond the ends are at the ends. */
  double at(double value) {
    double share = (value - low) / (high - low);
    return from + Math.max(0, Math.min(1, share)) * (to - from);
  }

  double low() {
    return low;
  }

  double high() {
    return high;
  }

  /** The round numbers from low to high. */
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    if (Math.max(Math.abs(low), Math.abs(high)) / step < WIDEST_LINEAR) {
      for (long i = (long) Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
        ticks.add(i * step);
      }
    }
    return ticks;
  }

  /** A tick as text. */
  String label(double tick) {
    if (tick == 0) {
      return "0";
    }
    double largest = Math.max(Math.abs(low), Math.abs(high));
    if (largest >= 1e5 || step < 1e-4) {
      return String.format(Locale.ROOT, "%.3g", tick).replaceFirst("\\.?0+(e|$)", "$1");
    }
    int digits = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return String.format(Locale.ROOT, "%." + digits + "f", tick).replace('-', '\u2212');
  }
}
