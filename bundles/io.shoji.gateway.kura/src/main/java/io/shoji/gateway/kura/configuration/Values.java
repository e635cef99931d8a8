/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.Password;
import org.eclipse.kura.configuration.metatype.AD;
import org.eclipse.kura.configuration.metatype.OCD;
import org.eclipse.kura.configuration.metatype.Scalar;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Values of configurations and their texts. */
final class Values {
  private static final Logger log = LoggerFactory.getLogger(Values.class);

  private Values() {}

  /** Defaults of a definition, passwords in plain; empty if there is none. */
  static Map<String, Object> defaults(@Nullable OCD definition) {
    Map<String, Object> defaults = new LinkedHashMap<>();
    if (definition != null) {
      for (AD attribute : definition.getAD()) {
        Object value = defaultOf(attribute);
        if (value != null) {
          defaults.putIfAbsent(attribute.getId(), value);
        }
      }
    }
    return defaults;
  }

  private static @Nullable Object defaultOf(AD attribute) {
    String text = attribute.getDefault();
    Scalar type = attribute.getType();
    if (text == null || text.isEmpty() || type == null) {
      return null;
    }
    List<String> texts = split(text);
    int cardinality = attribute.getCardinality();
    try {
      return cardinality >= -1 && cardinality <= 1 ? value(type, texts.get(0)) : array(type, texts);
    } catch (KuraException e) {
      log.warn(
          "a default does not fit its type: there is none id={} default={}",
          attribute.getId(),
          text,
          e);
      return null;
    }
  }

  /**
   * Splits a list as metatype has it: at commas, without blanks around, a backslash before what is
   * meant as it is.
   */
  static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    int kept = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == ',') {
        parts.add(trimmed(part, kept));
        part.setLength(0);
        kept = 0;
      } else if (c == '\\') {
        if (i + 1 < text.length()) {
          part.append(text.charAt(++i));
          kept = part.length();
        }
      } else if (!Character.isWhitespace(c)) {
        part.append(c);
        kept = part.length();
      } else if (part.length() > 0) {
        part.append(c);
      }
    }
    parts.add(trimmed(part, kept));
    return parts;
  }

  private static String trimmed(StringBuilder part, int kept) {
    return part.substring(0, kept);
  }

  /**
   * Reads a single value.
   *
   * @throws KuraException CONFIGURATION_ATTRIBUTE_INVALID if the text is none of that type
   */
  static Object value(Scalar type, String text) throws KuraException {
    try {
      return switch (type) {
        case STRING -> text;
        case BOOLEAN -> Boolean.valueOf(text);
        case BYTE -> Byte.valueOf(text);
        case CHAR -> text.charAt(0);
        case DOUBLE -> Double.valueOf(text);
        case FLOAT -> Float.valueOf(text);
        case INTEGER -> Integer.valueOf(text);
        case LONG -> Long.valueOf(text);
        case SHORT -> Short.valueOf(text);
        case PASSWORD -> new Password(text);
      };
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new KuraException(
          KuraErrorCode.CONFIGURATION_ATTRIBUTE_INVALID, e, "type=" + type, text, "no such value");
    }
  }

  /**
   * Reads several values.
   *
   * @throws KuraException CONFIGURATION_ATTRIBUTE_INVALID if one of the texts is none of that type
   */
  static Object array(Scalar type, List<String> texts) throws KuraException {
    Object array = Array.newInstance(javaType(type), texts.size());
    for (int i = 0; i < texts.size(); i++) {
      Array.set(array, i, value(type, texts.get(i)));
    }
    return array;
  }

  private static Class<?> javaType(Scalar type) {
    return switch (type) {
      case STRING -> String.class;
      case BOOLEAN -> Boolean.class;
      case BYTE -> Byte.class;
      case CHAR -> Character.class;
      case DOUBLE -> Double.class;
      case FLOAT -> Float.class;
      case INTEGER -> Integer.class;
      case LONG -> Long.class;
      case SHORT -> Short.class;
      case PASSWORD -> Password.class;
    };
  }

  /** The type of a single value; null if configurations cannot hold it. */
  static @Nullable Scalar typeOf(Class<?> found) {
    Class<?> boxed =
        found.isPrimitive() ? Array.get(Array.newInstance(found, 1), 0).getClass() : found;
    for (Scalar type : Scalar.values()) {
      if (javaType(type) == boxed) {
        return type;
      }
    }
    return null;
  }

  /**
   * The properties with texts made into what their attributes are, where that is possible: forms
   * store what was typed, and an empty field as an empty text. What does not fit stays as it is.
   */
  static Map<String, Object> coerced(Map<String, Object> properties, @Nullable OCD definition) {
    Map<String, Object> coerced = new LinkedHashMap<>(properties);
    if (definition == null) {
      return coerced;
    }
    for (AD attribute : definition.getAD()) {
      Object value = coerced.get(attribute.getId());
      Scalar type = attribute.getType();
      if (type == null || type == Scalar.STRING || type == Scalar.PASSWORD) {
        continue;
      }
      try {
        if (value instanceof String text) {
          if (text.isBlank()) {
            coerced.remove(attribute.getId());
          } else {
            coerced.put(attribute.getId(), value(type, text.strip()));
          }
        } else if (value instanceof String[] texts) {
          List<String> given = new ArrayList<>();
          for (String text : texts) {
            if (!text.isBlank()) {
              given.add(text.strip());
            }
          }
          coerced.put(attribute.getId(), array(type, given));
        }
      } catch (KuraException e) {
        log.warn("not of the type of its attribute id={} type={}", attribute.getId(), type, e);
      }
    }
    return coerced;
  }
}
