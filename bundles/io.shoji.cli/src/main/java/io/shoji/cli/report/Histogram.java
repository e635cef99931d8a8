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
import java.util.Arrays;
import java.util.List;

/** How often values of each size were seen. */
public final class Histogram implements Chart {
  private static final double MARGIN = 18;
  private static final double LINE = 14;
  private static final double BOTTOM = 36;
  private static final double SIDE = 12;

  private final String title;
  private final String unit;
  private final double low;
  private final double high;
  private final long[] bins;
  private final List<Mark> marks = new ArrayList<>();
  private double width = 760;
  private double height = 220;
  private boolean logarithmic;
  private double rangeLow = Double.NaN;
  private double rangeHigh = Double.NaN;

  private record Mark(String name, double value) {}

  /**
   * A histogram that was counted.
   *
   * @param title for readers who do not see it
   * @param unit written at the axis; may be empty
   * @param bins counts in equal intervals from low to high
   */
  public Histogram(String title, String unit, double low, double high, long[] bins) {
    this.title = title;
    this.unit = unit;
    this.low = low;
    this.high = high;
    this.bins = bins.clone();
  }

  /** A histogram of values, in equal intervals from the smallest to the largest finite one. */
  public static Histogram of(String title, String unit, double[] values, int intervals) {
    double[] finite = Arrays.stream(values).filter(Double::isFinite).toArray();
    double low = Arrays.stream(finite).min().orElse(0);
    double high = Arrays.stream(finite).max().orElse(1);
    long[] bins = new long[intervals];
    for (double value : finite) {
      int bin = high > low ? (int) ((value - low) / (high - low) * intervals) : 0;
      bins[Math.min(intervals - 1, bin)]++;
    }
    return new Histogram(title, unit, low, high, bins);
  }

  /** Marks a value, as a percentile. */
  public Histogram mark(String name, double value) {
    marks.add(new Mark(name, value));
    return this;
  }

  /** Shades what lies outside of a range. */
  public Histogram range(double from, double to) {
    rangeLow = from;
    rangeHigh = to;
    return this;
  }

  /** Draws heights as logarithms, so that rare values show. */
  public Histogram logarithmic() {
    logarithmic = true;
    return this;
  }

  /** In another size, pixels. */
  public Histogram size(double newWidth, double newHeight) {
    width = newWidth;
    height = newHeight;
    return this;
  }

  @Override
  public Markup draw() {
    double end = height - BOTTOM;
    double top = MARGIN + LINE * marks.size();
    double first = Double.isNaN(rangeLow) ? low : Math.min(low, rangeLow);
    double last = Double.isNaN(rangeHigh) ? high : Math.max(high, rangeHigh);
    Markup svg = Chart.start(title, width, height);
    Axis axis = Axis.exact(first, last, SIDE, width - SIDE, (int) Math.max(2, width / 90));
    if (!Double.isNaN(rangeLow)) {
      Chart.rectangle(svg, "outside", SIDE, top, axis.at(rangeLow) - SIDE, end - top);
      double right = axis.at(rangeHigh);
      Chart.rectangle(svg, "outside", right, top, width - SIDE - right, end - top);
    }
    double most = height(Arrays.stream(bins).max().orElse(0));
    double step = (high - low) / Math.max(1, bins.length);
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < bins.length; i++) {
      if (bins[i] > 0) {
        double left = axis.at(low + i * step);
        double right = Math.max(left + 0.8, axis.at(low + (i + 1) * step));
        double peak = end - Math.max(1, (end - top) * height(bins[i]) / most);
        path.append('M').append(Markup.at(left)).append(' ').append(Markup.at(end));
        path.append('V').append(Markup.at(peak)).append('H').append(Markup.at(right));
        path.append('V').append(Markup.at(end)).append('z');
      }
    }
    svg.empty("path", "class", "plain", "d", path.toString());
    Chart.line(svg, "axis", SIDE, end, width - SIDE, end);
    for (double tick : axis.ticks()) {
      Chart.line(svg, "axis", axis.at(tick), end, axis.at(tick), end + 4);
      Chart.text(svg, "soft", "middle", axis.at(tick), end + 16, axis.label(tick));
    }
    if (!unit.isEmpty()) {
      Chart.text(svg, "soft", "middle", width / 2, height - 4, unit);
    }
    if (!Double.isNaN(rangeLow)) {
      Chart.line(svg, "mark", axis.at(rangeLow), top, axis.at(rangeLow), end);
      Chart.line(svg, "mark", axis.at(rangeHigh), top, axis.at(rangeHigh), end);
    }
    marks(svg, axis, end);
    return svg.close();
  }

  /** Lines with their names above the bars, each in a line of its own. */
  private void marks(Markup svg, Axis axis, double end) {
    for (int i = 0; i < marks.size(); i++) {
      Mark mark = marks.get(i);
      double x = axis.at(mark.value());
      double y = MARGIN + LINE * i;
      boolean leftwards = x > width / 2;
      Chart.line(svg, "mark", x, y - 10, x, end);
      Chart.text(
          svg, "marked", leftwards ? "end" : "start", leftwards ? x - 5 : x + 5, y, mark.name());
    }
  }

  private double height(long count) {
    return logarithmic ? Math.log1p((double) count) : (double) count;
  }
}
