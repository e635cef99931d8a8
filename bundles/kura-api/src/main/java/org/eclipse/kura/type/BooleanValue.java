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

/** A value of type {@link DataType#BOOLEAN}. */
@ProviderType
@Immutable
@ThreadSafe
public class BooleanValue implements TypedValue<Boolean> {
  private final boolean value;

  /** Of a value. */
  public BooleanValue(boolean value) {
    this.value = value;
  }

  @Override
  public DataType getType() {
    return DataType.BOOLEAN;
  }

  @Override
  public Boolean getValue() {
    return value;
  }

  @Override
  public int compareTo(TypedValue<Boolean> other) {
    return Boolean.compare(value, other.getValue());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BooleanValue that && Boolean.compare(value, that.value) == 0;
  }

  @Override
  public int hashCode() {
    return Boolean.hashCode(value);
  }

  @Override
  public String toString() {
    return "BooleanValue [value=" + value + "]";
  }
}
