/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Collects why a package cannot be used, each reason with the place it is about: a JSON pointer
 * into {@code model.json}, a path, or a manifest header. What a package says is quoted shortened
 * and without control characters, so that a hostile one writes no lines of its own into a log. For
 * one thread.
 */
final class Reasons {
  /** So many are listed; how many more there are is counted. */
  static final int LIMIT = 100;

  private static final int QUOTE_LENGTH = 80;
  private static final int PLACE_LENGTH = 200;

  private final List<String> list = new ArrayList<>();
  private final Set<String> places = new HashSet<>();
  private int left;

  /** Adds a reason. */
  void add(String place, String reason) {
    places.add(place);
    if (list.size() < LIMIT) {
      list.add(clean(place, PLACE_LENGTH) + ": " + reason);
    } else {
      left++;
    }
  }

  /** Whether a reason was added for exactly this place. */
  boolean mentions(String place) {
    return places.contains(place);
  }

  /** Whether further reasons are only counted. */
  boolean isFull() {
    return list.size() >= LIMIT;
  }

  boolean isEmpty() {
    return list.isEmpty();
  }

  /** Every reason, in the order they came; the last one counts those over the limit. */
  List<String> list() {
    List<String> all = new ArrayList<>(list);
    if (left > 0) {
      all.add("and " + left + " more reasons listed=" + list.size());
    }
    return List.copyOf(all);
  }

  /** What a package said, safe to print. */
  static String quote(String text) {
    return '"' + clean(text, QUOTE_LENGTH) + '"';
  }

  private static String clean(String text, int length) {
    StringBuilder clean = new StringBuilder();
    int shown = Math.min(text.length(), length);
    for (int i = 0; i < shown; i++) {
      clean.append(printable(text.charAt(i)));
    }
    return clean.append(shown < text.length() ? "..." : "").toString();
  }

  private static String printable(char c) {
    boolean plain =
        c >= ' '
            && c != '"'
            && c != '\\'
            && !Character.isISOControl(c)
            && !Character.isSurrogate(c)
            && Character.getType(c) != Character.FORMAT
            && Character.getType(c) != Character.LINE_SEPARATOR
            && Character.getType(c) != Character.PARAGRAPH_SEPARATOR;
    return plain ? String.valueOf(c) : String.format("\\u%04x", (int) c);
  }
}
