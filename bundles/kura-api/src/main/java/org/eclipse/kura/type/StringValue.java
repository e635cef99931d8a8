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

import java.util.Objects;
import org.eclipse.kura.annotation.Immutable;
import org.eclipse.kura.annotation.ThreadSafe;
import org.osgi.annotation.versioning.ProviderType;

/** A value of type {@link DataType#STRING}. */
@ProviderType
@Immutable
@ThreadSafe
public class StringValue implements TypedValue<String> {
  private final String value;

  /** Of a value. */
  public StringValue(String value) {
    this.value = Objects.requireNonNull(value, "value");
  }

  @Override
  public DataType getType() {
    return DataType.STRING;
  }

  @Override
  public String getValue() {
    return value;
  }

  @Override
  public int compareTo(TypedValue<String> other) {
    return value.compareTo(other.getValue());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StringValue that && value.equals(that.value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  @Override
  public String toString() {
    return "StringValue [value=" + value + "]";
  }
}
