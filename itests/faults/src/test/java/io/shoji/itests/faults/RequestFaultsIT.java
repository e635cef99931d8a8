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

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Proof;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/** A fault at each native call that a request makes. */
class RequestFaultsIT {
  private static final ModelRef REF = ModelRef.latest(Bench.MODEL);
  private static final long DEADLINE_MS = 400;

  @TempDir static Path folder;
  private static Bench bench;
  private static CallSequence clean;

  @BeforeAll
  static void start() throws Exception {
    bench =
        new Bench(
            folder,
            Map.of(
                "probationMs",
                0,
                "hangGraceMs",
                50,
                "drainTimeoutMs",
                300,
                "guardCalls",
                "always"));
    // From here on this thread alone asks.
    bench.asker.close();
    bench.tape(Bench.REQUESTS, "trace");
    assertThat(Asker.check(bench.inference, REF, 1, 5_000)).isEmpty();
    bench.runtime.tape();
    clean = new CallSequence(bench.runtime.trace());
  }

  @AfterAll
  static void stop() throws Exception {
    bench.close();
  }

  @Test
  void shouldEndRequestWithTypedErrorInTimeWhateverCallFails() throws Exception {
    List<String> wrong = new ArrayList<>();
    for (CallSequence.Call call : clean.all()) {
      for (Fault fault : Fault.of(call.function(), Proof.isLong())) {
        attempt(call, fault, wrong);
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(clean.first().size()).isGreaterThan(8);
    bench.awaitNothingLeft("requests that failed");
  }

  private static void attempt(CallSequence.Call call, Fault fault, List<String> wrong)
      throws Exception {
    String what = call + " " + fault.name();
    long before = bench.faults();
    bench.tape(
        Bench.REQUESTS, "at " + call.function() + " " + call.number() + " " + fault.action());
    long generation = generation();
    long start = System.nanoTime();
    Optional<InferenceException> failure = Optional.empty();
    try {
      Asker.check(bench.inference, REF, 2, DEADLINE_MS)
          .ifPresent(complaint -> wrong.add(what + ": " + complaint));
    } catch (InferenceException e) {
      failure = Optional.of(e);
    }
    long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    if (bench.faults() == before) {
      wrong.add(what + ": was not hit");
    }
    String found = failure.map(e -> e.code() + " " + e.getMessage()).orElse("an answer");
    if (fault == Fault.HANG) {
      if (failure.map(InferenceException::code).orElse(null)
          != InferenceException.Code.DEADLINE_EXCEEDED) {
        wrong.add(what + ": found=" + found);
      }
      if (tookMs > 10 * DEADLINE_MS) {
        wrong.add(what + ": the caller was kept tookMs=" + tookMs);
      }
      Waiting.until(what + " makes the device suspect", RequestFaultsIT::isSuspect);
      bench.runtime.tape();
      Waiting.until(what + " is forgotten", () -> !isSuspect());
      Waiting.until(what + " brings another generation", () -> generation() > generation);
    } else if (Fault.returnsStatus(call.function())
        && !fault.message().isEmpty()
        && !found.contains(fault.message())) {
      wrong.add(what + ": no such reason asked=" + fault.message() + " found=" + found);
    }
    bench.runtime.tape();
    bench.awaitServing();
    // The model serves again, by itself.
    Asker.check(bench.inference, REF, 3, 10_000)
        .ifPresent(complaint -> wrong.add(what + ": afterwards " + complaint));
    if (call.function().startsWith("Release") && fault == Fault.SKIP) {
      bench.keeps(call.function().substring("Release".length()));
    }
  }

  /** Number of the generation that serves; 0 if none does. */
  private static long generation() {
    return bench.inference.models().stream()
        .flatMap(each -> each.serving().stream())
        .filter(each -> each.model().equals(Bench.MODEL))
        .mapToLong(each -> each.generation())
        .max()
        .orElse(0);
  }

  private static boolean isSuspect() {
    return bench.inference.accelerators().get(0).health().state().name().equals("SUSPECT");
  }

  @Test
  void shouldAnswerOthersWhileCallHangs() throws Exception {
    Multiplier other = new Multiplier("other");
    Bundle otherBundle = bench.gateway.install(other.write(folder, 3));
    otherBundle.start();
    ModelRef otherRef = ModelRef.latest("other");
    Waiting.until(
        "the other model serves",
        () ->
            bench.inference.model(otherRef).stream().anyMatch(each -> each.serving().isPresent()));
    long faults = bench.faults();
    bench.tape(Bench.FUTURES, "at Run 1 hang");
    var hanging =
        bench.inference.inferAsync(
            REF,
            List.of(Tensor.ofFloats(Shape.of(1, Multiplier.WIDTH), Multiplier.input(1))),
            InferenceService.deadlineIn(DEADLINE_MS));
    Waiting.until("the call hangs", () -> bench.faults() > faults);
    for (int i = 0; i < 20; i++) {
      assertThat(Asker.check(bench.inference, otherRef, i, 10_000)).isEmpty();
    }
    assertThat(hanging)
        .failsWithin(10, TimeUnit.SECONDS)
        .withThrowableThat()
        .havingRootCause()
        .withMessageContaining("has not come back from the call");
    Waiting.until("the device is suspect", RequestFaultsIT::isSuspect);
    for (int i = 0; i < 20; i++) {
      assertThat(Asker.check(bench.inference, otherRef, i, 10_000)).isEmpty();
    }
    bench.runtime.tape();
    Waiting.until("the call is back", () -> !isSuspect());
    assertThat(Asker.check(bench.inference, REF, 1, 10_000)).isEmpty();
    otherBundle.uninstall();
    bench.awaitNothingLeft("the other model is gone");
  }
}
