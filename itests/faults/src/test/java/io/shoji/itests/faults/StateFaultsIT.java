/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelChange.State;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.RolloutPolicy;
import io.shoji.testkit.Proof;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A device that breaks at each state of a change, in each way, while the model is asked all the
 * time; afterwards the framework is started anew on what is on disk.
 */
class StateFaultsIT {
  private static final String BROKEN = "the simulated device is out of order";

  /**
   * One way to break.
   *
   * @param rules what the tape says
   * @param reason what the operator is told; one of them
   */
  private record Breakage(String name, List<String> rules, List<String> reason) {
    static Breakage of(String name, String rule, String... reason) {
      return new Breakage(name, List.of(rule), List.of(reason));
    }
  }

  /** Ways in which every run breaks. */
  private static List<Breakage> runs(String from, boolean judged) {
    return runs(from, from, judged);
  }

  private static List<Breakage> runs(String from, String hangs, boolean judged) {
    List<Breakage> all = new ArrayList<>();
    all.add(Breakage.of("status", from + " status 11 " + BROKEN, BROKEN));
    all.add(Breakage.of("hang", hangs + " hang", "come back"));
    all.add(Breakage.of("memory", from + " memory", "allocate memory", "failures"));
    if (judged) {
      all.add(Breakage.of("nan", from + " nan", "not finite", "answers", "differ"));
      all.add(Breakage.of("wrong", from + " swap", "top1", "answers", "differ", "further"));
    }
    return all;
  }

