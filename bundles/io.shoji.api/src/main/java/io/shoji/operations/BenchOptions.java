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
 * How a model is measured.
 *
 * @param runs measured runs in all, 1 to 1,000,000
 * @param threads threads that run it at once, 1 to 64
 * @param warmUpRuns runs of each thread before, not measured, 0 to 10,000
 */
public record BenchOptions(int runs, int threads, int warmUpRuns) {
  private static final BenchOptions DEFAULT = new BenchOptions(200, 1, 10);

  /** 200 runs on one thread after 10 to warm up. */
  public static BenchOptions defaults() {
    return DEFAULT;
  }
}
