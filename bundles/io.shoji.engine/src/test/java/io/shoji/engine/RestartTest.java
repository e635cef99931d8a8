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

import io.shoji.operations.EngineEvent;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange.State;
import io.shoji.testkit.UnsyncedDisk;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What an engine makes of what one before it left in the journal. */
class RestartTest extends GoldenFixture {
  private Path folder() {
    return temp.resolve("operations");
  }

  /** The engine's process ends as it should and another begins. */
  private void restart(boolean acceptAgain) {
    engine.close();
    Settings s = SETTINGS;
    engine =
        new Engine(
            new Settings(
                s.maxQueue(),
                s.asyncThreads(),
                s.loaderThreads(),
                s.gapWaitMs(),
                s.drainTimeoutMs(),
                s.measureRuns(),
                s.measureTimeMs(),
                s.retryMs(),
                s.acceptance(),
                s.acceptanceTimeMs(),
                s.rollout(),
                s.loaderNiceness(),
                s.gap(),
                acceptAgain,
                Patience.DEFAULTS),
            FakeAccelerator::stopwatch,
            Pins.inMemory(),
            Journal.open(folder(), new UnsyncedDisk()));
  }

  private static GenerationKey key(FakePackage of, String driverVersion) {
    var variant = of.description().variants().get(0);
    return new GenerationKey(
        "digits",
        of.description().version().toString(),
        of.description().sha256(),
        variant.name(),
        variant.files().get(0).sha256(),
        "cpu:cpu0",
        "test.cpu",
        driverVersion,
        "fake",
        "1.0",
        "build");
  }

  private static void commit(Journal journal, Optional<GenerationKey> from, GenerationKey to) {
    long id = journal.begin(from, to);
    for (State state : new State[] {State.VERIFIED, State.ACCEPTED, State.LIVE, State.COMMITTED}) {
      journal.advance(id, state, "", Map.of());
    }
  }

  private void commitBeforeTheStart(FakePackage of, String driverVersion) {
    try (Journal journal = Journal.open(folder(), new UnsyncedDisk())) {
      commit(journal, Optional.empty(), key(of, driverVersion));
    }
  }

  private int runsUntilItServes(FakePackage of) {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(of);
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    return cpu.runs.get();
  }

  @Test
  void shouldServeWithoutGoldenSamplesWhenJustThatWasCommittedBefore() throws Exception {
    samples(0, 0);
    FakePackage digits = packageOf(Optional.of(top1(0.9)));
    commitBeforeTheStart(digits, "1.0.0");
    restart(false);

    assertThat(runsUntilItServes(digits)).isLessThan(SAMPLES);

    // One that comes back after its device was lost shows anew what it can do.
    FakeAccelerator again = FakeAccelerator.of("cpu", 2);
    unplug((FakeAccelerator) engine.devices().get(0).accelerator);
    plug(again);
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    assertThat(again.runs.get()).isGreaterThanOrEqualTo(SAMPLES);
  }

  @Test
  void shouldRunGoldenSamplesWhenAnythingIsAnother() throws Exception {
    samples(0, 0);
    FakePackage digits = packageOf(Optional.of(top1(0.9)));
    commitBeforeTheStart(digits, "0.9.0");
    restart(false);

    assertThat(runsUntilItServes(digits)).isGreaterThanOrEqualTo(SAMPLES);
  }

  @Test
  void shouldRunGoldenSamplesWhenConfiguredSo() throws Exception {
    samples(0, 0);
    FakePackage digits = packageOf(Optional.of(top1(0.9)));
    commitBeforeTheStart(digits, "1.0.0");
    restart(true);

    assertThat(runsUntilItServes(digits)).isGreaterThanOrEqualTo(SAMPLES);
  }

  @Test
  void shouldAnswerWithLastGoodVersionFirstWhenNewerOneWasInterrupted() throws Exception {
    samples(0, 0);
    FakePackage first = packageOf("1.0.0", Optional.of(top1(0.9)));
    FakePackage second = packageOf("2.0.0", Optional.of(top1(0.9)));
    commitBeforeTheStart(first, "1.0.0");
    restart(false);
    plug(FakeAccelerator.of("cpu", 2));

    // As the store does: what the bundle contains now, then what it contained before.
    install(second);
    install(first.asRetained());

    await("both served", () -> engine.events().after(0).stream().anyMatch(this::isSwap));
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion())
        .isEqualTo("2.0.0");
  }

  private boolean isSwap(EngineEvent event) {
    return event.type() == EngineEvent.Type.MODEL_SWAPPED
        && event.version().equals("2.0.0")
        && "1.0.0".equals(event.details().get("from.version"));
  }

  @Test
  void shouldServeNewerVersionWhenLastGoodOneFailsOrIsGone() throws Exception {
    samples(0, 0);
    FakePackage first = packageOf("1.0.0", Optional.of(top1(0.9)));
    FakePackage second = packageOf("2.0.0", Optional.of(top1(0.9)));
    commitBeforeTheStart(first, "1.0.0");
    restart(false);
    plug(FakeAccelerator.of("cpu", 2));

    install(second);

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion())
        .isEqualTo("2.0.0");
  }

  @Test
  void shouldHaveTheStoreKeepWhatWasCommittedLast() throws Exception {
    samples(0, 0);
    FakePackage first = packageOf("1.0.0", Optional.of(top1(0.9)));
    FakePackage second = packageOf("2.0.0", Optional.of(top1(0.9)));
    commitBeforeTheStart(first, "1.0.0");
    restart(false);
    plug(FakeAccelerator.of("cpu", 2));

    FakePackage retained = install(first.asRetained());
    await("the first is kept", () -> retained.good);
    install(second);
    await("both served", () -> engine.events().after(0).stream().anyMatch(this::isSwap));
    if (!engine.journal().lastGood("digits").equals(Optional.of(key(second, "1.0.0")))) {
      commit(engine.journal(), Optional.of(key(first, "1.0.0")), key(second, "1.0.0"));
    }

    await("the second is kept", () -> second.good);
    await("the first is kept no more", () -> !retained.good);
  }
}