  @TempDir static Path folder;
  private static Bench bench;
  private static final List<String> WRONG = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    bench =
        new Bench(
            folder,
            Map.ofEntries(
                Map.entry("probationMs", 0),
                Map.entry("retryMs", 50),
                Map.entry("guardCalls", "always"),
                Map.entry("callTimeoutMs", 500),
                Map.entry("loadTimeoutMs", 1_000),
                Map.entry("drainTimeoutMs", 300),
                Map.entry("hangGraceMs", 50)));
    awaitState(State.COMMITTED);
    bench.upgrade();
    awaitState(State.COMMITTED);
  }

  @AfterAll
  static void stop() throws Exception {
    bench.close();
  }

  @BeforeEach
  void calm() throws Exception {
    bench.runtime.tape();
    WRONG.clear();
    bench.asker.awaitMore(2);
    bench.asker.complaints();
  }

  private static Optional<State> state() {
    return bench.change().map(ModelChange::state);
  }

  private static void awaitState(State wanted) {
    Waiting.until(
        () ->
            bench.version()
                + " is "
                + wanted
                + " changes="
                + bench.operations.changes("multiplier"),
        () ->
            state().stream()
                .anyMatch(
                    found -> found == wanted || (!found.ended() && found.compareTo(wanted) > 0)));
  }

  /** Every request is compared, for so long before the next version answers and after that. */
  private static void watch(int canaryTimeMs, int probationMs) throws Exception {
    RolloutPolicy policy =
        new RolloutPolicy(
            RolloutPolicy.Canary.SHADOW,
            1.0,
            canaryTimeMs,
            probationMs,
            RolloutPolicy.TightMemory.REFUSE,
            "");
    bench.operations.configure(
        new OperationsPolicy(Map.of(Bench.MODEL, ModelPolicy.defaults().with(policy)), Map.of()));
  }

  private static void play(List<Breakage> breakages, Scene scene) throws Exception {
    for (Breakage each : breakages) {
      scene.play(each);
    }
  }

  @FunctionalInterface
  private interface Scene {
    void play(Breakage breakage) throws Exception;
  }

  /** Says what is wrong with the answers, but for errors if such are to be expected. */
  private static void checkAnswers(String what, boolean mayFail) {
    bench.asker.complaints().stream()
        .filter(each -> !mayFail || !each.startsWith("a request failed code="))
        .forEach(each -> WRONG.add(what + ": " + each));
  }

  private static String told(long event) {
    return bench.failures(event)
        + " "
        + bench.change().map(each -> each.state() + " " + each.reason()).orElse("")
        + " "
        + bench.describe();
  }

  private static void awaitReason(String what, Breakage breakage, long event) {
    Waiting.until(
        () -> what + " says why asked=" + breakage.reason() + " found=" + told(event),
        () -> breakage.reason().stream().anyMatch(told(event)::contains));
  }

  /** The next version goes through, now and after a restart of the framework on what is on disk. */
  private static void recover(String what, boolean restart) throws Exception {
    bench.runtime.tape();
    bench.operations.configure(OperationsPolicy.empty());
    if (restart) {
      bench.restart();
      checkAnswers(what + ", restarted", false);
    }
    bench.upgrade();
    Waiting.until(
        () -> what + ": the next version is committed " + told(0),
        () -> state().equals(Optional.of(State.COMMITTED)) && bench.serves());
    bench.asker.awaitMore(2);
    checkAnswers(what + ", recovered", false);
  }

  /** Before it answers: what answered goes on without a single failure. */
  private static void beforeLive(State state, List<String> threads, List<Breakage> breakages)
      throws Exception {
    play(
        breakages,
        breakage -> {
          String what = state + " " + breakage.name();
          String before = bench.answering();
          long event = bench.lastEvent();
          if (state == State.CANARY) {
            watch(10_000, 0);
            bench.upgrade();
            awaitState(State.CANARY);
          }
          bench.tape(threads, breakage.rules().toArray(String[]::new));
          if (state != State.CANARY) {
            bench.upgrade();
          }
          awaitReason(what, breakage, event);
          bench.asker.awaitMore(5);
          if (!bench.answering().equals(before)) {
            WRONG.add(what + ": answers asked=" + before + " found=" + bench.answering());
          }
          checkAnswers(what, false);
          recover(what, breakage == breakages.get(0) || Proof.isLong());
        });
    assertThat(WRONG).isEmpty();
  }

  @Test
  void shouldServeOnWhenDeviceBreaksAtStaged() throws Exception {
    beforeLive(State.STAGED, Bench.CANDIDATE, runs("from CreateSession 1", false));
  }

  @Test
  void shouldServeOnWhenDeviceBreaksAtVerified() throws Exception {
    beforeLive(State.VERIFIED, Bench.CANDIDATE, runs("from RunWithBinding 1", false));
  }

  @Test
  void shouldServeOnWhenDeviceBreaksAtAcceptance() throws Exception {
    // The first run is of the measurement.
    beforeLive(State.ACCEPTED, Bench.CANDIDATE, runs("from Run 2", true));
  }

  @Test
  void shouldServeOnWhenDeviceBreaksInCanary() throws Exception {
    beforeLive(State.CANARY, Bench.CANDIDATE, runs("from Run 1", true));
  }

  /** While it answers on probation: what answered before does again. */
  @Test
  void shouldGoBackWhenDeviceBreaksOnProbation() throws Exception {
    List<Breakage> breakages = runs("from Run 1", "at Run 1", true);
    play(
        breakages,
        breakage -> {
          String what = "PROBATION " + breakage.name();
          String before = bench.answering();
          long event = bench.lastEvent();
          watch(100, 20_000);
          bench.upgrade();
          awaitState(State.PROBATION);
          // What hangs is noticed after a request's deadline, which has to come before the end.
          bench.asker.deadlineMs = breakage.name().equals("hang") ? 200 : 5_000;
          bench.tape(Bench.REQUESTS, breakage.rules().toArray(String[]::new));
          Waiting.until(
              () -> what + " goes back " + told(event),
              () -> state().equals(Optional.of(State.ROLLED_BACK)));
          bench.runtime.tape();
          bench.asker.deadlineMs = 5_000;
          awaitReason(what, breakage, event);
          Waiting.until(what + ": answers " + before, () -> bench.answering().equals(before));
          // What a broken device answers before it is found out is seen by who asks.
          bench.asker.complaints();
          bench.asker.awaitMore(5);
          checkAnswers(what, false);
          bench.restart();
          assertThat(bench.answering()).as("after a restart, %s", what).isEqualTo(before);
          bench.operations.unpin(Bench.MODEL);
          recover(what, false);
        });
    assertThat(WRONG).isEmpty();
  }

  /** After its end there is nothing to go back to at once: it is loaded anew. */
  @Test
  void shouldServeAgainWhenDeviceBreaksAfterTheCommit() throws Exception {
    play(
        runs("at Run 1", false),
        breakage -> {
          String what = "COMMITTED " + breakage.name();
          String version = bench.answering();
          long faults = bench.faults();
          bench.tape(Bench.REQUESTS, breakage.rules().toArray(String[]::new));
          Waiting.until(what + " is hit", () -> bench.faults() > faults);
          bench.asker.awaitMore(5);
          checkAnswers(what, true);
          assertThat(bench.answering()).as(what).isEqualTo(version);
          recover(what, breakage.name().equals("status") || Proof.isLong());
        });
    assertThat(WRONG).isEmpty();
  }
}
