/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import java.util.concurrent.atomic.AtomicLong;

/** Takes a share of what comes, evenly spread: of ten with a share of 0.1 the last. Thread safe. */
final class Sampler {
  private final double share;
  private final AtomicLong seen = new AtomicLong();

  /**
   * A sampler.
   *
   * @param share more than 0, at most 1
   */
  Sampler(double share) {
    this.share = share;
  }

  /** Whether the next one is taken. */
  boolean take() {
    long before = seen.getAndIncrement();
    return (long) ((before + 1) * share) > (long) (before * share);
  }
}
