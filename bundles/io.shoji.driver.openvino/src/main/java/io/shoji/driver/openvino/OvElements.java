/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.tensor.ElementType;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Numbers of {@code ov_element_type_e} in one line of releases. The enumeration is positional, and
 * grew in its middle: the numbers moved at 2024.2 and at 2025.1. Types that no tensor here has are
 * left out.
 */
final class OvElements {
  /** 2022.3 to 2024.0. */
  private static final OvElements FIRST = of(2, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15);

  /** 2024.2 to 2025.0, with three more below U8. */
  private static final OvElements SECOND = of(2, 4, 5, 6, 7, 8, 9, 10, 11, 17, 18);

  /** From 2025.1 on, without the one that was the first. */
  private static final OvElements THIRD = of(1, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17);

  private final Map<ElementType, Integer> numbers;

  private OvElements(Map<ElementType, Integer> numbers) {
    this.numbers = Collections.unmodifiableMap(numbers);
  }

  private static OvElements of(
      int bool,
      int f16,
      int f32,
      int f64,
      int i4,
      int i8,
      int i16,
      int i32,
      int i64,
      int u8,
      int u16) {
    Map<ElementType, Integer> numbers = new EnumMap<>(ElementType.class);
    numbers.put(ElementType.BOOL, bool);
    numbers.put(ElementType.FLOAT16, f16);
    numbers.put(ElementType.FLOAT32, f32);
    numbers.put(ElementType.FLOAT64, f64);
    numbers.put(ElementType.INT4, i4);
    numbers.put(ElementType.INT8, i8);
    numbers.put(ElementType.INT16, i16);
    numbers.put(ElementType.INT32, i32);
    numbers.put(ElementType.INT64, i64);
    numbers.put(ElementType.UINT8, u8);
    numbers.put(ElementType.UINT16, u16);
    return new OvElements(numbers);
  }

  /**
   * The numbers of a release; of 2024.1, of which nothing is known, both that it can have.
   *
   * @param release year times 100 plus its minor number, as 202203
   */
  static List<OvElements> of(int release) {
    if (release <= 202400) {
      return List.of(FIRST);
    }
    if (release == 202401) {
      return List.of(SECOND, FIRST);
    }
    return List.of(release <= 202500 ? SECOND : THIRD);
  }

  /** All of them. */
  Map<ElementType, Integer> numbers() {
    return numbers;
  }

  /** The number of a type. */
  int number(ElementType type) {
    Integer number = numbers.get(type);
    if (number == null) {
      throw new IllegalStateException("no number for the type=" + type);
    }
    return number;
  }

  /** The type of a number, if tensors can have it. */
  Optional<ElementType> type(int number) {
    return numbers.entrySet().stream()
        .filter(entry -> entry.getValue() == number)
        .map(Map.Entry::getKey)
        .findFirst();
  }
}
