/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import java.util.List;
import java.util.Map;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;

/**
 * Values of a configuration, checked: Kura checks neither ranges nor types before a component has
 * them. A value that is not there counts as the default.
 */
final class Values {
  private final Map<String, Object> properties;

  Values(Map<String, Object> properties) {
    this.properties = properties;
  }

  String text(String name, String otherwise) throws KuraException {
    return value(name, String.class, otherwise);
  }

  boolean flag(String name, boolean otherwise) throws KuraException {
    return value(name, Boolean.class, otherwise);
  }

  int whole(String name, int otherwise, int least, int most) throws KuraException {
    int value = value(name, Integer.class, otherwise);
    if (value < least || value > most) {
      throw refused(name, value, "least=" + least + " most=" + most);
    }
    return value;
  }

  long large(String name, long otherwise, long least, long most) throws KuraException {
    long value = value(name, Long.class, otherwise);
    if (value < least || value > most) {
      throw refused(name, value, "least=" + least + " most=" + most);
    }
    return value;
  }

  String choice(String name, String otherwise, List<String> choices) throws KuraException {
    String value = text(name, otherwise);
    if (!choices.contains(value)) {
      throw refused(name, value, "choices=" + choices);
    }
    return value;
  }

  private <T> T value(String name, Class<T> type, T otherwise) throws KuraException {
    Object value = properties.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!type.isInstance(value)) {
      throw refused(
          name,
          value,
          "expected=" + type.getSimpleName() + " found=" + value.getClass().getSimpleName());
    }
    return type.cast(value);
  }

  static KuraException refused(String name, Object value, String why) {
    return new KuraException(
        KuraErrorCode.CONFIGURATION_ATTRIBUTE_INVALID, null, name + "=" + value + " " + why);
  }
}
