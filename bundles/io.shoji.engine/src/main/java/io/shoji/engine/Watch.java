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

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.ModelMetrics;
import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Watches a generation that has taken over: whether it fails more often, takes longer, or answers
 * with what is no number. Costs a request a few nanoseconds.
 */
final class Watch implements Tap {
  private static final double LEAST_RATE = 0.01;
  private static final double MOST_RATE = 0.9;
  private static final int FEW_REQUESTS = 100;
  private static final double QUANTILE = 2.807;

  /** Small, since the test is begun anew whenever it has found nothing. */
  private static final double ALPHA = 1e-5;

  private static final double BETA = 0.01;
  private static final int WARM_UP = 32;
  private static final int RUNS = 64;
  private static final int SLOW_LOOKS = 3;

  private final Generation watched;
  private final Sampler sampler;
  private final double usualRate;
  private final long allowedNanos;
  private final Runnable found;
  private volatile SequentialTest failures;
  private volatile String lastFailure = "";

  // Only the thread that looks.
  private int lookedAt = WARM_UP;
  private int slowLooks;

  /**
   * A watch.
   *
   * @param before what the version before counted up to now
   * @param usualNanos median run time of the generation before; 0 if unknown
   * @param budgetNanos what the package allows for p99; 0 if it says nothing
   * @param share share of the answers that are looked at
   * @param found is told when something was found
   */
  Watch(
      Generation watched,
      ModelMetrics before,
      long usualNanos,
      long budgetNanos,
      double share,
      Runnable found) {
    this.watched = watched;
    this.sampler = new Sampler(share);
    this.found = found;
    long failed =
        before.errors().getOrDefault(Code.FAILED, 0L)
            + before.errors().getOrDefault(Code.DEVICE_LOST, 0L)
            + before.errors().getOrDefault(Code.DEADLINE_EXCEEDED, 0L);
    long all = before.answered() + failed;
    double most =
        all < FEW_REQUESTS
            ? LEAST_RATE
            : Share.most((double) failed, (int) Math.min(all, Integer.MAX_VALUE), QUANTILE);
    this.usualRate = Math.min(MOST_RATE, Math.max(LEAST_RATE, most));
    this.failures = test();
    this.allowedNanos =
        usualNanos == 0 ? 0 : Math.max(budgetNanos, Judge.SLOWER * usualNanos + Judge.SLACK_NANOS);
    // What ran before the switch, as a measurement, does not count.
    this.lookedAt += watched.runTimes.count();
  }

  private SequentialTest test() {
    return new SequentialTest(usualRate, usualRate + Judge.REGRESSION, ALPHA, BETA);
  }

  @Override
  public void answered(
      Generation generation, List<Tensor> inputs, List<Tensor> outputs, long runNanos) {
    if (sampler.take() && !isFinite(outputs) && isFinite(inputs)) {
      failed("an output is not finite");
    } else if (failures.add(false) == SequentialTest.Finding.LOWER) {
      failures = test();
    }
  }

  private static boolean isFinite(List<Tensor> tensors) {
    for (Tensor tensor : tensors) {
      if (Agreement.isReal(tensor.type())) {
        for (int i = 0; i < tensor.elementCount(); i++) {
          if (!Float.isFinite(tensor.getFloat(i))) {
            return false;
          }
        }
      }
    }
    return true;
  }

  @Override
  public void failed(Generation generation, List<Tensor> inputs, InferenceException failure) {
    switch (failure.code()) {
      case FAILED, DEVICE_LOST, DEADLINE_EXCEEDED ->
          failed(failure.code() + ": " + failure.getMessage());
      default -> {
        // The caller's own.
      }
    }
  }

  private void failed(String reason) {
    lastFailure = reason;
    if (failures.add(true) == SequentialTest.Finding.HIGHER) {
      found.run();
    }
  }

  /** What speaks against it; empty if nothing does by now. */
  Optional<String> against() {
    SequentialTest test = failures;
    return test.finding() == SequentialTest.Finding.HIGHER
        ? Optional.of(
            "it fails more often than what answered before failures="
                + test.events()
                + " requests="
                + test.observations()
                + " last="
                + lastFailure)
        : Optional.empty();
  }

  /**
   * Whether its runs have been taking too long for a while: three times in a row the median of the
   * latest. That may be the gateway's load, so both are measured then. For one thread.
   */
  boolean seemsSlow() {
    int count = watched.runTimes.count();
    if (allowedNanos == 0 || count - lookedAt < RUNS) {
      return false;
    }
    lookedAt = count;
    slowLooks = watched.runTimes.median() > allowedNanos ? slowLooks + 1 : 0;
    if (slowLooks < SLOW_LOOKS) {
      return false;
    }
    slowLooks = 0;
    return true;
  }

  /** The figures by name. */
  void addTo(Map<String, String> evidence) {
    evidence.put("probation.medianMs", Judge.millis(watched.runTimes.median()));
    evidence.put("probation.allowedMs", Judge.millis(allowedNanos));
  }
}
