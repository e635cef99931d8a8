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

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * One change of what answers for a model, from the moment another generation is prepared to its
 * end. Immutable; a later state is another object with the same {@code id}.
 *
 * @param id number of the change, growing, unique on this gateway over restarts
 * @param state how far it is
 * @param from what answered before; empty if nothing did
 * @param to what is to answer
 * @param started when it was staged
 * @param updated when it came to this state
 * @param reason why it ended as it did, or what is waited for; one line
 * @param evidence figures by name, as {@code top1}, {@code agreement}, {@code p99Ms}
 */
public record ModelChange(
    long id,
    State state,
    Optional<GenerationKey> from,
    GenerationKey to,
    Instant started,
    Instant updated,
    String reason,
    Map<String, String> evidence) {

  /** How far a change is. Each state is on disk before what it stands for begins to answer. */
  public enum State {
    /** Its parts are there and were chosen. */
    STAGED,
    /** Digests and signatures of its parts were checked, it is loaded beside what answers. */
    VERIFIED,
    /** It passed its package's golden samples on this device. */
    ACCEPTED,
    /** Live requests are run on it to compare. */
    CANARY,
    /** It answers. */
    LIVE,
    /** It answers, is watched, and what answered before is kept ready. */
    PROBATION,
    /** It stays: the last good generation. An end. */
    COMMITTED,
    /** It does not answer, what answered before does. An end. */
    ROLLED_BACK;

    /** Whether nothing follows. */
    public boolean ended() {
      return this == COMMITTED || this == ROLLED_BACK;
    }
  }

  /** Copies the map. */
  public ModelChange {
    evidence = Map.copyOf(evidence);
  }
}
