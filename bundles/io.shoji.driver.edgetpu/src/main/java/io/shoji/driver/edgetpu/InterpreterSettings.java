/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.VariantOptions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How a model runs: the driver's settings, and what a variant overrides. Immutable. */
final class InterpreterSettings {
  /** Prefix of the keys in a variant's options that are this driver's. */
  static final String PREFIX = "tflite.";

  /** Threads and interpreters that may be asked for at most. */
  static final int MOST = 64;

  private static final String THREADS = PREFIX + "threads";
  private static final String INTERPRETERS = PREFIX + "interpreters";
  private static final Set<String> KEYS = Set.of(THREADS, INTERPRETERS);

  /** Each interpreter has its own copy of the activations and of the packed weights. */
  private static final int MOST_BY_DEFAULT = 4;

  private final int threads;
  private final int interpreters;

  /**
   * @param threads that share one operator, the caller's among them
   * @param interpreters that run at once; 0 to decide by the cores
   * @throws IllegalArgumentException if a number is out of range
   */
  InterpreterSettings(int threads, int interpreters) {
    check("threads", threads, 1);
    check("interpreters", interpreters, 0);
    this.threads = threads;
    this.interpreters = interpreters;
  }

  private static void check(String name, int value, int least) {
    if (value < least || value > MOST) {
      throw new IllegalArgumentException(
          name + " is out of range asked=" + value + " least=" + least + " most=" + MOST);
    }
  }

  /** Threads that share one operator. */
  int threads() {
    return threads;
  }

  /** Interpreters of a model on a machine of {@code cores} cores. */
  int interpreters(int cores) {
    return interpreters == 0
        ? Math.min(MOST_BY_DEFAULT, Math.max(1, cores / threads))
        : interpreters;
  }

  /**
   * These settings with what a variant overrides.
   *
   * @throws AcceleratorException UNSUPPORTED if a key that starts with {@link #PREFIX} is unknown
   *     or its value out of range; keys of other drivers are not looked at
   */
  InterpreterSettings with(ModelArtifact artifact) throws AcceleratorException {
    VariantOptions options = VariantOptions.of(artifact, PREFIX, KEYS);
    return new InterpreterSettings(
        options.number(THREADS, threads, 1, MOST),
        options.number(INTERPRETERS, interpreters, 0, MOST));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof InterpreterSettings that
        && threads == that.threads
        && interpreters == that.interpreters;
  }

  @Override
  public int hashCode() {
    return 31 * threads + interpreters;
  }

  @Override
  public String toString() {
    return "threads=" + threads + " interpreters=" + interpreters;
  }
}
