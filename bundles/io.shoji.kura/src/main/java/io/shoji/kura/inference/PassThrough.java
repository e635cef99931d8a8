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
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.eclipse.kura.type.TypedValue;

/**
 * Properties that go from a record into its answer: names with commas or semicolons between them,
 * {@code *} for any characters, or {@code NEW = NAME} for one under another name. Immutable.
 */
final class PassThrough {
  /** No property. */
  static final PassThrough NOTHING = new PassThrough(List.of());

  private record Rule(Pattern name, String becomes) {}

  private final List<Rule> rules;

  private PassThrough(List<Rule> rules) {
    this.rules = rules;
  }

  /**
   * Reads the names.
   *
   * @throws IllegalArgumentException with every entry that is wrong
   */
  static PassThrough parse(String text) {
    List<Rule> rules = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (String entry : text.split("[,;\\r\\n]", -1)) {
      if (entry.isBlank()) {
        continue;
      }
      String[] sides = entry.split("=", -1);
      String name = sides[sides.length - 1].strip();
      String becomes = sides.length == 2 ? sides[0].strip() : "";
      boolean renamed = sides.length == 2;
      if (sides.length > 2
          || name.isEmpty()
          || (renamed && (becomes.isEmpty() || name.contains("*") || becomes.contains("*")))) {
        problems.add("\"" + entry.strip() + "\" is neither NAME, with * in it, nor NEW = NAME");
      } else {
        rules.add(new Rule(pattern(name), becomes));
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
    return new PassThrough(List.copyOf(rules));
  }

  private static Pattern pattern(String name) {
    StringBuilder regex = new StringBuilder();
    for (String part : name.split("\\*", -1)) {
      regex.append(regex.length() == 0 ? "" : ".*").append(Pattern.quote(part));
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /** Whether a property goes through. */
  boolean takes(String name) {
    return rules.stream().anyMatch(rule -> rule.name.matcher(name).matches());
  }

  /** Adds what goes through. */
  void add(Map<String, TypedValue<?>> from, Map<String, TypedValue<?>> to) {
    for (Rule rule : rules) {
      from.forEach(
          (name, value) -> {
            if (rule.name.matcher(name).matches()) {
              to.put(rule.becomes.isEmpty() ? name : rule.becomes, value);
            }
          });
    }
  }
}
