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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.RolloutPolicy;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** A second generation where memory is too tight for two. */
class TightMemoryTest extends EngineFixture {
  private static final long TAKES = 5_000_000;

  /** What is left while the first generation is there. */
  private static final long LEFT = 1_000_000;

  private final AtomicLong room = new AtomicLong(LEFT);

  private FakeAccelerator driver(String version) {
    FakeAccelerator fake =
        new FakeAccelerator(
            FakeAccelerator.describe("cpu", "cpu0")
                .driver("test.cpu-" + version, version)
                .concurrency(2)
                .build());
    fake.memoryBytes = TAKES;
    return fake;
  }

  private FakeAccelerator serve(RolloutPolicy.TightMemory tight) {
    return serve(tight, 0, ModelPolicy.Gap.FALLBACK);
  }

  private FakeAccelerator serve(RolloutPolicy.TightMemory tight, ModelPolicy.Gap gap) {
    return serve(tight, 0, gap);
  }

  private FakeAccelerator serve(RolloutPolicy.TightMemory tight, int probationMs) {
    return serve(tight, probationMs, ModelPolicy.Gap.FALLBACK);
  }

  private FakeAccelerator serve(
      RolloutPolicy.TightMemory tight, int probationMs, ModelPolicy.Gap gap) {
    RolloutPolicy before = RolloutPolicy.defaults();
    ModelPolicy policy =
        ModelPolicy.defaults()
            .with(
                new RolloutPolicy(
                    before.canary(), before.share(), before.canaryTimeMs(), probationMs, tight, ""))
            .with(gap);
    engine.configure(
        new OperationsPolicy(Map.of(OperationsPolicy.OTHERS, policy), Map.of()), () -> {});
    engine.roomBy(() -> Optional.of(new MemoryRoom.Room(room.get(), "test")));
    FakeAccelerator old = plug(driver("1.0.0"));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    return old;
  }

  private String answeredBy() throws Exception {
    return engine.infer(DIGITS, input(1), in(10_000)).provenance().driverVersion();
  }

  @Test
  void shouldRefuseUpFrontWhenBothDoNotFit() throws Exception {
    serve(RolloutPolicy.TightMemory.REFUSE);
    FakeAccelerator next = plug(driver("2.0.0"));

    await(
        "the newer one is refused",
        () ->
            status(DIGITS).candidates().stream()
                .anyMatch(
                    c ->
                        c.verdict().contains("asked=" + TAKES + " found=" + LEFT + " limit=test")));
    assertThat(next.loads).hasValue(0);
    assertThat(answeredBy()).isEqualTo("1.0.0");

    room.set(2 * TAKES);

    await(
        "it is tried again, and fits now",
        () -> status(DIGITS).serving().map(p -> p.driverVersion().equals("2.0.0")).orElse(false));
  }

  @Test
  void shouldLetTheOldOneGoFirstWhenSoConfigured() throws Exception {
    FakeAccelerator old = serve(RolloutPolicy.TightMemory.SEQUENTIAL);
    FakeAccelerator next = driver("2.0.0");
    next.loadGate = new CountDownLatch(1);
    plug(next);
    await("the newer one loads", () -> next.loads.get() == 1);

    assertThat(old.open).as("the old one is closed by then").hasValue(0);
    CompletableFuture<InferenceResult> waiting = engine.inferAsync(DIGITS, input(1), in(20_000));
    assertThat(waiting).isNotDone();
    next.loadGate.countDown();

    assertThat(waiting.get(10, TimeUnit.SECONDS).provenance().driverVersion()).isEqualTo("2.0.0");
  }

  @Test
  void shouldAnswerElsewhereMeanwhileWhenThereIsAnotherAccelerator() throws Exception {
    FakeAccelerator elsewhere = plug(FakeAccelerator.of("gpu", 2).costing(900_000));
    FakeAccelerator old = serve(RolloutPolicy.TightMemory.SEQUENTIAL);
    assertThat(answeredBy()).isEqualTo("1.0.0");
    FakeAccelerator next = driver("2.0.0");
    next.loadGate = new CountDownLatch(1);
    plug(next);
    await("the newer one loads", () -> next.loads.get() == 1);

    assertThat(old.open).as("the old one is closed by then").hasValue(0);
    InferenceResult meanwhile = engine.infer(DIGITS, input(1), in(10_000));
    assertThat(meanwhile.provenance().accelerator()).isEqualTo("gpu");
    assertThat(meanwhile.provenance().degraded()).isTrue();
    assertThat(engine.rollouts().changes("digits").get(0).reason()).contains("stands in");
    next.loadGate.countDown();

    await(
        "the newer one serves",
        () -> status(DIGITS).serving().map(p -> p.driverVersion().equals("2.0.0")).orElse(false));
    assertThat(engine.infer(DIGITS, input(1), in(10_000)).provenance().degraded()).isFalse();
    await("the other accelerator is free again", () -> elsewhere.open.get() == 0);
  }

