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

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Judges a generation by what it and the one before make of the same requests, with as few of them
 * as it takes. Thread safe.
 *
 * <p>Two good models need not answer the same, so disagreement alone says nothing. Golden samples
 * tell how often the two differ while both are right as often as their packages say: between L and
 * U, each at an error of 0.25 % (Wilson). Losing five points of accuracy on top of that makes five
 * in a hundred answers differ on top of it. So the sequential test asks whether they differ in U of
 * the requests or less, or in L + 0.05 or more. Its own errors are 0.4 % and 0.7 %; with those of L
 * and U, of the golden samples' comparison (0.15 %), of the tests for failures and for time (0.1 %
 * each) a generation that is as good is refused in at most 1 of 100 changes, one that lost five
 * points passes in at most 1 of 100. Where there are too few golden samples to tell U from L +
 * 0.05, the first of the two holds, and {@code detects} in the evidence says how many points are
 * found instead.
 */
final class Judge {
  /** What must be found: five points. */
  static final double REGRESSION = 0.05;

  private static final double QUANTILE = 2.807;
  private static final double ALPHA = 0.004;
  private static final double BETA = 0.007;
  private static final double SIDE_ALPHA = 0.001;

  /** Two rates closer than this would take too many requests to tell apart. */
  private static final double LEAST_GAP = 0.015;

  /** Two good generations are taken to differ in so many answers at least. */
  private static final double FLOOR = 0.005;

  /** The same without any golden samples, for the same contents. */
  private static final double SAME_CONTENT = 0.02;

  /** If good answers differ more often than that, others cannot be told from them. */
  private static final double MOST_DIFFERING = 0.9;

  private static final double FAILURES = 0.01;
  private static final double SLOW = 0.2;
  private static final double TOO_SLOW = 0.5;
  private static final int WARM_UP = 5;

  /** Time that nobody cares about, added to what is allowed. */
  static final long SLACK_NANOS = 1_000_000;

  /** What speaks against a generation that takes more than so many times as long. */
  static final int SLOWER = 2;

  private final @Nullable SequentialTest agreement;
  private final @Nullable SequentialTest time;
  private final SequentialTest failures =
      new SequentialTest(FAILURES, FAILURES + REGRESSION, SIDE_ALPHA, BETA);
  private final double usual;
  private final double detects;
  private final long allowedNanos;

  // Guarded by this.
  private int compared;
  private String lastFailure = "";
  private final List<Long> beforeNanos = new ArrayList<>();
  private final List<Long> nanos = new ArrayList<>();

  /**
   * A judge that has seen nothing.
   *
   * @param golden how alike the two are on golden samples
   * @param sameContent whether both are of the same package
   * @param timed whether it must not be slower than the one before, either
   * @param allowedNanos a time that is not too slow whatever the one before takes; 0 if none
   */
  Judge(Likeness golden, boolean sameContent, boolean timed, long allowedNanos) {
    double most = Share.most(golden.differing(), golden.samples(), QUANTILE);
    double least = Share.least(golden.differing(), golden.samples(), QUANTILE);
    boolean known = golden.samples() > 0 || sameContent;
    if (golden.samples() == 0) {
      most = SAME_CONTENT;
      least = SAME_CONTENT;
    }
    this.usual = Math.max(most, FLOOR);
    double worse = Math.max(least + REGRESSION, usual + LEAST_GAP);
    this.detects = worse - least;
    this.agreement =
        known && worse < MOST_DIFFERING ? new SequentialTest(usual, worse, ALPHA, BETA) : null;
    this.time = timed ? new SequentialTest(SLOW, TOO_SLOW, SIDE_ALPHA, BETA) : null;
    this.allowedNanos = allowedNanos;
  }

  /**
   * Takes a request that both answered.
   *
   * @param samples samples in it
   * @param differing those that they answered differently
   * @param tookBefore what the run of the one before took
   * @param took what the run of the new one took
   */
  void compared(int samples, int differing, long tookBefore, long took) {
    failures.add(false);
    if (agreement != null) {
      for (int i = 0; i < samples; i++) {
        agreement.add(i < differing);
      }
    }
    synchronized (this) {
      compared++;
      if (compared <= WARM_UP) {
        return;
      }
      if (nanos.size() < 1000) {
        beforeNanos.add(tookBefore);
        nanos.add(took);
      }
    }
    if (time != null) {
      time.add(took > Math.max(SLOWER * tookBefore + SLACK_NANOS, allowedNanos));
    }
  }

  /** The new one failed on a request. */
  void failed(String reason) {
    failures.add(true);
    if (agreement != null) {
      agreement.add(true);
    }
    synchronized (this) {
      lastFailure = reason;
    }
  }

  /** What speaks against the new one; empty if nothing does by now. */
  Optional<String> against() {
    if (failures.finding() == SequentialTest.Finding.HIGHER) {
      String last;
      synchronized (this) {
        last = lastFailure;
      }
      return Optional.of(
          "it fails failures="
              + failures.events()
              + " requests="
              + failures.observations()
              + " last="
              + last);
    }
    if (agreement != null && agreement.finding() == SequentialTest.Finding.HIGHER) {
      return Optional.of(
          "it answers otherwise more often than golden samples explain found="
              + Likeness.share(agreement.events(), agreement.observations())
              + " usual="
              + decimal(usual)
              + " samples="
              + agreement.observations());
    }
    if (time != null && time.finding() == SequentialTest.Finding.HIGHER) {
      return Optional.of(
          "it takes more than "
              + SLOWER
              + " times as long on the same requests"
              + " medianMs="
              + millis(median(nanos))
              + " before="
              + millis(median(beforeNanos)));
    }
    return Optional.empty();
  }

  /**
   * What speaks against the new one when the time is over: besides the findings, that it failed
   * whenever it was asked, however few times that were.
   */
  Optional<String> againstAtEnd() {
    Optional<String> against = against();
    int failed = failures.events();
    if (against.isPresent() || failed == 0 || failed < failures.observations()) {
      return against;
    }
    String last;
    synchronized (this) {
      last = lastFailure;
    }
    return Optional.of("it answered none of the requests failures=" + failed + " last=" + last);
  }

  /** Whether it is found to be as good, so that nothing more has to be looked at. */
  boolean cleared() {
    return failures.finding() == SequentialTest.Finding.LOWER
        && (agreement == null || agreement.finding() == SequentialTest.Finding.LOWER)
        && (time == null || time.finding() == SequentialTest.Finding.LOWER);
  }

  /** The figures by name. */
  Map<String, String> evidence() {
    Map<String, String> evidence = new TreeMap<>();
    evidence.put("canary.requests", Integer.toString(failures.observations()));
    evidence.put("canary.failures", Integer.toString(failures.events()));
    if (agreement != null) {
      evidence.put("canary.samples", Integer.toString(agreement.observations()));
      evidence.put("canary.differing", Integer.toString(agreement.events()));
      evidence.put("canary.usual", decimal(usual));
      evidence.put("canary.detects", decimal(detects));
    }
    synchronized (this) {
      if (!nanos.isEmpty()) {
        evidence.put("canary.medianMs", millis(median(nanos)));
        evidence.put("canary.before.medianMs", millis(median(beforeNanos)));
      }
    }
    return evidence;
  }

  private synchronized long median(List<Long> all) {
    return all.isEmpty() ? 0 : all.stream().sorted().skip(all.size() / 2).findFirst().orElse(0L);
  }

  static String millis(long nanos) {
    return String.format(Locale.ROOT, "%.3f", nanos / 1e6);
  }

  private static String decimal(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
