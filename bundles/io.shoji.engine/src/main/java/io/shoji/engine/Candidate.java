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

import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelVariant;
import java.util.OptionalLong;

/** A pair of variant and device, and what became of it. Guarded by the family. */
final class Candidate {
  /** What became of it. */
  enum State {
    /** The device does not offer what the variant asks. */
    REFUSED,
    /** Nobody tried yet. */
    UNTRIED,
    /** It was loaded and measured. */
    MEASURED,
    /** It failed, and is tried again at {@link Candidate#retryAtNanos}. */
    RETRY,
    /** It failed in a way that trying again does not mend. */
    FAILED
  }

  /** After so long without a failure the next one counts as the first. */
  private static final long FORGET_NANOS = 60_000_000_000L;

  private static final int MOST_DOUBLINGS = 6;

  final ModelVariant variant;
  final Device device;
  State state = State.UNTRIED;
  String verdict = "not tried yet";

  /** Why the policy keeps the model off the device; empty if it does not. */
  String forbidden = "";

  /** Which memory budget it breaks, as far as is known now; empty if none. */
  String overBudget = "";

  long latencyNanos = -1;
  long memoryBytes = -1;

  /** What counts in a memory budget, -1 before it was loaded. */
  long footprintBytes = -1;

  long retryAtNanos;

  private String lastReason = "";
  private int failures;
  private long lastFailureNanos;

  Candidate(ModelVariant variant, Device device) {
    this.variant = variant;
    this.device = device;
  }

  void refuse(String reason) {
    state = State.REFUSED;
    verdict = reason;
  }

  /**
   * Failed for good.
   *
   * @return whether the reason is another than before
   */
  boolean fail(String reason) {
    state = State.FAILED;
    verdict = reason;
    return changed(reason);
  }

  /**
   * Failed, for now.
   *
   * @param free failures in a row that are tried again without a pause
   * @return whether the reason is another than before
   */
  boolean failForNow(String reason, int free, int retryMs) {
    long now = System.nanoTime();
    if (failures > 0 && now - lastFailureNanos > FORGET_NANOS) {
      failures = 0;
    }
    lastFailureNanos = now;
    long pauseMs =
        failures < free ? 0 : (long) retryMs << Math.min(failures - free, MOST_DOUBLINGS);
    failures++;
    state = State.RETRY;
    retryAtNanos = now + pauseMs * 1_000_000;
    verdict = reason + " retryInMs=" + pauseMs;
    return changed(reason);
  }

  private boolean changed(String reason) {
    boolean changed = !reason.equals(lastReason);
    lastReason = reason;
    return changed;
  }

  void measured(long medianNanos, long loadBytes, long footprint) {
    state = State.MEASURED;
    latencyNanos = medianNanos;
    memoryBytes = loadBytes;
    footprintBytes = footprint;
    verdict = "measured";
  }

  /** Whether it was measured and may serve. */
  boolean isUsable() {
    return state == State.MEASURED && isAllowed() && !device.leaving();
  }

  /** Whether neither policy nor budget is against it. */
  boolean isAllowed() {
    return forbidden.isEmpty() && overBudget.isEmpty();
  }

  /** What speaks against it, or how it is. */
  String verdict() {
    if (state == State.REFUSED || isAllowed()) {
      return verdict;
    }
    String against = forbidden.isEmpty() ? overBudget : forbidden;
    return verdict.equals("serves") ? "serves, but " + against : against;
  }

  /**
   * Says that a budget is against it, for the log.
   *
   * @return whether that is news
   */
  boolean budgetIsNews() {
    return changed(overBudget);
  }

  boolean isAt(Generation generation) {
    return device == generation.device && variant.name().equals(generation.variant.name());
  }

  ModelStatus.Candidate status(boolean chosen) {
    return new ModelStatus.Candidate(
        variant.name(),
        device.label,
        chosen,
        verdict(),
        latencyNanos < 0 ? OptionalLong.empty() : OptionalLong.of(latencyNanos),
        memoryBytes < 0 ? OptionalLong.empty() : OptionalLong.of(memoryBytes));
  }
}
