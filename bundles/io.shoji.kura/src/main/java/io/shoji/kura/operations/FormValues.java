/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The values of a configuration form, read one by one and checked: Kura checks nothing. A value
 * that is wrong is noted and its default goes on, so that {@link #problems} tells all that is wrong
 * at once. A value that is not there takes its default. Not thread safe.
 */
public final class FormValues {
  /** Longest text of a form, characters. */
  private static final int LONGEST = 16 * 1024;

  private final Map<String, ?> properties;
  private final List<String> problems = new ArrayList<>();

  /** The values as the component got them. */
  public FormValues(Map<String, ?> properties) {
    this.properties = properties;
  }

  /** A number without fraction, in a range. */
  public int integer(String name, int otherwise, int least, int most) {
    Object value = properties.get(name);
    if (value == null) {
      return otherwise;
    }
    try {
      BigDecimal number =
          value instanceof Number || (value instanceof String text && text.length() <= 20)
              ? new BigDecimal(value.toString().trim())
              : null;
      if (number != null && number.scale() > -20) {
        if (number.compareTo(BigDecimal.valueOf(least)) >= 0
            && number.compareTo(BigDecimal.valueOf(most)) <= 0) {
          return number.intValueExact();
        }
        problem(
            name
                + " is out of its range value="
                + shown(value)
                + " range=["
                + least
                + ", "
                + most
                + "]");
        return otherwise;
      }
    } catch (NumberFormatException | ArithmeticException e) {
      // Told below: it is no such number.
    }
    problem(name + " is no whole number value=" + shown(value));
    return otherwise;
  }

  /** Yes or no. */
  public boolean bool(String name, boolean otherwise) {
    Object value = properties.get(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Boolean bool) {
      return bool;
    }
    String text = value.toString().trim().toLowerCase(Locale.ROOT);
    if (value instanceof String && (text.equals("true") || text.equals("false"))) {
      return text.equals("true");
    }
    problem(name + " is neither true nor false value=" + shown(value));
    return otherwise;
  }

  /** A text; empty if it is not there. */
  public String text(String name) {
    Object value = properties.get(name);
    if (value == null) {
      return "";
    }
    if (!(value instanceof String text)) {
      problem(name + " is no text value=" + shown(value));
      return "";
    }
    if (text.length() > LONGEST) {
      problem(name + " is too long characters=" + text.length() + " limit=" + LONGEST);
      return "";
    }
    return text;
  }

  /** A text, or another one if it is not there. */
  public String text(String name, String otherwise) {
    return properties.get(name) == null ? otherwise : text(name);
  }

  /** One of the values of an enumeration, in any case. */
  public <E extends Enum<E>> E choice(String name, E otherwise) {
    Object value = properties.get(name);
    if (value == null || value.toString().isBlank()) {
      return otherwise;
    }
    String asked = value.toString().trim();
    E[] allowed = otherwise.getDeclaringClass().getEnumConstants();
    for (E one : allowed) {
      if (one.name().equalsIgnoreCase(asked)) {
        return one;
      }
    }
    problem(
        name
            + " is none of its choices value="
            + shown(asked)
            + " allowed="
            + Arrays.toString(allowed).toLowerCase(Locale.ROOT));
    return otherwise;
  }

  /**
   * What a text means to a parser that throws IllegalArgumentException with a message for people.
   */
  public <T> @Nullable T parsed(String name, Function<String, T> parser) {
    try {
      return parser.apply(text(name));
    } catch (IllegalArgumentException e) {
      problem(name + ": " + e.getMessage());
      return null;
    }
  }

  /** Notes something that is wrong. */
  public void problem(String what) {
    problems.add(what);
  }

  /** What was noted until now. */
  public List<String> problems() {
    return List.copyOf(problems);
  }

  private static String shown(Object value) {
    return value.getClass().isArray()
        ? value.getClass().getSimpleName()
        : Arguments.shown(value.toString());
  }
}
