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

/** A picture of numbers, as SVG in a {@link Page}, whose colours it takes. */
public sealed interface Chart permits BarChart, Histogram, LineChart {
  /** The SVG element. */
  Markup draw();

  /** Starts the SVG element with its name for readers who do not see it. */
  static Markup start(String title, double width, double height) {
    return new Markup()
        .open(
            "svg",
            "xmlns",
            "http://www.w3.org/2000/svg",
            "viewBox",
            "0 0 " + Markup.at(width) + " " + Markup.at(height),
            "width",
            Markup.at(width),
            "height",
            Markup.at(height),
            "role",
            "img",
            "aria-label",
            title)
        .leaf("title", title);
  }

  /** A line. */
  static void line(Markup svg, String kind, double x1, double y1, double x2, double y2) {
    svg.empty(
        "line",
        "class",
        kind,
        "x1",
        Markup.at(x1),
        "y1",
        Markup.at(y1),
        "x2",
        Markup.at(x2),
        "y2",
        Markup.at(y2));
  }

  /**
   * Text.
   *
   * @param anchor start, middle or end
   */
  static void text(Markup svg, String kind, String anchor, double x, double y, String text) {
    svg.leaf(
        "text", text, "class", kind, "text-anchor", anchor, "x", Markup.at(x), "y", Markup.at(y));
  }

  /** A rectangle. */
  static void rectangle(Markup svg, String kind, double x, double y, double width, double height) {
    svg.empty(
        "rect",
        "class",
        kind,
        "x",
        Markup.at(x),
        "y",
        Markup.at(y),
        "width",
        Markup.at(Math.max(0, width)),
        "height",
        Markup.at(Math.max(0, height)));
  }
}
