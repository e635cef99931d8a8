/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

/**
 * That real inputs of a model are kept on the gateway, encrypted, for later calibration. Immutable.
 *
 * @param count most samples kept, a uniform choice of all that came, 1 to 100,000
 * @param diskBytes most bytes on disk, positive
 */
public record FieldSamplePolicy(int count, long diskBytes) {
  private static final int MOST = 100_000;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the value that is out of its range, and the range
   */
  public FieldSamplePolicy {
    if (count < 1 || count > MOST) {
      throw new IllegalArgumentException(
          "the number of field samples is out of its range count="
              + count
              + " range=[1, "
              + MOST
              + "]");
    }
    if (diskBytes < 1) {
      throw new IllegalArgumentException(
          "the size of the field samples is not positive diskBytes=" + diskBytes);
    }
  }
}
