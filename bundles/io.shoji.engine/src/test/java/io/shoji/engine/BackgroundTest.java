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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Models that are prepared beside others that serve. */
class BackgroundTest extends EngineFixture {
  private static final ModelRef BEARING = ModelRef.latest("bearing");

  @Test
  void shouldNeedNoPlaceWhenTheProcessorIsSharedOutByPriority() throws Exception {
    AtomicInteger asked = new AtomicInteger(-1);
    engine.lowerBy(
        nice -> {
          asked.set(nice);
          return true;
        });
    FakeAccelerator processor = plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    assertThat(asked).as("nothing served that could be disturbed").hasValue(-1);
    processor.runGate = new CountDownLatch(1);
    CompletableFuture<?> request = engine.inferAsync(DIGITS, input(1), in(20_000));
    await("the only place is taken", () -> processor.running.get() == 1);
    CountDownLatch gate = processor.runGate;
    processor.runGate = null;

    install(FakePackage.of("bearing", "1.0.0"));

    awaitServing(BEARING);
    assertThat(request).isNotDone();
    assertThat(asked).hasValue(20);
    gate.countDown();
    request.get(10, TimeUnit.SECONDS);
  }

  @Test
  void shouldTakeTurnsWhenThreadsCannotGiveWay() throws Exception {
    FakeAccelerator processor = plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    processor.runGate = new CountDownLatch(1);
    CompletableFuture<?> request = engine.inferAsync(DIGITS, input(1), in(20_000));
    await("the only place is taken", () -> processor.running.get() == 1);
    CountDownLatch gate = processor.runGate;
    processor.runGate = null;
    int loads = processor.loads.get();

    install(FakePackage.of("bearing", "1.0.0"));

    await("the other model is loaded", () -> processor.loads.get() > loads);
    assertThat(status(BEARING).state()).isNotEqualTo(ModelStatus.State.SERVING);
    assertThat(processor.mostRunning).hasValue(1);
    gate.countDown();
    request.get(10, TimeUnit.SECONDS);
    awaitServing(BEARING);
  }

  @Test
  void shouldGiveUpALoadWhenItsAcceleratorLeaves() {
    FakeAccelerator processor = plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    int loads = processor.loads.get();
    // Nothing opens it: only an interruption ends the load.
    processor.loadGate = new CountDownLatch(1);
    install(FakePackage.of("bearing", "1.0.0"));
    await("the other model is being loaded", () -> processor.loads.get() > loads);

    unplug(processor);

    assertThat(processor.open).hasValue(0);
  }

  @Test
  void shouldHandOnWhatWorkThrows() {
    Background background = new Background(() -> false);
    AcceleratorException thrown =
        new AcceleratorException(AcceleratorException.Code.FAILED, "it broke");

    assertThatThrownBy(
            () ->
                background.call(
                    () -> {
                      throw thrown;
                    }))
        .isSameAs(thrown);

    background.close();
    assertThatThrownBy(() -> background.call(() -> 1)).isInstanceOf(InterruptedException.class);
  }

  @Test
  void shouldCountAsStarvedWhenItWaitedLongAndHardlyRan() {
    Background.Turns before = new Background.Turns(5, 7);

    assertThat(new Background.Turns(400_000_000L, 2_100_000_000L).starvedSince(before)).isTrue();
    assertThat(new Background.Turns(900_000_000L, 2_100_000_000L).starvedSince(before)).isFalse();
    assertThat(new Background.Turns(5, 1_900_000_000L).starvedSince(before)).isFalse();
  }

  @Test
  void shouldNotCountTimeThatAnotherThreadHadTheProcessor() {
    Background.Turns before = new Background.Turns(1_000, 500);

    assertThat(new Background.Turns(1_300, 1_200).without(1_000, before)).isEqualTo(300);
    // The wait came after the call: what it ran is the least.
    assertThat(new Background.Turns(1_300, 5_500).without(400, before)).isEqualTo(300);
    // It ran elsewhere, on a thread of the driver's.
    assertThat(new Background.Turns(1_001, 500).without(400, before)).isEqualTo(400);
  }
}
