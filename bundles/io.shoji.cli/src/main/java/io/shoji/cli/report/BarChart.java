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

/**
 * Bars from left to right, one below the other, with their names and values; or points with
 * intervals.
 */
public final class BarChart implements Chart {
  private static final double ROW = 22;
  private static final double BAR = 13;
  private static final double TOP = 8;
  private static final double BOTTOM = 40;
  private static final double LETTER = 7.2;
  private static final int LONGEST_NAME = 40;

  private final String title;
  private final String unit;
  private final List<Row> rows = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();
  private double low;
  private double high = Double.NEGATIVE_INFINITY;
  private boolean points;
  private double width = 760;

  /**
   * A chart without rows.
   *
   * @param title for readers who do not see it
   * @param unit written at the axis, as {@code latency, ms}
   */
  public BarChart(String title, String unit) {
    this.title = title;
    this.unit = unit;
  }

  /** What a bar stands for; each has a colour. */
  public enum Kind {
    /** What there was before, or in the background. */
    BEFORE,
    /** The usual one. */
    PLAIN,
    /** What the reader is to notice. */
    NOTABLE
  }

  private record Row(String name, double value, double low, double high, String text, Kind kind) {}

  private record Mark(String name, double value) {}

  /**
   * Adds a bar.
   *
   * @param text its value for people
   */
  public BarChart bar(String name, double value, String text, Kind kind) {
    return span(name, Math.min(0, value), Math.max(0, value), text, kind);
  }

  /** Adds a point within an interval; the axis then does not begin at 0. */
  public BarChart point(String name, double value, double from, double to, String text, Kind kind) {
    if (!points) {
      points = true;
      low = Double.POSITIVE_INFINITY;
    }
    rows.add(new Row(name, value, from, to, text, kind));
    high = Math.max(high, to);
    low = Math.min(low, from);
    return this;
  }

  /** Adds a bar from one number to another. */
  public BarChart span(String name, double from, double to, String text, Kind kind) {
    rows.add(new Row(name, to, from, to, text, kind));
    high = Math.max(high, to);
    low = Math.min(low, from);
    return this;
  }

  /** In another width, pixels. */
  public BarChart width(double newWidth) {
    width = newWidth;
    return this;
  }

  /** Adds a line across all bars, as for a limit. */
  public BarChart mark(String name, double value) {
    marks.add(new Mark(name, value));
    high = Math.max(high, value);
    low = Math.min(low, value);
    return this;
  }

  @Override
  public Markup draw() {
    int longest = rows.stream().mapToInt(row -> shorten(row.name()).length()).max().orElse(0);
    int widest = rows.stream().mapToInt(row -> row.text().length()).max().orElse(0);
    double left = 22 + longest * LETTER;
    double right = width - 16 - widest * LETTER;
    double top = TOP + (marks.isEmpty() ? 0 : 16);
    double end = top + rows.size() * ROW;
    Markup svg = Chart.start(title, width, end + BOTTOM);
    Axis axis = Axis.round(low, high, left, right, 6);
    for (double tick : axis.ticks()) {
      Chart.line(svg, "grid", axis.at(tick), top, axis.at(tick), end);
      Chart.text(svg, "soft", "middle", axis.at(tick), end + 15, axis.label(tick));
    }
    Chart.text(svg, "soft", "middle", (left + right) / 2, end + 32, unit);
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      double middle = top + i * ROW + ROW / 2;
      String kind = row.kind().name().toLowerCase(Locale.ROOT);
      svg.open("g").leaf("title", row.name() + ": " + row.text());
      Chart.text(svg, "name", "end", left - 8, middle + 4, shorten(row.name()));
      if (points) {
        Chart.line(svg, "whisker " + kind, axis.at(row.low()), middle, axis.at(row.high()), middle);
        for (double side : new double[] {row.low(), row.high()}) {
          Chart.line(svg, "whisker " + kind, axis.at(side), middle - 4, axis.at(side), middle + 4);
        }
        svg.empty(
            "circle",
            "class",
            kind,
            "cx",
            Markup.at(axis.at(row.value())),
            "cy",
            Markup.at(middle),
            "r",
            "5");
      } else if (Double.isFinite(row.high() - row.low())) {
        double from = axis.at(row.low());
        double length = Math.max(1, axis.at(row.high()) - from);
        Chart.rectangle(svg, kind, from, middle - BAR / 2, length, BAR);
      }
      Chart.text(svg, "value", "start", right + 8, middle + 4, row.text());
      svg.close();
    }
    for (Mark mark : marks) {
      double x = axis.at(mark.value());
      Chart.line(svg, "mark", x, top - 4, x, end);
      String anchor = x > (left + right) / 2 ? "end" : "start";
      Chart.text(svg, "marked", anchor, x, top - 8, mark.name());
    }
    return svg.close();
  }

  /** A long name without its middle. */
  private static String shorten(String name) {
    if (name.length() <= LONGEST_NAME) {
      return name;
    }
    int half = (LONGEST_NAME - 1) / 2;
    return name.substring(0, half) + "\u2026" + name.substring(name.length() - half);
  }
}
