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
import io.shoji.operations.SwapReceipt;
import io.shoji.operations.SwapReceipt.Account;
import io.shoji.operations.SwapReceipt.Remainder;
import io.shoji.operations.SwapReceipt.Resource;
import io.shoji.operations.SwapReceipt.State;
import io.shoji.operations.SwapReceipt.Subject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Something that leaves, and what is known of its going. Used on the thread of {@link Receipts}
 * only, but for what is said to be otherwise.
 */
abstract class Departure {
  /** What follows from one look. */
  static final class Findings {
    final Map<Resource, Long> held = new HashMap<>();
    final Map<Resource, List<Remainder>> remains = new HashMap<>();

    /** It may not even have begun to go. */
    boolean pending;

    /** A collection of the heap has to show whether something is gone. */
    boolean collectionNeeded;

    void held(Resource resource, long amount) {
      held.merge(resource, amount, Long::sum);
    }

    void remains(Resource resource, String what, long amount, String holder) {
      remains
          .computeIfAbsent(resource, r -> new ArrayList<>())
          .add(new Remainder(what, amount, holder));
    }

    boolean nothingRemains() {
      return remains.isEmpty();
    }

    /** Whether all that remains may be gone but for a collection of the heap. */
    boolean onlyHeapRemains() {
      return remains.keySet().stream()
          .allMatch(r -> r == Resource.CLASS_LOADER || r == Resource.DIRECT_MEMORY);
    }

    List<Account> accounts() {
      List<Account> accounts = new ArrayList<>();
      for (Resource resource : Resource.values()) {
        List<Remainder> left = remains.getOrDefault(resource, List.of());
        long amount = left.stream().mapToLong(Remainder::amount).sum();
        long before = Math.max(amount, held.getOrDefault(resource, 0L));
        accounts.add(new Account(resource, before, before - amount, left));
      }
      return accounts;
    }
  }

  final long id;
  final Instant time;
  final long startNanos = System.nanoTime();

  /** The driver; null if it is not known. */
  final @Nullable DriverTrace driver;

  private final Map<String, Long> before = Census.cheapFigures();

  /** Collections of the heap before. */
  final long collectionsBefore = Look.collections();

  /** How often the heap was collected for it. */
  int collected;

  /** How often a collection was asked for that the JVM did not do. */
  int refusals;

  /** When it is looked at next. */
  long nextNanos;

  /** Pause before the look after that, milliseconds. */
  long pauseMs;

  private State state = State.CHECKING;
  private int checks;

  Departure(long id, Instant time, @Nullable DriverTrace driver) {
    this.id = id;
    this.time = time;
    this.driver = driver;
  }

  abstract Subject subject();

  abstract Optional<GenerationKey> key();

  abstract OptionalLong number();

  /** Labels of its accelerators. */
  abstract String accelerator();

  /** Counts. Without the lock of the receipts. */
  abstract Findings find(Look look, List<LoadTrace> live, boolean timeIsOver);

  State state() {
    return state;
  }

  /** Milliseconds since it was closed. */
  long elapsedMs(long nanos) {
    return (nanos - startNanos) / 1_000_000;
  }

  /** Takes note of a look. */
  SwapReceipt looked(Look look, Findings findings, State now) {
    checks++;
    state = now;
    Map<String, Long> after = Census.cheapFigures();
    look.census.figures(after);
    if (state != State.CHECKING) {
      Census.privateBytes(after);
    }
    return receipt(elapsedMs(look.nanos), findings, after);
  }

  /** The receipt before anybody looked. */
  SwapReceipt opened() {
    return receipt(0, new Findings(), Map.of());
  }

  private SwapReceipt receipt(long elapsedMs, Findings findings, Map<String, Long> after) {
    DriverTrace of = driver;
    return new SwapReceipt(
        id,
        subject(),
        time,
        accelerator(),
        key(),
        number(),
        of == null ? "" : of.driver,
        of == null ? "" : of.driverVersion,
        of == null ? "" : of.runtime,
        of == null ? "" : of.runtimeVersion,
        state,
        checks,
        elapsedMs,
        findings.accounts(),
        before,
        after);
  }

  /** Counts descriptors that nobody else accounts for. */
  static long unclaimed(Look look, String target, long expected, long before) {
    long now =
        look.census.descriptors().getOrDefault(target, 0)
            + look.census.descriptors().getOrDefault(target + Census.DELETED, 0)
            - before
            - look.descriptorsOfOthers.getOrDefault(target, 0);
    return Math.max(0, Math.min(expected, now));
  }
}