  @Test
  void shouldWaitWhenTheModelIsNotToGoElsewhere() throws Exception {
    FakeAccelerator elsewhere = plug(FakeAccelerator.of("gpu", 2).costing(900_000));
    serve(RolloutPolicy.TightMemory.SEQUENTIAL, ModelPolicy.Gap.WAIT);
    final int tried = elsewhere.loads.get();
    FakeAccelerator next = driver("2.0.0");
    next.loadGate = new CountDownLatch(1);
    plug(next);
    await("the newer one loads", () -> next.loads.get() == 1);

    CompletableFuture<InferenceResult> waiting = engine.inferAsync(DIGITS, input(1), in(20_000));
    assertThat(waiting).isNotDone();
    next.loadGate.countDown();

    assertThat(waiting.get(10, TimeUnit.SECONDS).provenance().driverVersion()).isEqualTo("2.0.0");
    assertThat(elsewhere.loads).hasValue(tried);
  }

  private FakeAccelerator onProbation(FakeAccelerator old) {
    room.set(2 * TAKES);
    engine.roomBy(
        () -> Optional.of(new MemoryRoom.Room(old.open.get() == 0 ? 3 * TAKES : room.get(), "t")));
    FakeAccelerator next = plug(driver("2.0.0"));
    await("2.0.0 is on probation", () -> newest().state() == ModelChange.State.PROBATION);
    awaitPlaced(DIGITS);
    assertThat(old.open).hasValue(1);
    room.set(LEFT);
    return next;
  }

  private ModelChange newest() {
    return engine.rollouts().changes("digits").get(0);
  }

  @Test
  void shouldFirstGiveUpWhatIsKeptToGoBackToWhenMemoryIsTight() throws Exception {
    FakeAccelerator old = serve(RolloutPolicy.TightMemory.REFUSE, 600_000);
    onProbation(old);
    final long change = newest().id();

    plug(driver("3.0.0"));

    await(
        "the third serves",
        () -> status(DIGITS).serving().map(p -> p.driverVersion().equals("3.0.0")).orElse(false));
    assertThat(old.open).hasValue(0);
    ModelChange second =
        engine.rollouts().changes("digits").stream()
            .filter(each -> each.id() == change)
            .findFirst()
            .orElseThrow();
    assertThat(second.evidence().get("before.closed")).contains("memory was needed");
  }

  @Test
  void shouldLoadAgainWhatWasGivenUpWhenTheNewOneDoesWorse() throws Exception {
    FakeAccelerator old = serve(RolloutPolicy.TightMemory.REFUSE, 600_000);
    FakeAccelerator next = onProbation(old);
    Generation held = engine.family("digits").held();
    assertThat(engine.rollouts().giveUp(held, "test")).isTrue();
    await("the old one is closed", () -> old.open.get() == 0);
    engine.roomBy(() -> Optional.of(new MemoryRoom.Room(LEFT, "t")));

    next.quirks.put(
        "1.0.0",
        (inputs, outputs) -> {
          throw new AcceleratorException(AcceleratorException.Code.OUT_OF_MEMORY, "test");
        });
    await(
        "the change is rolled back",
        () -> {
          try {
            answeredBy();
          } catch (Exception e) {
            // Counted, and what the rollback follows from.
            assertThat(e).isInstanceOf(InferenceException.class);
          }
          return engine.rollouts().changes("digits").stream()
              .anyMatch(
                  each ->
                      each.to().driverVersion().equals("2.0.0")
                          && each.state() == ModelChange.State.ROLLED_BACK);
        });

    await(
        "the old one serves again",
        () -> status(DIGITS).serving().map(p -> p.driverVersion().equals("1.0.0")).orElse(false));
    assertThat(answeredBy()).isEqualTo("1.0.0");
  }

  @Test
  void shouldLoadTheOldOneAgainWhenTheNewOneFails() throws Exception {
    FakeAccelerator old = serve(RolloutPolicy.TightMemory.SEQUENTIAL);
    FakeAccelerator next = driver("2.0.0");
    next.loadFailure =
        new AcceleratorException(AcceleratorException.Code.INVALID_MODEL, "no operator Foo");
    plug(next);
    await("the newer one was tried", () -> next.loads.get() == 1);

    assertThat(answeredBy()).isEqualTo("1.0.0");
    assertThat(old.loads.get()).isGreaterThan(1);
  }
}
