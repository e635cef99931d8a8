/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.configuration.metatype;

/** Types of attributes. */
public enum Scalar {
  /** {@code String}. */
  STRING("String"),
  /** {@code Long}. */
  LONG("Long"),
  /** {@code Double}. */
  DOUBLE("Double"),
  /** {@code Float}. */
  FLOAT("Float"),
  /** {@code Integer}. */
  INTEGER("Integer"),
  /** {@code Byte}. */
  BYTE("Byte"),
  /** {@code Char}. */
  CHAR("Char"),
  /** {@code Boolean}. */
  BOOLEAN("Boolean"),
  /** {@code Short}. */
  SHORT("Short"),
  /** {@code Password}. */
  PASSWORD("Password");

  private final String value;

  Scalar(String value) {
    this.value = value;
  }

  /**
   * The constant of a text.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Scalar fromValue(String value) {
    for (Scalar constant : values()) {
      if (constant.value.equals(value)) {
        return constant;
      }
    }
    throw new IllegalArgumentException(value);
  }

  /** The text. */
  public String value() {
    return value;
  }
}
