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

import io.shoji.tensor.ElementType;
import java.util.Locale;
import java.util.Optional;

/**
 * Names of element types as Kura's clients know them: those of the KServe inference protocol,
 * version 2, which Kura's Triton components use ({@code FP32}, {@code INT8}, {@code BOOL}, ...),
 * and {@code INT4}, which that protocol does not have.
 */
final class DataTypes {
  private DataTypes() {}

  /** Kura's name of a type. */
  static String name(ElementType type) {
    return switch (type) {
      case FLOAT32 -> "FP32";
      case FLOAT16 -> "FP16";
      case FLOAT64 -> "FP64";
      default -> type.name();
    };
  }

  /** The type of a name, Kura's or ours, in any case. */
  static Optional<ElementType> type(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    for (ElementType type : ElementType.values()) {
      if (type.name().equals(upper) || name(type).equals(upper)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The Java class of the values that an output of this type is listed as. */
  static Class<?> listed(ElementType type) {
    return switch (type) {
      case FLOAT32, FLOAT16 -> Float.class;
      case FLOAT64 -> Double.class;
      case INT8, UINT8 -> Byte.class;
      case INT4, INT16, UINT16, INT32 -> Integer.class;
      case INT64 -> Long.class;
      case BOOL -> Boolean.class;
    };
  }
}
