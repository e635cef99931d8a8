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

/** Types of values. */
public enum DataType {
  /** {@link Boolean}. */
  BOOLEAN,
  /** {@code byte[]}. */
  BYTE_ARRAY,
  /** {@link Double}. */
  DOUBLE,
  /** {@link Integer}. */
  INTEGER,
  /** {@link Long}. */
  LONG,
  /** {@link Float}. */
  FLOAT,
  /** {@link String}. */
  STRING;

  /**
   * The type of a name, in any case.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static DataType getDataType(String name) {
    for (DataType type : values()) {
      if (type.name().equalsIgnoreCase(name)) {
        return type;
      }
    }
    throw new IllegalArgumentException("no data type of that name name=" + name);
  }
}
