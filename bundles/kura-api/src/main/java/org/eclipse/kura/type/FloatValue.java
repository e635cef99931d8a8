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

/** A value of type {@link DataType#FLOAT}. */
@ProviderType
@Immutable
@ThreadSafe
public class FloatValue implements TypedValue<Float> {
  private final float value;

  /** Of a value. */
  public FloatValue(float value) {
    this.value = value;
  }

  @Override
  public DataType getType() {
    return DataType.FLOAT;
  }

  @Override
  public Float getValue() {
    return value;
  }

  @Override
  public int compareTo(TypedValue<Float> other) {
    return Float.compare(value, other.getValue());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FloatValue that && Float.compare(value, that.value) == 0;
  }

  @Override
  public int hashCode() {
    return Float.hashCode(value);
  }

  @Override
  public String toString() {
    return "FloatValue [value=" + value + "]";
  }
}
