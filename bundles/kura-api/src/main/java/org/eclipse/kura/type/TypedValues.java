/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.type;

import java.util.Base64;
import org.osgi.annotation.versioning.ProviderType;

/** Makes typed values. */
@ProviderType
public final class TypedValues {
  private TypedValues() {}

  /** A BOOLEAN. */
  public static BooleanValue newBooleanValue(boolean value) {
    return new BooleanValue(value);
  }

  /** A BYTE_ARRAY; the array is not copied. */
  public static ByteArrayValue newByteArrayValue(byte[] value) {
    return new ByteArrayValue(value);
  }

  /** A FLOAT. */
  public static FloatValue newFloatValue(float value) {
    return new FloatValue(value);
  }

  /** A DOUBLE. */
  public static DoubleValue newDoubleValue(double value) {
    return new DoubleValue(value);
  }

  /** An INTEGER. */
  public static IntegerValue newIntegerValue(int value) {
    return new IntegerValue(value);
  }

  /** A LONG. */
  public static LongValue newLongValue(long value) {
    return new LongValue(value);
  }

  /** A STRING. */
  public static StringValue newStringValue(String value) {
    return new StringValue(value);
  }

  /**
   * A value of the type of an object.
   *
   * @throws IllegalArgumentException if it is of none of the seven types
   */
  public static TypedValue<?> newTypedValue(Object value) {
    if (value instanceof Boolean v) {
      return new BooleanValue(v);
    }
    if (value instanceof byte[] v) {
      return new ByteArrayValue(v);
    }
    if (value instanceof Double v) {
      return new DoubleValue(v);
    }
    if (value instanceof Float v) {
      return new FloatValue(v);
    }
    if (value instanceof Integer v) {
      return new IntegerValue(v);
    }
    if (value instanceof Long v) {
      return new LongValue(v);
    }
    if (value instanceof String v) {
      return new StringValue(v);
    }
    throw new IllegalArgumentException(
        "no typed value holds this class=" + (value == null ? null : value.getClass().getName()));
  }

  /**
   * A value of a type from its text; Base64 for BYTE_ARRAY.
   *
   * @throws IllegalArgumentException if the text does not parse
   */
  public static TypedValue<?> parseTypedValue(DataType type, String text) {
    return switch (type) {
      case BOOLEAN -> new BooleanValue(Boolean.parseBoolean(text));
      case BYTE_ARRAY -> new ByteArrayValue(Base64.getDecoder().decode(text));
      case DOUBLE -> new DoubleValue(Double.parseDouble(text));
      case FLOAT -> new FloatValue(Float.parseFloat(text));
      case INTEGER -> new IntegerValue(Integer.parseInt(text));
      case LONG -> new LongValue(Long.parseLong(text));
      case STRING -> new StringValue(text);
    };
  }
}
