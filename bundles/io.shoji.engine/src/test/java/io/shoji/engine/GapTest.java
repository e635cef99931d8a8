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
import io.shoji.accelerator.ThreadNiceness;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelRef;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.RolloutPolicy;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What requests do while their accelerator is away, on gateways that have another. */
class GapTest extends EngineFixture {
  private static Settings settings(ModelPolicy.Gap gap, int gapWaitMs) {
    return new Settings(
        8,
        4,
        1,
        gapWaitMs,
        2_000,
        3,
        50,
        20,
        true,
        5_000,
        RolloutPolicy.defaults(),
        ThreadNiceness.IDLE,
        gap,
        false,
        Patience.DEFAULTS);
  }

  private FakeAccelerator serveOnTheFaster() {
    FakeAccelerator fast = plug(FakeAccelerator.of("hailo", 1).costing(1_000));
    plug(FakeAccelerator.of("cpu", 2).costing(50_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    return fast;
  }

  private InferenceResult answer() throws Exception {
    return engine.infer(DIGITS, input(1), in(10_000));
  }

  @Test
  void shouldRunOnTheNextBestWhenTheGapIsToBeBridged() throws Exception {
    configure(settings(ModelPolicy.Gap.FALLBACK, 20_000));
    FakeAccelerator fast = serveOnTheFaster();
    assertThat(answer().provenance().accelerator()).isEqualTo("hailo");

    unplug(fast);

    InferenceResult meanwhile = answer();
    assertThat(meanwhile.provenance().accelerator()).isEqualTo("cpu");
    assertThat(meanwhile.provenance().degraded()).isTrue();
  }

  @Test
  void shouldWaitForTheSameAcceleratorWhenTheGapIsToBeWaitedOut() throws Exception {
    configure(settings(ModelPolicy.Gap.WAIT, 20_000));
    FakeAccelerator fast = serveOnTheFaster();

    unplug(fast);
    CompletableFuture<InferenceResult> waiting = engine.inferAsync(DIGITS, input(1), in(20_000));
    awaitPlaced(DIGITS);
    assertThat(waiting).isNotDone();
    plug(FakeAccelerator.of("hailo", 1).costing(1_000));

    InferenceResult result = waiting.get(10, TimeUnit.SECONDS);
    assertThat(result.provenance().accelerator()).isEqualTo("hailo");
    assertThat(result.provenance().degraded()).isFalse();
  }

  @Test
  void shouldDoAsTheModelsPolicySaysWhenTheEngineIsConfiguredOtherwise() throws Exception {
    configure(settings(ModelPolicy.Gap.FALLBACK, 20_000));
    engine.configure(
        new OperationsPolicy(
            Map.of("digits", ModelPolicy.defaults().with(ModelPolicy.Gap.WAIT)), Map.of()),
        () -> {});
    FakeAccelerator fast = serveOnTheFaster();
    install(FakePackage.of("others", "1.0.0"));
    ModelRef others = ModelRef.latest("others");
    awaitServing(others);
    awaitPlaced(others);

    unplug(fast);
    CompletableFuture<InferenceResult> waiting = engine.inferAsync(DIGITS, input(1), in(20_000));

    assertThat(engine.infer(others, input(1), in(10_000)).provenance().degraded()).isTrue();
    awaitPlaced(DIGITS);
    assertThat(waiting).isNotDone();
    plug(FakeAccelerator.of("hailo", 1).costing(1_000));
    assertThat(waiting.get(10, TimeUnit.SECONDS).provenance().accelerator()).isEqualTo("hailo");
  }

  @Test
  void shouldGoElsewhereWhenTheGapIsOver() throws Exception {
    configure(settings(ModelPolicy.Gap.WAIT, 300));
    FakeAccelerator fast = serveOnTheFaster();

    unplug(fast);

    InferenceResult result = answer();
    assertThat(result.provenance().accelerator()).isEqualTo("cpu");
    assertThat(result.queueNanos()).isGreaterThan(100_000_000);
  }

  @Test
  void shouldGoElsewhereWhenTheAcceleratorIsBackAndCannotServe() throws Exception {
    configure(settings(ModelPolicy.Gap.WAIT, 20_000));
    FakeAccelerator fast = serveOnTheFaster();
    unplug(fast);

    FakeAccelerator back = FakeAccelerator.of("hailo", 1).costing(1_000);
    back.loadFailure =
        new AcceleratorException(AcceleratorException.Code.INCOMPATIBLE_RUNTIME, "too new");
    plug(back);

    assertThat(answer().provenance().accelerator()).isEqualTo("cpu");
  }
}
