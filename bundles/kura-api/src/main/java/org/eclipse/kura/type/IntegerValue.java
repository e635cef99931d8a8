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

import org.eclipse.kura.annotation.Immutable;
import org.eclipse.kura.annotation.ThreadSafe;
import org.osgi.annotation.versioning.ProviderType;

/** A value of type {@link DataType#INTEGER}. */
@ProviderType
@Immutable
@ThreadSafe
public class IntegerValue implements TypedValue<Integer> {
  private final int value;

  /** Of a value. */
  public IntegerValue(int value) {
    this.value = value;
  }

  @Override
  public DataType getType() {
    return DataType.INTEGER;
  }

  @Override
  public Integer getValue() {
    return value;
  }

  @Override
  public int compareTo(TypedValue<Integer> other) {
    return Integer.compare(value, other.getValue());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof IntegerValue that && Integer.compare(value, that.value) == 0;
  }

  @Override
  public int hashCode() {
    return Integer.hashCode(value);
  }

  @Override
  public String toString() {
    return "IntegerValue [value=" + value + "]";
  }
}
