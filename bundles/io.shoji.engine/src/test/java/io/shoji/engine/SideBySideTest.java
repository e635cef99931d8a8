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
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelRef;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.OperationException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Two versions of a driver for one device at the same time. */
class SideBySideTest extends GoldenFixture {
  private static FakeAccelerator driver(String version, String runtime) {
    return new FakeAccelerator(
            FakeAccelerator.describe("cpu", "cpu0")
                .driver("test.cpu-" + version, version)
                .runtime("fake", runtime, "build " + runtime)
                .concurrency(2)
                .build())
        .costing(50_000);
  }

  private String answeredBy() throws Exception {
    return engine.infer(DIGITS, input(1), in(10_000)).provenance().driverVersion();
  }

  private List<EngineEvent> events(EngineEvent.Type type) {
    return engine.events().after(0).stream().filter(e -> e.type() == type).toList();
  }

  private void awaitUnused(FakeAccelerator old) {
    await(
        "the driver is of no use " + old.info().driver(),
        () ->
            events(EngineEvent.Type.DRIVER_UNUSED).stream()
                .anyMatch(e -> e.details().get("driver").equals(old.info().driver())));
    assertThat(old.open).hasValue(0);
  }

  @Test
  void shouldGoOverToTheNewerDriverWhileTheOldOneServes() throws Exception {
    FakeAccelerator old = plug(driver("1.0.0", "1.28.0"));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    assertThat(answeredBy()).isEqualTo("1.0.0");

    // Slower by far more than what counts as equal: an upgrade is no contest.
    FakeAccelerator next = driver("1.1.0", "1.29.0").costing(90_000);
    next.loadGate = new CountDownLatch(1);
    plug(next);
    await("the newer one loads", () -> next.loads.get() == 1);
    assertThat(answeredBy()).isEqualTo("1.0.0");
    next.loadGate.countDown();
    awaitUnused(old);

    assertThat(answeredBy()).isEqualTo("1.1.0");
    assertThat(engine.accelerators().get(0).note()).contains("may be uninstalled");
    assertThat(engine.accelerators().get(1).note()).isEmpty();
    unplug(old);
    assertThat(answeredBy()).isEqualTo("1.1.0");
    assertThat(events(EngineEvent.Type.DEVICE_LOST)).isEmpty();
    assertThat(events(EngineEvent.Type.DEVICE_BACK)).isEmpty();
  }

  @Test
  void shouldPreferTheNewerRuntimeWhenDriversAreOfOneVersion() throws Exception {
    FakeAccelerator newer = plug(driver("1.0.0", "1.29.0"));
    FakeAccelerator older = plug(driver("1.0.0", "1.28.0"));
    install(FakePackage.of("digits", "1.0.0"));
    awaitUnused(older);

    assertThat(engine.infer(DIGITS, input(1), in(10_000)).provenance().runtimeVersion())
        .isEqualTo(newer.info().runtimeVersion());
    assertThat(older.loads).as("the old driver is used for nothing else").hasValue(0);
  }

  @Test
  void shouldStayOnTheOldDriverWhenTheNewOneFailsForAModel() throws Exception {
    FakeAccelerator old = plug(driver("1.0.0", "1.28.0"));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    FakeAccelerator next = driver("2.0.0", "1.29.0");
    next.loadFailure =
        new AcceleratorException(AcceleratorException.Code.INVALID_MODEL, "no operator Foo");
    plug(next);
    await("the newer one was tried", () -> next.loads.get() == 1);
    awaitPlaced(DIGITS);
    next.loadFailure = null;

    install(FakePackage.of("bearing", "1.0.0"));
    awaitPlaced(ModelRef.latest("bearing"));

    assertThat(answeredBy()).isEqualTo("1.0.0");
    assertThat(status(DIGITS).candidates())
        .anySatisfy(c -> assertThat(c.verdict()).contains("no operator Foo"));
    assertThat(
            engine
                .infer(ModelRef.latest("bearing"), input(1), in(10_000))
                .provenance()
                .driverVersion())
        .isEqualTo("2.0.0");
    assertThat(old.open).hasValue(1);
    assertThat(events(EngineEvent.Type.DRIVER_UNUSED)).isEmpty();
  }

  @Test
  void shouldStayOnTheOldDriverWhenTheNewOneComputesWrongly() throws Exception {
    FakeAccelerator old = plug(driver("1.0.0", "1.28.0"));
    samples(0, 0);
    install(packageOf(Optional.of(top1(0.9))));
    awaitPlaced(DIGITS);
    FakeAccelerator next = driver("2.0.0", "1.29.0").costing(1_000);
    next.offset = Float.NaN;
    plug(next);

    await(
        "the newer one is not accepted",
        () ->
            status(DIGITS).candidates().stream()
                .anyMatch(c -> c.verdict().contains("it is not accepted on this device")));
    assertThat(answeredBy()).isEqualTo("1.0.0");
    assertThat(old.open).hasValue(1);
    assertThat(events(EngineEvent.Type.DRIVER_UNUSED)).isEmpty();
  }

  @Test
  void shouldGoBackToAnOlderDriverWhenTheNewerOneIsReleased() throws Exception {
    Operations operations = new Operations(engine);
    FakeAccelerator newer = plug(driver("2.0.0", "1.29.0"));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    assertThatThrownBy(() -> operations.release("test.cpu-2.0.0"))
        .isInstanceOf(OperationException.class)
        .hasMessageContaining("has no other");
    assertThatThrownBy(() -> operations.release("test.cpu-3.0.0"))
        .isInstanceOf(OperationException.class)
        .hasMessageContaining("found=[test.cpu-2.0.0 2.0.0 (fake 1.29.0)]");
    FakeAccelerator older = plug(driver("1.0.0", "1.28.0"));
    awaitUnused(older);

    operations.release("test.cpu-2.0.0");
    awaitUnused(newer);

    assertThat(answeredBy()).isEqualTo("1.0.0");
    unplug(newer);
    assertThat(answeredBy()).isEqualTo("1.0.0");
    assertThat(events(EngineEvent.Type.DEVICE_LOST)).isEmpty();
  }

  private record Operations(Engine engine) {
    void release(String driver) throws OperationException {
      new Operator(engine, Optional::empty).releaseDriver(driver);
    }
  }

  @Test
  void shouldNotLoadTheProcessorTwiceWhenBothDriversServe() throws Exception {
    FakeAccelerator old = plug(driver("1.0.0", "1.28.0"));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    FakeAccelerator next = driver("2.0.0", "1.29.0");
    next.loadGate = new CountDownLatch(1);
    plug(next);
    await("the newer one loads", () -> next.loads.get() == 1);
    old.runGate = new CountDownLatch(1);
    List<CompletableFuture<InferenceResult>> requests =
        List.of(
            engine.inferAsync(DIGITS, input(1), in(20_000)),
            engine.inferAsync(DIGITS, input(2), in(20_000)));
    await("every place is taken", () -> old.running.get() == 2);

    next.loadGate.countDown();
    await("the newer one is loaded", () -> next.open.get() == 1);

    assertThat(next.runs).as("it waits for a place").hasValue(0);
    old.runGate.countDown();
    for (CompletableFuture<InferenceResult> request : requests) {
      request.get(10, TimeUnit.SECONDS);
    }
    awaitUnused(old);
  }
}
