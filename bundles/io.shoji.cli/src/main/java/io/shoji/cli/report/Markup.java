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

import io.shoji.cli.Text;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/**
 * HTML and SVG as well-formed XML: every element is closed, every text and attribute escaped. Not
 * thread safe.
 */
final class Markup {
  private final StringBuilder content = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();

  /**
   * Opens an element.
   *
   * @param attributes names and values by turns
   */
  Markup open(String element, String... attributes) {
    start(element, attributes);
    content.append('>');
    open.push(element);
    return this;
  }

  /** Closes the element opened last. */
  Markup close() {
    content.append("</").append(open.pop()).append(">\n");
    return this;
  }

  /** An element that never has content: HTML's void elements, such as br, and those of SVG. */
  Markup empty(String element, String... attributes) {
    start(element, attributes);
    content.append("/>");
    return this;
  }

  /** An element that holds text. */
  Markup leaf(String element, String text, String... attributes) {
    start(element, attributes);
    content.append('>');
    text(text);
    content.append("</").append(element).append('>');
    return this;
  }

  /** Text. */
  Markup text(String text) {
    escape(Text.printable(text));
    return this;
  }

  /** An element whose content is this program's own, as it is. */
  Markup raw(String element, String trusted) {
    start(element);
    content.append(">\n").append(trusted).append("</").append(element).append(">\n");
    return this;
  }

  /** Markup that was made before. */
  Markup add(Markup other) {
    if (!other.open.isEmpty()) {
      throw new IllegalStateException("not closed open=" + other.open);
    }
    content.append(other.content);
    return this;
  }

  private void start(String element, String... attributes) {
    content.append('<').append(element);
    for (int i = 0; i < attributes.length; i += 2) {
      content.append(' ').append(attributes[i]).append("=\"");
      escape(Text.printable(attributes[i + 1]));
      content.append('"');
    }
  }

  private void escape(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '<' -> content.append("&lt;");
        case '>' -> content.append("&gt;");
        case '&' -> content.append("&amp;");
        case '"' -> content.append("&quot;");
        default -> content.append(c);
      }
    }
  }

  /** A coordinate, to a tenth. */
  static String at(double coordinate) {
    double rounded = Math.rint(coordinate * 10) / 10;
    return rounded == Math.rint(rounded)
        ? Long.toString((long) rounded)
        : String.format(Locale.ROOT, "%.1f", rounded);
  }

  /**
   * What was written.
   *
   * @throws IllegalStateException if an element is still open
   */
  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("not closed open=" + open);
    }
    return content.toString();
  }
}
