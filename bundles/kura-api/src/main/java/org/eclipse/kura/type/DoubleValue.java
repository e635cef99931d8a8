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

/** A value of type {@link DataType#DOUBLE}. */
@ProviderType
@Immutable
@ThreadSafe
public class DoubleValue implements TypedValue<Double> {
  private final double value;

  /** Of a value. */
  public DoubleValue(double value) {
    this.value = value;
  }

  @Override
  public DataType getType() {
    return DataType.DOUBLE;
  }

  @Override
  public Double getValue() {
    return value;
  }

  @Override
  public int compareTo(TypedValue<Double> other) {
    return Double.compare(value, other.getValue());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof DoubleValue that && Double.compare(value, that.value) == 0;
  }

  @Override
  public int hashCode() {
    return Double.hashCode(value);
  }

  @Override
  public String toString() {
    return "DoubleValue [value=" + value + "]";
  }
}
