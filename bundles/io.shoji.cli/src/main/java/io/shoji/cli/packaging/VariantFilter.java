/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.cli.CommandException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;

/**
 * An OSGi filter (RFC 1960), evaluated where only some of the properties are known: whether it can
 * match an accelerator for which these hold.
 */
final class VariantFilter {
  private enum Truth {
    FALSE,
    UNKNOWN,
    TRUE
  }

  private final String text;
  private int at;

  private VariantFilter(String text) {
    this.text = text;
  }

  /**
   * Refuses what is no filter.
   *
   * @param variant name, for the message
   */
  static void checkSyntax(String filter, String variant) throws CommandException {
    try {
      FrameworkUtil.createFilter(filter);
    } catch (InvalidSyntaxException e) {
      throw Refusal.of(
          "BAD_FILTER",
          "this is no OSGi filter (RFC 1960), as (&(shoji.format=onnx)(shoji.precision=INT8)): "
              + e.getMessage()
              + " variant="
              + variant
              + " found="
              + filter,
          e);
    }
  }

  /**
   * Whether some accelerator with these properties, and any others, can match.
   *
   * @param filter one that {@link #checkSyntax} lets pass
   */
  static boolean canMatch(String filter, Map<String, String> known) {
    VariantFilter reading = new VariantFilter(filter);
    return reading.filter(known) != Truth.FALSE;
  }

  /** The filter that a file needs: equal to every property. */
  static String of(Map<String, String> properties) {
    StringBuilder filter = new StringBuilder("(&");
    properties.forEach(
        (name, value) ->
            filter.append('(').append(name).append('=').append(escaped(value)).append(')'));
    return filter.append(')').toString();
  }

  private static String escaped(String value) {
    return value.replaceAll("([\\\\*()])", "\\\\$1");
  }

  private Truth filter(Map<String, String> known) {
    skipSpace();
    expect('(');
    skipSpace();
    char c = text.charAt(at);
    Truth truth =
        switch (c) {
          case '&' -> {
            at++;
            yield list(known).stream().min(Enum::compareTo).orElse(Truth.TRUE);
          }
          case '|' -> {
            at++;
            yield list(known).stream().max(Enum::compareTo).orElse(Truth.FALSE);
          }
          case '!' -> {
            at++;
            yield switch (filter(known)) {
              case TRUE -> Truth.FALSE;
              case FALSE -> Truth.TRUE;
              case UNKNOWN -> Truth.UNKNOWN;
            };
          }
          default -> item(known);
        };
    skipSpace();
    expect(')');
    return truth;
  }

  private List<Truth> list(Map<String, String> known) {
    List<Truth> all = new ArrayList<>();
    skipSpace();
    while (text.charAt(at) == '(') {
      all.add(filter(known));
      skipSpace();
    }
    return all;
  }

  /** One comparison, up to its closing parenthesis. */
  private Truth item(Map<String, String> known) {
    int begin = at;
    while ("=<>~".indexOf(text.charAt(at)) < 0) {
      at++;
    }
    String attribute = text.substring(begin, at).trim().toLowerCase(Locale.ROOT);
    boolean equal = text.charAt(at) == '=';
    at += equal ? 1 : 2;
    StringBuilder pattern = new StringBuilder();
    while (text.charAt(at) != ')') {
      char c = text.charAt(at++);
      if (c == '\\') {
        pattern.append(java.util.regex.Pattern.quote(String.valueOf(text.charAt(at++))));
      } else if (c == '*') {
        pattern.append(".*");
      } else {
        pattern.append(java.util.regex.Pattern.quote(String.valueOf(c)));
      }
    }
    for (Map.Entry<String, String> property : known.entrySet()) {
      if (property.getKey().toLowerCase(Locale.ROOT).equals(attribute) && equal) {
        return property.getValue().matches("(?s)" + pattern) ? Truth.TRUE : Truth.FALSE;
      }
    }
    return Truth.UNKNOWN;
  }

  private void skipSpace() {
    while (Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private void expect(char c) {
    if (text.charAt(at++) != c) {
      throw new IllegalStateException("no filter at=" + at + " filter=" + text);
    }
  }
}
