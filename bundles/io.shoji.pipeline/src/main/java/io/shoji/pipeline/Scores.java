/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

/**
 * Scores and their indices packed into longs whose ascending order is: the larger score first,
 * equal ones by index, NaN last. Sorting them needs no objects.
 */
final class Scores {
  private Scores() {}

  /**
   * Packs.
   *
   * @param index 0 or above
   */
  static long key(float score, int index) {
    // Adding 0 makes -0 equal to 0; negative floats have their magnitude bits turned round.
    int bits = Float.floatToIntBits(score + 0f);
    int ordered = Float.isNaN(score) ? Integer.MIN_VALUE : bits ^ ((bits >> 31) & 0x7fffffff);
    return ((long) ~ordered << 32) | index;
  }

  /** The index in a key. */
  static int index(long key) {
    return (int) key;
  }
}
