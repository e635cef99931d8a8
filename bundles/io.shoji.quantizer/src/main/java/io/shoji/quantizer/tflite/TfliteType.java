/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import io.shoji.tensor.ElementType;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Types of tensors. */
public enum TfliteType {
  FLOAT32(0, 32, ElementType.FLOAT32),
  FLOAT16(1, 16, ElementType.FLOAT16),
  INT32(2, 32, ElementType.INT32),
  UINT8(3, 8, ElementType.UINT8),
  INT64(4, 64, ElementType.INT64),
  STRING(5, 0, null),
  BOOL(6, 8, ElementType.BOOL),
  INT16(7, 16, ElementType.INT16),
  COMPLEX64(8, 64, null),
  INT8(9, 8, ElementType.INT8),
  FLOAT64(10, 64, ElementType.FLOAT64),
  COMPLEX128(11, 128, null),
  UINT64(12, 64, null),
  RESOURCE(13, 0, null),
  VARIANT(14, 0, null),
  UINT32(15, 32, null),
  UINT16(16, 16, ElementType.UINT16),
  INT4(17, 4, ElementType.INT4),
  BFLOAT16(18, 16, null),
  INT2(19, 2, null),
  UINT4(20, 4, null),
  FLOAT8_E4M3FN(21, 8, null),
  FLOAT8_E5M2(22, 8, null);

  private final int number;
  private final int bits;
  private final @Nullable ElementType element;

  TfliteType(int number, int bits, @Nullable ElementType element) {
    this.number = number;
    this.bits = bits;
    this.element = element;
  }

  /** The type of a number of the schema; empty if that is newer than this. */
  static Optional<TfliteType> of(int number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
  }

  /** The schema's number. */
  int number() {
    return number;
  }

  /** Bits of an element; 0 where elements differ in size. */
  public int bits() {
    return bits;
  }

  /** The same type among those that drivers handle. */
  public Optional<ElementType> element() {
    return Optional.ofNullable(element);
  }
}
