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

import java.util.Arrays;
import java.util.Objects;
import org.eclipse.kura.annotation.Immutable;
import org.eclipse.kura.annotation.ThreadSafe;
import org.osgi.annotation.versioning.ProviderType;

/** A value of type {@link DataType#BYTE_ARRAY}. The array is neither copied nor to be written. */
@ProviderType
@Immutable
@ThreadSafe
public class ByteArrayValue implements TypedValue<byte[]> {
  private final byte[] value;

  /** Keeps the array. */
  public ByteArrayValue(byte[] value) {
    this.value = Objects.requireNonNull(value, "value");
  }

  @Override
  public DataType getType() {
    return DataType.BYTE_ARRAY;
  }

  @Override
  public byte[] getValue() {
    return value;
  }

  @Override
  public int compareTo(TypedValue<byte[]> other) {
    return Arrays.compare(value, other.getValue());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ByteArrayValue that && Arrays.equals(value, that.value);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(value);
  }

  @Override
  public String toString() {
    return "ByteArrayValue [value=" + Arrays.toString(value) + "]";
  }
}
