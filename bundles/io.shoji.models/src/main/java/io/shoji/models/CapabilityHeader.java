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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.Version;

/**
 * Reads {@code Provide-Capability} of a manifest where no framework has read it: the clauses of one
 * namespace, with attributes of the types String and Version (OSGi Core 8, 3.2.4 and 3.3.6).
 */
final class CapabilityHeader {
  private static final Pattern ATTRIBUTE =
      Pattern.compile(
          "\\s*([A-Za-z0-9_.-]+)\\s*(?::\\s*([A-Za-z]+)\\s*)?=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*+)\"|([^\",;]*?))\\s*");

  private CapabilityHeader() {}

  /**
   * Attributes of each capability of a namespace.
   *
   * @throws IllegalArgumentException if the header cannot be read, saying where
   */
  static List<Map<String, Object>> read(String header, String namespace) {
    List<Map<String, Object>> capabilities = new ArrayList<>();
    for (String clause : split(header, ',')) {
      List<String> parts = split(clause, ';');
      if (parts.stream().limit(1).anyMatch(p -> p.strip().equals(namespace))) {
        Map<String, Object> attributes = new LinkedHashMap<>();
        for (String part : parts.subList(1, parts.size())) {
          if (!part.contains(":=")) {
            attribute(part, attributes);
          }
        }
        capabilities.add(attributes);
      }
    }
    return capabilities;
  }

  private static void attribute(String part, Map<String, Object> attributes) {
    Matcher matcher = ATTRIBUTE.matcher(part);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "an attribute is written as name=value or name:Version=\"1.0.0\" found="
              + Reasons.quote(part));
    }
    String value =
        Optional.ofNullable(matcher.group(3))
            .map(quoted -> quoted.replaceAll("\\\\(.)", "$1"))
            .orElseGet(() -> matcher.group(4));
    attributes.put(
        matcher.group(1), "Version".equals(matcher.group(2)) ? Version.parseVersion(value) : value);
  }

  /** Splits at a separator outside quotes. */
  private static List<String> split(String text, char separator) {
    List<String> parts = new ArrayList<>();
    boolean quoted = false;
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quoted && c == '\\') {
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == separator && !quoted) {
        parts.add(text.substring(start, i));
        start = i + 1;
      }
    }
    parts.add(text.substring(start));
    return parts;
  }
}
