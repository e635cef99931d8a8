/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import java.util.SplittableRandom;

/**
 * In which order samples are taken: at random, with replacement, the same at each run (MLPerf
 * Inference Rules, "LoadGen Operation").
 */
final class SampleOrder {
  /** A power of two, so that an index is cut to it by a mask; the order repeats after it. */
  private static final int LENGTH = 4096;

  private static final long SEED = 1;

  private SampleOrder() {}

  /** Indices below {@code samples}; the array's length is a power of two. */
  static int[] of(int samples) {
    SplittableRandom random = new SplittableRandom(SEED);
    int[] order = new int[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      order[i] = random.nextInt(samples);
    }
    return order;
  }
}
