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

import io.shoji.accelerator.ThreadNiceness;
import io.shoji.operations.ModelPolicy.Gap;
import io.shoji.operations.RolloutPolicy;
import java.util.ArrayList;
import java.util.List;

/**
 * The engine's settings, checked.
 *
 * @param maxQueue most requests of one model that wait at once
 * @param asyncThreads most threads per accelerator that run asynchronous requests at once
 * @param loaderThreads most models that are loaded and measured at once
 * @param gapWaitMs how long a model that was served is taken to come back, milliseconds
 * @param drainTimeoutMs how long running requests are waited for before a device is let go,
 *     milliseconds
 * @param measureRuns most runs that a model is measured with
 * @param measureTimeMs most time that a model is measured for, milliseconds
 * @param retryMs pause before a failed load is tried again, doubled each time, milliseconds
 * @param acceptance whether a model that misses its package's acceptance criteria is kept from
 *     serving
 * @param acceptanceTimeMs most time that golden samples are run for before a model serves,
 *     milliseconds
 * @param rollout how another generation of a model takes over, where its policy does not say so
 * @param loaderNiceness how far threads that prepare a model give way to others, see {@link
 *     io.shoji.accelerator.ThreadNiceness}
 * @param gap what a model does whose accelerator went away and is taken to come back, where its
 *     policy does not say so
 * @param acceptAgain whether golden samples are run at every start, even of what was committed
 * @param patience how long a vendor's library may keep the engine waiting
 */
record Settings(
    int maxQueue,
    int asyncThreads,
    int loaderThreads,
    int gapWaitMs,
    int drainTimeoutMs,
    int measureRuns,
    int measureTimeMs,
    int retryMs,
    boolean acceptance,
    int acceptanceTimeMs,
    RolloutPolicy rollout,
    int loaderNiceness,
    Gap gap,
    boolean acceptAgain,
    Patience patience) {

  /** What holds where nothing is configured. */
  static final Settings DEFAULTS =
      new Settings(64, 8, 1, 10_000, 5_000, 20, 500, 1_000, true, 20_000, RolloutPolicy.defaults());

  /** With the defaults of what is not given. */
  Settings(
      int maxQueue,
      int asyncThreads,
      int loaderThreads,
      int gapWaitMs,
      int drainTimeoutMs,
      int measureRuns,
      int measureTimeMs,
      int retryMs,
      boolean acceptance,
      int acceptanceTimeMs,
      RolloutPolicy rollout) {
    this(
        maxQueue,
        asyncThreads,
        loaderThreads,
        gapWaitMs,
        drainTimeoutMs,
        measureRuns,
        measureTimeMs,
        retryMs,
        acceptance,
        acceptanceTimeMs,
        rollout,
        ThreadNiceness.IDLE,
        Gap.FALLBACK,
        false,
        Patience.DEFAULTS);
  }

  /**
   * Checks every value.
   *
   * @throws IllegalArgumentException naming each value that is out of its range, and the range
   */
  Settings {
    List<String> wrong = new ArrayList<>();
    check(wrong, "maxQueue", maxQueue, 1, 65_536);
    check(wrong, "asyncThreads", asyncThreads, 1, 256);
    check(wrong, "loaderThreads", loaderThreads, 1, 16);
    check(wrong, "gapWaitMs", gapWaitMs, 0, 600_000);
    check(wrong, "drainTimeoutMs", drainTimeoutMs, 0, 60_000);
    check(wrong, "measureRuns", measureRuns, 1, 10_000);
    check(wrong, "measureTimeMs", measureTimeMs, 1, 60_000);
    check(wrong, "retryMs", retryMs, 1, 60_000);
    check(wrong, "acceptanceTimeMs", acceptanceTimeMs, 1, 600_000);
    check(wrong, "loaderNiceness", loaderNiceness, 0, ThreadNiceness.IDLE);
    check(wrong, "hangGraceMs", patience.hangGraceMs(), 1, 600_000);
    check(wrong, "callTimeoutMs", patience.callTimeoutMs(), 1, 3_600_000);
    check(wrong, "loadTimeoutMs", patience.loadTimeoutMs(), 1, 86_400_000);
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", wrong));
    }
  }

  private static void check(List<String> wrong, String name, int value, int least, int most) {
    if (value < least || value > most) {
      wrong.add(
          "setting out of its range name="
              + name
              + " value="
              + value
              + " range=["
              + least
              + ", "
              + most
              + "]");
    }
  }
}
