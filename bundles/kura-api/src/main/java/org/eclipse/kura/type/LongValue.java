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

/** A value of type {@link DataType#LONG}. */
@ProviderType
@Immutable
@ThreadSafe
public class LongValue implements TypedValue<Long> {
  private final long value;

  /** Of a value. */
  public LongValue(long value) {
    this.value = value;
  }

  @Override
  public DataType getType() {
    return DataType.LONG;
  }

  @Override
  public Long getValue() {
    return value;
  }

  @Override
  public int compareTo(TypedValue<Long> other) {
    return Long.compare(value, other.getValue());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LongValue that && Long.compare(value, that.value) == 0;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(value);
  }

  @Override
  public String toString() {
    return "LongValue [value=" + value + "]";
  }
}
