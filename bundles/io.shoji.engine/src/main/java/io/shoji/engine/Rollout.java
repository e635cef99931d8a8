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

import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import io.shoji.operations.RolloutPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One change under way of what answers: of one model, or of those of a group at once. Guarded by
 * {@link Rollouts}.
 */
final class Rollout {
  /** How far it is. */
  enum Phase {
    /** It waits for the others of its group. */
    GATHERING,
    /** Live requests are compared. */
    CANARY,
    /** The new generations answer, and are watched. */
    PROBATION,
    /** Nothing follows. */
    ENDED
  }

  /** What changes for one model. */
  static final class Part {
    final long id;
    final Family family;
    final Generation next;
    final GenerationKey to;
    final RolloutPolicy policy;
    final Likeness likeness;
    final Map<String, String> evidence = new TreeMap<>();

    /** What answered before; null if nothing did, or if it is there no more. */
    @Nullable Generation before;

    /** Version of what answered before; empty if none did. */
    final String fromVersion;

    /** State in the journal. */
    ModelChange.State state = ModelChange.State.STAGED;

    /** Why it changes, for the journal; empty if that needs no words. */
    String reason = "";

    @Nullable Comparer comparer;
    @Nullable Judge judge;
    @Nullable Watch watch;

    /** Judges its answers on probation, where there was no canary. */
    @Nullable MixJudge mix;

    /** What a measurement of both found against the new one; empty if nothing. */
    volatile String slow = "";

    Part(
        long id,
        Generation next,
        GenerationKey to,
        @Nullable Generation before,
        String fromVersion,
        RolloutPolicy policy,
        Likeness likeness) {
      this.id = id;
      this.family = next.model.family;
      this.next = next;
      this.to = to;
      this.before = before;
      this.fromVersion = fromVersion;
      this.policy = policy;
      this.likeness = likeness;
    }

    /** Whether it is about another version, and not only another driver, device or variant. */
    boolean anotherVersion() {
      return !fromVersion.isEmpty() && !fromVersion.equals(to.version());
    }

    /** Compares no more with what answered before. */
    void uncompare() {
      Comparer comparing = comparer;
      Judge judging = judge;
      if (comparing != null) {
        next.detach(comparing);
        Generation old = before;
        if (old != null) {
          old.detach(comparing);
        }
      }
      if (judging != null) {
        evidence.putAll(judging.evidence());
      }
      if (mix != null) {
        mix.addTo(evidence);
      }
      comparer = null;
    }

    /** Takes the taps off. */
    void unwatch() {
      uncompare();
      Watch watching = watch;
      if (watching != null) {
        next.detach(watching);
        watching.addTo(evidence);
      }
      watch = null;
    }
  }

  final String group;
  final List<Part> parts = new ArrayList<>();
  Phase phase = Phase.GATHERING;

  /** When its phase ends, by the clock of {@link Rollouts}. */
  long untilNanos;

  Rollout(String group) {
    this.group = group;
  }
}
