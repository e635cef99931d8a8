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

import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.operations.RolloutPolicy;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;

/** An engine, and what tests of it have in common. */
abstract class EngineFixture {
  static final ModelRef DIGITS = ModelRef.latest("digits");

  /** Without probation: what served before is closed as soon as something else does. */
  static final RolloutPolicy AT_ONCE =
      new RolloutPolicy(
          RolloutPolicy.Canary.OFF, 0.1, 60_000, 0, RolloutPolicy.TightMemory.REFUSE, "");

  static final Settings SETTINGS =
      new Settings(8, 4, 1, 500, 2_000, 3, 50, 20, true, 5_000, AT_ONCE);

  private final List<FakeAccelerator> fakes = new ArrayList<>();
  private final List<FakePackage> packages = new ArrayList<>();
  Engine engine = new Engine(SETTINGS, FakeAccelerator::stopwatch, Pins.inMemory());

  @AfterEach
  void closeAndCheck() {
    engine.close();
    for (FakeAccelerator fake : fakes) {
      await("every model is closed", () -> fake.open.get() == 0);
      assertThat(fake.breaches).as("breaches of the contract by the engine").isEmpty();
      assertThat(fake.openBindings).as("open bindings").hasValue(0);
    }
    for (FakePackage each : packages) {
      await("every hold on files ended", () -> each.holds.get() == 0);
    }
  }

  final void configure(Settings settings) {
    engine.close();
    engine = new Engine(settings, FakeAccelerator::stopwatch, Pins.inMemory());
  }

  final FakeAccelerator plug(FakeAccelerator fake) {
    fakes.add(fake);
    engine.addAccelerator(fake);
    return fake;
  }

  /** Unregisters as a driver does: after this returns the library is closed. */
  final void unplug(FakeAccelerator fake) {
    engine.removeAccelerator(fake);
    fake.gone = true;
  }

  final FakePackage install(FakePackage added) {
    packages.add(added);
    engine.addPackage(added);
    return added;
  }

  final ModelStatus status(ModelRef ref) {
    return engine.model(ref).orElseThrow();
  }

  final void awaitServing(ModelRef ref) {
    await("serving " + ref, () -> status(ref).state() == ModelStatus.State.SERVING);
  }

  /** Waits until nothing is left to load or measure. */
  final void awaitPlaced(ModelRef ref) {
    await("placed " + ref, () -> !placing(ref));
  }

  private boolean placing(ModelRef ref) {
    // Deep inside, since a model that serves does not say that others are still being measured.
    return engine.placing(ref);
  }

  static void await(String what, BooleanSupplier condition) {
    long deadline = InferenceService.deadlineIn(30_000);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("waited too long: " + what).isNegative();
      LockSupport.parkNanos(1_000_000);
    }
  }

  static long in(long millis) {
    return InferenceService.deadlineIn(millis);
  }

  static List<Tensor> input(float first) {
    return List.of(Tensor.ofFloats(Shape.of(1, 4), first, 2, 3, 4));
  }

  static List<Tensor> output() {
    return List.of(Tensor.ofFloats(Shape.of(1, 4), 0, 0, 0, 0));
  }
}
