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

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.ThreadNiceness;
import io.shoji.engine.Patience.Guarding;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.operations.ModelPolicy;
import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A driver's calls that do not come back. */
class GuardTest extends EngineFixture {
  private static final ModelRef OTHER = ModelRef.latest("other");

  /** Ends what hangs, so that the engine can be closed. */
  private final CountDownLatch back = new CountDownLatch(1);

  @AfterEach
  void comeBack() {
    back.countDown();
  }

  private static Settings settings(Guarding guarding, int callTimeoutMs, int loadTimeoutMs) {
    return new Settings(
        8,
        4,
        1,
        200,
        200,
        3,
        50,
        20,
        true,
        5_000,
        AT_ONCE,
        ThreadNiceness.IDLE,
        ModelPolicy.Gap.FALLBACK,
        false,
        new Patience(guarding, 50, callTimeoutMs, loadTimeoutMs));
  }

  private FakeAccelerator serve(Guarding guarding, String kind) {
    configure(settings(guarding, 30_000, 30_000));
    FakeAccelerator device = plug(FakeAccelerator.of(kind, 4));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    device.watchesTensors = true;
    return device;
  }

  private static void assertLate(ThrowingCallable request) {
    assertThatThrownBy(request)
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.DEADLINE_EXCEEDED))
        .hasMessageContaining("has not come back from the call");
  }

  private AcceleratorHealth health() {
    return engine.accelerators().get(0).health();
  }

  private boolean isSuspect() {
    return health().state() == AcceleratorHealth.State.SUSPECT;
  }

  private long generation() {
    return status(DIGITS).serving().map(each -> each.generation()).orElse(0L);
  }

  @Test
  void shouldEndRequestAtItsDeadlineWhenTheCallHangs() throws Exception {
    FakeAccelerator npu = serve(Guarding.AUTO, "npu");
    npu.runHang = back;

    assertLate(() -> engine.infer(DIGITS, input(1), in(100)));

    assertThat(npu.hanging).as("the driver still has the call").hasValue(1);
  }

  @Test
  void shouldSuspectTheDeviceAndServeAnewWhenACallHangs() throws Exception {
    FakeAccelerator npu = serve(Guarding.AUTO, "npu");
    long first = generation();
    npu.runHang = back;
    assertLate(() -> engine.infer(DIGITS, input(1), in(20)));
    npu.runHang = null;

    await("suspect", this::isSuspect);
    assertThat(health().reason()).contains("a call does not come back call=run lateMs=");
    await("another generation serves", () -> generation() > first);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).outputs().get(0).getFloat(0)).isEqualTo(2);
    assertThat(npu.open).as("what hangs is not closed under the call").hasValue(2);

    back.countDown();
    await("healthy", () -> !isSuspect());
    await("what hung is closed", () -> npu.open.get() == 1);
  }

  @Test
  void shouldEndFutureAtItsDeadlineWhenTheCallHangs() throws Exception {
    FakeAccelerator npu = serve(Guarding.AUTO, "npu");
    npu.runHang = back;

    CompletableFuture<InferenceResult> future = engine.inferAsync(DIGITS, input(1), in(50));

    assertThat(future)
        .failsWithin(10, TimeUnit.SECONDS)
        .withThrowableThat()
        .havingCause()
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.DEADLINE_EXCEEDED));
    assertThat(npu.hanging).hasValue(1);
    await("suspect", this::isSuspect);
  }

  @Test
  void shouldKeepTensorsOfAPreparationWhileACallThatHangsHasThem() throws Exception {
    FakeAccelerator npu = serve(Guarding.AUTO, "npu");
    List<Tensor> outputs = output();
    try (PreparedInference prepared = engine.prepare(DIGITS, input(1), outputs, in(5_000))) {
      prepared.run(in(5_000));
      assertThat(outputs.get(0).getFloat(0)).isEqualTo(2);
      npu.runHang = back;
      assertLate(() -> prepared.run(in(20)));
      npu.runHang = null;
      assertThatThrownBy(() -> prepared.run(in(20)))
          .isInstanceOfSatisfying(
              InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.DEADLINE_EXCEEDED))
          .hasMessageContaining("still has the tensors; prepare again");

      back.countDown();
      prepared.run(in(5_000));
      assertThat(outputs.get(0).getFloat(0)).isEqualTo(2);
    }
  }

  @Test
  void shouldCloseBindingWhenItsCallIsBackThatHungWhileThePreparationWasClosed() throws Exception {
    FakeAccelerator npu = serve(Guarding.AUTO, "npu");
    PreparedInference prepared = engine.prepare(DIGITS, input(1), output(), in(5_000));
    npu.runHang = back;
    assertLate(() -> prepared.run(in(20)));

    prepared.close();

    assertThat(npu.openBindings).hasValue(1);
    back.countDown();
    await("the binding is closed", () -> npu.openBindings.get() == 0);
  }

  @Test
  void shouldRunOnCallersThreadsUntilTheProcessorHung() throws Exception {
    FakeAccelerator cpu = serve(Guarding.AUTO, "cpu");
    cpu.threads.clear();
    engine.infer(DIGITS, input(1), in(5_000));
    assertThat(cpu.threads).containsExactly(Thread.currentThread().getName());

    cpu.runHang = back;
    Thread caller = new Thread(() -> assertLate(() -> engine.infer(DIGITS, input(1), in(200))));
    caller.setDaemon(true);
    caller.start();
    await("hangs", () -> cpu.hanging.get() == 1);
    // Before the device is suspect, since what is measured then would hang too.
    cpu.runHang = null;
    await("suspect", this::isSuspect);
    await("served anew", () -> generation() > 1);
    cpu.threads.clear();
    engine.infer(DIGITS, input(1), in(5_000));

    assertThat(cpu.threads).noneMatch(Thread.currentThread().getName()::equals);
    back.countDown();
    caller.join(10_000);
  }

  @Test
  void shouldAnswerOthersOnTheProcessorWhenACallHasItsOnlyPlaceAndHangs() throws Exception {
    configure(settings(Guarding.ALWAYS, 30_000, 30_000));
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    install(FakePackage.of("other", "1.0.0"));
    awaitServing(DIGITS);
    awaitServing(OTHER);
    awaitPlaced(OTHER);
    cpu.runHang = back;
    assertLate(() -> engine.infer(DIGITS, input(1), in(20)));
    cpu.runHang = null;

    assertThat(engine.infer(OTHER, input(1), in(5_000)).outputs().get(0).getFloat(0)).isEqualTo(2);

    back.countDown();
    await("healthy", () -> !isSuspect());
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).outputs().get(0).getFloat(0)).isEqualTo(2);
    assertThat(cpu.mostRunning).as("the place was given back once").hasValueLessThan(3);
  }

  @Test
  void shouldNoticeThatAPreparedCallHangsOnItsCallersThread() throws Exception {
    FakeAccelerator cpu = serve(Guarding.NEVER, "cpu");
    PreparedInference prepared = engine.prepare(DIGITS, input(1), output(), in(5_000));
    cpu.runHang = back;
    Thread caller =
        new Thread(
            () ->
                assertThatThrownBy(() -> prepared.run(in(200)))
                    .isInstanceOf(InferenceException.class));
    caller.setDaemon(true);
    caller.start();

    await("hangs", () -> cpu.hanging.get() == 1);
    // Before the device is suspect, since what is measured then would hang too.
    cpu.runHang = null;
    await("suspect", this::isSuspect);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).outputs().get(0).getFloat(0)).isEqualTo(2);
    back.countDown();
    caller.join(10_000);
    prepared.close();
  }

  @Test
  void shouldGiveUpLoadThatHangsAndCloseWhatItMakesLater() {
    configure(settings(Guarding.AUTO, 30_000, 50));
    FakeAccelerator npu = FakeAccelerator.of("npu", 1);
    npu.loadHang = back;
    plug(npu);
    install(FakePackage.of("digits", "1.0.0"));

    await("the load is given up", () -> verdict().contains("was not loaded in time"));
    await("suspect", this::isSuspect);
    await("no more", () -> verdict().contains("is given no model until its calls come back"));
    assertThat(npu.hanging).as("loads that hang").hasValue(Guard.MOST_HUNG);

    npu.loadHang = null;
    back.countDown();
    awaitServing(DIGITS);
    await("what came too late is closed", () -> npu.open.get() == 1);
    assertThat(isSuspect()).isFalse();
  }

  private String verdict() {
    return status(DIGITS).candidates().stream()
        .map(ModelStatus.Candidate::verdict)
        .toList()
        .toString();
  }

  @Test
  void shouldGiveUpMeasurementThatHangsAndServeOthers() throws Exception {
    configure(settings(Guarding.AUTO, 50, 30_000));
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 4));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    npu.runHang = back;
    install(FakePackage.of("other", "1.0.0"));

    await(
        "the measurement is given up",
        () ->
            status(OTHER).candidates().stream()
                .anyMatch(each -> each.verdict().contains("has not come back from the call")));
    npu.runHang = null;

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).outputs().get(0).getFloat(0)).isEqualTo(2);
    back.countDown();
    awaitServing(OTHER);
  }
}
