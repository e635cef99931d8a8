/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which properties of a record feed which input. Lines {@code INPUT = PROPERTY, PROPERTY, ...} (or
 * {@code INPUT <- PROPERTY}), several on a line with {@code ;} between them; {@code #} begins a
 * comment. {@code p{0..63}} stands for the properties p0 to p63. Immutable.
 *
 * @param declared properties by input, in their order; inputs that are not there go by their name
 */
record InputMap(Map<String, List<String>> declared) {
  /** Everything by name. */
  static final InputMap AUTOMATIC = new InputMap(Map.of());

  private static final int MOST_PROPERTIES = 100_000;
  private static final Pattern RANGE =
      Pattern.compile("([^{}]*)\\{(\\d{1,6})\\.\\.(\\d{1,6})\\}([^{}]*)");

  /**
   * Reads the lines.
   *
   * @throws IllegalArgumentException with every entry that is wrong
   */
  static InputMap parse(String text) {
    Map<String, List<String>> declared = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    for (String line : text.split("\\R", -1)) {
      int comment = line.indexOf('#');
      for (String entry : (comment < 0 ? line : line.substring(0, comment)).split(";", -1)) {
        if (!entry.isBlank() && problems.size() < 20) {
          add(entry.strip(), declared, problems);
        }
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
    return new InputMap(declared);
  }

  private static void add(String entry, Map<String, List<String>> declared, List<String> problems) {
    String[] sides = entry.split("<-|=", 2);
    String input = sides[0].strip();
    if (sides.length < 2 || input.isEmpty() || sides[1].isBlank()) {
      problems.add("\"" + entry + "\" is not INPUT = PROPERTY, PROPERTY, ...");
      return;
    }
    List<String> properties = new ArrayList<>();
    for (String property : sides[1].split(",", -1)) {
      String problem = expand(property.strip(), properties);
      if (!problem.isEmpty()) {
        problems.add("\"" + entry + "\": " + problem);
        return;
      }
    }
    if (declared.putIfAbsent(input, List.copyOf(properties)) != null) {
      problems.add("\"" + input + "\" is there twice");
    }
  }

  /** Adds a property, or those of a range; what is wrong, or nothing. */
  private static String expand(String property, List<String> properties) {
    if (property.isEmpty()) {
      return "a property has no name";
    }
    Matcher range = RANGE.matcher(property);
    if (!range.matches()) {
      properties.add(property);
      return property.contains("{")
          ? "\"" + property + "\" is no range, allowed: NAME{FIRST..LAST}"
          : "";
    }
    int first = Integer.parseInt(range.group(2));
    int last = Integer.parseInt(range.group(3));
    if (last < first || properties.size() + last - first >= MOST_PROPERTIES) {
      return "\"" + property + "\" is empty or has more than " + MOST_PROPERTIES + " properties";
    }
    for (int i = first; i <= last; i++) {
      properties.add(range.group(1) + i + range.group(4));
    }
    return "";
  }

  /** The properties of an input, in their order; empty if it is fed by its name. */
  Optional<List<String>> of(String input) {
    return Optional.ofNullable(declared.get(input));
  }

  /** The only input that is declared, whatever it is called. */
  Optional<List<String>> single() {
    return declared.size() == 1
        ? Optional.of(declared.values().iterator().next())
        : Optional.empty();
  }

  /** Inputs that are declared and that the model does not have. */
  Set<String> unknown(List<String> inputs) {
    Set<String> unknown = new LinkedHashSet<>(declared.keySet());
    inputs.forEach(unknown::remove);
    return unknown;
  }
}
