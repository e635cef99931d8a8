/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import java.util.Arrays;
import java.util.Map;
import org.eclipse.kura.configuration.ConfigurationService;
import org.jspecify.annotations.Nullable;

/**
 * A component's properties, checked when they are read: Kura's ConfigurationService passes on what
 * it is given, whatever the form says. Every getter throws IllegalArgumentException that names the
 * property, what is asked and what was found.
 */
final class Settings {
  private final Map<String, Object> properties;

  Settings(Map<String, Object> properties) {
    this.properties = properties;
  }

  /** The component's name in the graph. */
  String pid() {
    return String.valueOf(properties.get(ConfigurationService.KURA_SERVICE_PID));
  }

  String text(String id, String otherwise) {
    Object value = properties.get(id);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof String text) {
      return text.strip();
    }
    throw wrong(id, "text", value);
  }

  /** Text that keeps its spaces. */
  String verbatim(String id, String otherwise) {
    Object value = properties.get(id);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof String text) {
      return text;
    }
    throw wrong(id, "text", value);
  }

  boolean flag(String id, boolean otherwise) {
    Object value = properties.get(id);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw wrong(id, "true or false", value);
  }

  int integer(String id, int otherwise, int least, int most) {
    Object value = properties.get(id);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Integer number && number >= least && number <= most) {
      return number;
    }
    throw wrong(id, "an integer from " + least + " to " + most, value);
  }

  double real(String id, double otherwise, double least, double most) {
    Object value = properties.get(id);
    if (value == null) {
      return otherwise;
    }
    // NaN is in no range.
    if (value instanceof Number number
        && number.doubleValue() >= least
        && number.doubleValue() <= most) {
      return number.doubleValue();
    }
    throw wrong(id, "a number from " + least + " to " + most, value);
  }

  <E extends Enum<E>> E choice(String id, Class<E> type, E otherwise) {
    String value = text(id, otherwise.name());
    for (E candidate : type.getEnumConstants()) {
      if (candidate.name().equalsIgnoreCase(value)) {
        return candidate;
      }
    }
    throw wrong(id, "one of " + Arrays.toString(type.getEnumConstants()), value);
  }

  private static IllegalArgumentException wrong(String id, String asked, @Nullable Object found) {
    return new IllegalArgumentException(
        "a setting is wrong setting="
            + id
            + " asked=\""
            + asked
            + "\" found=\""
            + found
            + "\""
            + (found == null ? "" : " type=" + found.getClass().getSimpleName()));
  }
}
