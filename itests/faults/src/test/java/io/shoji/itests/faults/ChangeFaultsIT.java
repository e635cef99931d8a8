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

import io.shoji.inference.ModelStatus;
import io.shoji.testkit.Proof;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A fault at each native call that a new version of a model causes, from the options of its session
 * to the release of the version that it replaces, while the old version is asked all the time. The
 * calls are those that a clean run was seen to make.
 */
class ChangeFaultsIT {
  /** Calls whose failure the driver can do without: a figure is missing then, nothing else. */
  private static final Set<String> DISPENSABLE = Set.of("AllocatorGetStats", "GetKeyValue");

  @TempDir static Path folder;
  private static Bench bench;
  private static CallSequence clean;
  private static final Map<String, Map<String, String>> outcomes = new TreeMap<>();

  @BeforeAll
  static void start() throws Exception {
    bench =
        new Bench(
            folder,
            Map.of(
                "probationMs",
                0,
                "retryMs",
                300,
                "callTimeoutMs",
                1_000,
                "loadTimeoutMs",
                1_000,
                "drainTimeoutMs",
                300,
                "hangGraceMs",
                50));
    bench.tape(Bench.CANDIDATE, "trace");
    bench.upgrade();
    bench.awaitServing();
    bench.awaitNothingLeft("a clean run");
    bench.runtime.tape();
    clean = new CallSequence(bench.runtime.trace());
  }

  @AfterAll
  static void stop() throws Exception {
    report();
    bench.close();
  }

  /** The table of the README: what became of the change, by call and fault. */
  private static void report() throws IOException {
    List<String> lines = new ArrayList<>();
    outcomes.forEach((function, row) -> lines.add(function + " " + row));
    Files.write(
        Files.createDirectories(Path.of(System.getProperty("faults.work"))).resolve("outcomes.txt"),
        lines);
  }

  @Test
  void shouldServeOnAndRecoverWhateverCallFails() throws Exception {
    List<String> wrong = new ArrayList<>();
    for (CallSequence.Call call : Proof.isLong() ? clean.all() : clean.first()) {
      for (Fault fault : Fault.of(call.function(), Proof.isLong())) {
        Optional<String> unexplained = attempt(call, fault, wrong);
        // A load that the fault before caused may still run and meet this one in its place.
        for (int again = 0; again < 2 && unexplained.isPresent(); again++) {
          unexplained = attempt(call, fault, wrong);
        }
        unexplained.ifPresent(wrong::add);
      }
    }
    bench.awaitNothingLeft("all faults");
    System.out.println("faults at native calls of a change: " + outcomes);
    assertThat(wrong).isEmpty();
    assertThat(outcomes).hasSizeGreaterThan(40);
  }

  /** Plays one fault; what was found in place of its reason, if that was not told. */
  private static Optional<String> attempt(CallSequence.Call call, Fault fault, List<String> wrong)
      throws Exception {
    String what = call + " " + fault.name();
    // Else a call that hung before goes on meanwhile, and meets this fault.
    Waiting.until(() -> "no call hangs any more before " + what, bench::isWell);
    long event = bench.lastEvent();
    long before = bench.faults();
    bench.tape(
        Bench.CANDIDATE, "at " + call.function() + " " + call.number() + " " + fault.action());
    bench.upgrade();
    Waiting.until(() -> what + " is hit " + bench.describe(), () -> bench.faults() > before);
    Waiting.until(
        () -> what + " has an end " + bench.describe(), () -> bench.serves() || refused());
    bench.asker.awaitMore(2);
    List<String> failures = bench.failures(event);
    boolean refused = !bench.serves();
    String notCompared = bench.notCompared();
    bench.runtime.tape();
    if (refused) {
      // What the runtime said of the file was final: the next version is looked at anew.
      bench.upgrade();
      bench.awaitServing();
    }
    bench.asker.awaitMore(2);
    keep(call.function(), fault);
    String outcome = refused ? "refused" : failures.isEmpty() ? "served" : "served later";
    outcomes
        .computeIfAbsent(call.function(), function -> new TreeMap<>())
        .merge(fault.name(), outcome, (a, b) -> a.contains(b) ? a : a + " or " + b);
    List<String> complaints = bench.asker.complaints();
    if (!complaints.isEmpty()) {
      wrong.add(what + ": of the old version " + complaints);
    }
    boolean closes = call.function().startsWith("Release");
    if (!closes
        && !DISPENSABLE.contains(call.function())
        && !fault.message().isEmpty()
        && failures.stream().noneMatch(failure -> failure.contains(fault.message()))
        && !notCompared.contains(fault.message())) {
      return Optional.of(
          what + ": no such reason asked=" + fault.message() + " found=" + failures + notCompared);
    }
    return Optional.empty();
  }

  /** What the simulated library itself keeps, since it was told not to release it. */
  private static void keep(String function, Fault fault) {
    boolean released = fault == Fault.SLOW || fault == Fault.HANG;
    if (function.equals("AllocatorFree") && !released) {
      bench.keeps("AllocatedText");
    } else if (function.startsWith("Release") && fault == Fault.SKIP) {
      bench.keeps(function.substring("Release".length()));
    }
  }

  /** Whether the new version is given up until its package or its device changes. */
  private static boolean refused() {
    return bench.status().stream()
        .anyMatch(
            each ->
                each.state() == ModelStatus.State.FAILED
                    && each.candidates().stream()
                        .noneMatch(c -> c.verdict().contains("retryInMs")));
  }

  @Test
  void shouldStopTryingWhenEveryLoadHangs() throws Exception {
    bench.tape(Bench.CANDIDATE, "from CreateSession 1 hang");
    bench.upgrade();
    Waiting.until(
        () -> "the device is given no more models " + bench.describe(),
        () -> bench.describe().contains("is given no model until its calls come back"));
    assertThat(bench.inference.accelerators())
        .singleElement()
        .satisfies(
            each -> {
              assertThat(each.health().state().name()).isEqualTo("SUSPECT");
              assertThat(each.health().reason()).contains("call=load");
            });
    bench.asker.awaitMore(5);
    long hanging = bench.record().faults().get("CreateSession");
    bench.asker.awaitMore(50);
    assertThat(bench.record().faults().get("CreateSession"))
        .as("loads that hang")
        .isEqualTo(hanging);

    bench.runtime.tape();
    bench.awaitServing();

    assertThat(bench.asker.complaints()).isEmpty();
    bench.awaitNothingLeft("loads that hung");
    Waiting.until(
        "the device is well again",
        () -> bench.inference.accelerators().get(0).health().state().name().equals("HEALTHY"));
  }
}
