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

/** Numbers over time or any other number, one line each. */
public final class LineChart implements Chart {
  private static final double LEFT = 64;
  private static final double RIGHT = 20;
  private static final double TOP = 30;
  private static final double BOTTOM = 44;

  /** Points of a line; of more, each column's least and largest are drawn. */
  private static final int MOST_POINTS = 700;

  private final String title;
  private final String across;
  private final String up;
  private final List<Line> lines = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();
  private double width = 760;
  private double height = 260;
  private boolean fromZero;

  private static final class Line {
    private final String name;
    private final double[] x;
    private final double[] y;
    private final boolean dots;

    Line(String name, double[] x, double[] y, boolean dots) {
      if (x.length != y.length) {
        throw new IllegalArgumentException("x=" + x.length + " y=" + y.length);
      }
      this.name = name;
      this.x = x.clone();
      this.y = y.clone();
      this.dots = dots;
    }
  }

  private record Mark(String name, double value) {}

  /**
   * A chart without lines.
   *
   * @param title for readers who do not see it
   * @param across written at the lower axis, as {@code time, s}
   * @param up written at the other axis, as {@code latency, ms}
   */
  public LineChart(String title, String across, String up) {
    this.title = title;
    this.across = across;
    this.up = up;
  }

  /**
   * Adds a line.
   *
   * @param x ascending
   * @param y as many; where one is not finite, the line is interrupted
   */
  public LineChart line(String name, double[] x, double[] y) {
    lines.add(new Line(name, x, y, false));
    return this;
  }

  /** Adds dots that no line connects. */
  public LineChart dots(String name, double[] x, double[] y) {
    lines.add(new Line(name, x, y, true));
    return this;
  }

  /** Adds a level, as a limit. */
  public LineChart mark(String name, double value) {
    marks.add(new Mark(name, value));
    return this;
  }

  /** Has the axis begin at 0. */
  public LineChart fromZero() {
    fromZero = true;
    return this;
  }

  /** In another size, pixels. */
  public LineChart size(double newWidth, double newHeight) {
    width = newWidth;
    height = newHeight;
    return this;
  }

  @Override
  public Markup draw() {
    double lowX = Double.POSITIVE_INFINITY;
    double highX = Double.NEGATIVE_INFINITY;
    double lowY = fromZero ? 0 : Double.POSITIVE_INFINITY;
    double highY = Double.NEGATIVE_INFINITY;
    for (Line line : lines) {
      for (int i = 0; i < line.x.length; i++) {
        if (Double.isFinite(line.y[i])) {
          lowX = Math.min(lowX, line.x[i]);
          highX = Math.max(highX, line.x[i]);
          lowY = Math.min(lowY, line.y[i]);
          highY = Math.max(highY, line.y[i]);
        }
      }
    }
    for (Mark mark : marks) {
      lowY = Math.min(lowY, mark.value());
      highY = Math.max(highY, mark.value());
    }
    double end = height - BOTTOM;
    Axis horizontal =
        Axis.exact(
            Double.isFinite(lowX) ? lowX : 0, highX, LEFT, width - RIGHT, (int) (width / 90));
    Axis vertical = Axis.round(lowY, highY, end, TOP, (int) (height / 50));
    Markup svg = Chart.start(title, width, height);
    for (double tick : vertical.ticks()) {
      double y = vertical.at(tick);
      Chart.line(svg, "grid", LEFT, y, width - RIGHT, y);
      Chart.text(svg, "soft", "end", LEFT - 8, y + 4, vertical.label(tick));
    }
    for (double tick : horizontal.ticks()) {
      double x = horizontal.at(tick);
      Chart.line(svg, "axis", x, end, x, end + 4);
      Chart.text(svg, "soft", "middle", x, end + 17, horizontal.label(tick));
    }
    Chart.line(svg, "axis", LEFT, end, width - RIGHT, end);
    Chart.text(svg, "soft", "middle", (LEFT + width - RIGHT) / 2, height - 8, across);
    Chart.text(svg, "soft", "start", 8, 14, up);
    double legend = width - RIGHT;
    for (int i = lines.size() - 1; i >= 0; i--) {
      Line line = lines.get(i);
      String kind = "line-" + (i % 6 + 1) + (line.dots ? " dots" : "");
      svg.empty("path", "class", kind, "d", path(line, horizontal, vertical));
      Chart.text(svg, "name", "end", legend, 14, line.name);
      legend -= 6.8 * line.name.length() + 8;
      Chart.line(svg, kind, legend - 16, 10, legend, 10);
      legend -= 32;
    }
    for (Mark mark : marks) {
      double y = vertical.at(mark.value());
      Chart.line(svg, "mark", LEFT, y, width - RIGHT, y);
      Chart.text(
          svg, "marked", "end", width - RIGHT - 4, y < TOP + 14 ? y + 14 : y - 5, mark.name());
    }
    return svg.close();
  }

  private static String path(Line line, Axis horizontal, Axis vertical) {
    StringBuilder path = new StringBuilder();
    int count = line.x.length;
    int columns = Math.min(count, MOST_POINTS);
    boolean drawing = false;
    for (int column = 0; column < columns; column++) {
      int from = (int) ((long) column * count / columns);
      int to = (int) ((long) (column + 1) * count / columns);
      int least = -1;
      int largest = -1;
      for (int i = from; i < to; i++) {
        if (Double.isFinite(line.y[i])) {
          least = least < 0 || line.y[i] < line.y[least] ? i : least;
          largest = largest < 0 || line.y[i] > line.y[largest] ? i : largest;
        }
      }
      if (least < 0) {
        drawing = false;
        continue;
      }
      int[] points =
          least == largest
              ? new int[] {least}
              : new int[] {Math.min(least, largest), Math.max(least, largest)};
      for (int i : points) {
        path.append(drawing ? 'L' : 'M').append(Markup.at(horizontal.at(line.x[i])));
        path.append(' ').append(Markup.at(vertical.at(line.y[i])));
        // A point that stands alone shows as a dot.
        path.append(drawing ? "" : "h0");
        drawing = !line.dots;
      }
    }
    return path.toString();
  }
}
