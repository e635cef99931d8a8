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
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.inference.InferenceException;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelVariant;
import io.shoji.operations.AcceleratorPolicy;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.BenchResult;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.Garbage;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationException.Code;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.Progress;
import io.shoji.operations.VersionPolicy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;

class OperatorTest extends EngineFixture {
  private static final Version V1 = new Version("1.0.0");
  private static final Version V2 = new Version("2.0.0");
  private static final Version V3 = new Version("3.0.0");

  private Optional<ModelCatalog> catalog = Optional.empty();

  private Operator operator() {
    return new Operator(engine, () -> catalog);
  }

  private Provenance answer() throws InferenceException {
    return engine.infer(DIGITS, input(1), in(5_000)).provenance();
  }

  private void awaitAnswering(String version) {
    await(
        "answered by " + version,
        () -> {
          try {
            return answer().modelVersion().equals(version);
          } catch (InferenceException e) {
            throw new AssertionError(e);
          }
        });
  }

  private ModelOverview overview() {
    return operator().models().stream()
        .filter(m -> m.name().equals("digits"))
        .findFirst()
        .orElseThrow();
  }

  private static OperationsPolicy models(ModelPolicy policy) {
    return new OperationsPolicy(Map.of("digits", policy), Map.of());
  }

  private static OperationsPolicy versions(VersionPolicy policy) {
    return models(new ModelPolicy(policy, List.of(), false, OptionalLong.empty()));
  }

  private static OperationsPolicy order(boolean only, String... accelerators) {
    return models(
        new ModelPolicy(VersionPolicy.latest(), List.of(accelerators), only, OptionalLong.empty()));
  }

  private List<EngineEvent.Type> types() {
    return operator().events(0).stream().map(EngineEvent::type).toList();
  }

  private static Code code(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(OperationException.class, call).code();
  }

  // Versions.

  @Test
  void shouldAnswerByPinThenPolicyThenLatest() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    install(FakePackage.of("digits", "2.0.0"));
    install(FakePackage.of("digits", "3.0.0"));
    awaitAnswering("3.0.0");
    Operator operator = operator();
    assertThat(overview().source()).isEqualTo(ModelOverview.Source.DEFAULT);

    operator.configure(versions(VersionPolicy.range(new VersionRange("[1,3)"))));
    awaitAnswering("2.0.0");
    assertThat(overview().source()).isEqualTo(ModelOverview.Source.POLICY);
    assertThat(engine.model(DIGITS).orElseThrow().description().version()).isEqualTo(V2);

    operator.pin("digits", V1);
    awaitAnswering("1.0.0");
    assertThat(overview().source()).isEqualTo(ModelOverview.Source.PIN);
    assertThat(overview().pin()).contains(V1);
    assertThat(engine.infer(ModelRef.of("digits", "3.0.0"), input(1), in(5_000)).provenance())
        .extracting(Provenance::modelVersion)
        .isEqualTo("3.0.0");

    operator.unpin("digits");
    awaitAnswering("2.0.0");
    operator.configure(OperationsPolicy.empty());
    awaitAnswering("3.0.0");
    assertThat(types())
        .containsSubsequence(
            EngineEvent.Type.POLICY_CHANGED,
            EngineEvent.Type.MODEL_SWAPPED,
            EngineEvent.Type.MODEL_PINNED,
            EngineEvent.Type.MODEL_SWAPPED,
            EngineEvent.Type.MODEL_UNPINNED,
            EngineEvent.Type.MODEL_SWAPPED,
            EngineEvent.Type.POLICY_CHANGED,
            EngineEvent.Type.MODEL_SWAPPED);
    assertThat(overview().versions())
        .extracting(v -> v.version().orElseThrow())
        .containsExactly(V3, V2, V1);
  }

  @Test
  void shouldTellWhatAModelHadCountedWhenItIsRemoved() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    FakePackage digits = install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");
    answer();
    long answered = engine.model(DIGITS).orElseThrow().metrics().answered();
    assertThat(answered).isPositive();

    engine.removePackage(digits);
    engine.uninstalled(digits.origin()::equals);

    EngineEvent removed =
        operator().events(0).stream()
            .filter(event -> event.type() == EngineEvent.Type.MODEL_REMOVED)
            .findFirst()
            .orElseThrow();
    assertThat(removed.details())
        .containsEntry("origin", digits.origin())
        .containsEntry("answered", Long.toString(answered));
  }

  @Test
  void shouldGoOnWithWhatServesWhenPolicyAsksForWhatIsNotThere() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");

    operator().configure(versions(VersionPolicy.pinned(V2)));

    assertThat(answer().modelVersion()).isEqualTo("1.0.0");
    assertThat(overview().note()).contains("no version that is asked for is here asked=2.0.0");
    install(FakePackage.of("digits", "2.0.0"));
    awaitAnswering("2.0.0");
    assertThat(overview().note()).isEmpty();
  }

  @Test
  void shouldWaitForPinnedVersionWhenHigherOneIsThereFirst() throws Exception {
    operator().configure(versions(VersionPolicy.pinned(V1)));
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "2.0.0"));
    awaitServing(ModelRef.of("digits", "2.0.0"));
    assertThat(answer().modelVersion()).as("nothing else is here").isEqualTo("2.0.0");
    CountDownLatch gate = new CountDownLatch(1);
    cpu.loadGate = gate;
    install(FakePackage.of("digits", "1.0.0"));

    assertThat(answer().modelVersion()).as("until it serves").isEqualTo("2.0.0");
    gate.countDown();
    awaitAnswering("1.0.0");
  }

  @Test
  void shouldLoadRetainedVersionOnlyWhenItIsWanted() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    FakePackage first = install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");
    engine.removePackage(first);
    install(FakePackage.of("digits", "2.0.0"));
    FakePackage retained = install(first.asRetained());
    awaitAnswering("2.0.0");
    await("the version before is closed", () -> cpu.open.get() == 1 && retained.holds.get() == 0);
    assertThat(engine.models()).hasSize(1);
    assertThat(overview().versions())
        .extracting(ModelOverview.Installed::state)
        .containsExactly(ModelOverview.State.INSTALLED, ModelOverview.State.RETAINED);
    assertThat(overview().versions().get(1).status().orElseThrow().reason()).contains("retained");
    assertThat(overview().rollback()).contains(V1);

    assertThat(operator().rollback("digits")).isEqualTo(V1);
    awaitAnswering("1.0.0");
    assertThat(engine.models()).hasSize(2);
    await("the pinned package is held twice", () -> retained.holds.get() == 2);

    operator().unpin("digits");
    awaitAnswering("2.0.0");
    await("it is let go", () -> cpu.open.get() == 1 && retained.holds.get() == 0);
    engine.removePackage(retained);
    assertThat(code(() -> operator().pin("digits", V1))).isEqualTo(Code.UNKNOWN_VERSION);
  }

  @Test
  void shouldComeToRestWhenRetainedVersionIsAllThereIsAndCannotServe() throws Exception {
    install(FakePackage.of("digits", "1.0.0").asRetained());
    awaitPlaced(DIGITS);
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 2);
    cpu.loadFailure =
        new AcceleratorException(AcceleratorException.Code.INVALID_MODEL, "broken on purpose");
    plug(cpu);
    await("tried", () -> status(DIGITS).state() == ModelStatus.State.FAILED);

    for (int i = 0; i < 50; i++) {
      assertThat(engine.placing(DIGITS)).isFalse();
    }
    assertThat(cpu.loads).hasValue(1);
  }

  @Test
  void shouldAnswerByWhatIsRetainedWhenNeitherThePinnedNorTheInstalledVersionCanServe()
      throws Exception {
    ModelVariant elsewhere = FakePackage.variant("elsewhere", "(shoji.accelerator.type=none)");
    install(FakePackage.of("digits", "3.0.0", elsewhere));
    install(FakePackage.of("digits", "2.0.0", elsewhere).asRetained());
    install(FakePackage.of("digits", "1.0.0").asRetained());
    operator().pin("digits", V2);

    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));

    await("it is loaded", () -> cpu.open.get() == 1);
    awaitAnswering("1.0.0");
    assertThat(overview().pin()).contains(V2);
    assertThat(cpu.loads).hasValue(1);
  }

  @Test
  void shouldNotGoBackToRetainedVersionWhilePackageIsBeingExchanged() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0").asRetained());
    FakePackage second = install(FakePackage.of("digits", "2.0.0"));
    awaitAnswering("2.0.0");
    await("only that is loaded", () -> cpu.open.get() == 1);
    int loads = cpu.loads.get();

    engine.removePackage(second);
    awaitPlaced(DIGITS);
    assertThat(answer().modelVersion()).isEqualTo("2.0.0");
    // Its update was refused: the last good contents are there again.
    install(second);

    awaitPlaced(DIGITS);
    assertThat(answer().modelVersion()).isEqualTo("2.0.0");
    assertThat(cpu.loads.get()).as("nothing was loaded").isEqualTo(loads);
  }

  @Test
  void shouldGoBackToRetainedVersionWhenPackageDoesNotComeBack() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0").asRetained());
    FakePackage second = install(FakePackage.of("digits", "2.0.0"));
    awaitAnswering("2.0.0");

    engine.removePackage(second);

    awaitAnswering("1.0.0");
  }

  @Test
  void shouldStillBeListedWhenPackageIsBeingExchanged() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    FakePackage first = install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");

    engine.removePackage(first);

    assertThat(overview().versions()).isEmpty();
    assertThat(overview().answering()).contains(V1);
    assertThat(code(() -> operator().pin("digits", V1))).isEqualTo(Code.CONFLICT);
    engine.uninstalled(origin -> true);
    assertThat(operator().models()).isEmpty();
    assertThat(code(() -> operator().pin("digits", V1))).isEqualTo(Code.UNKNOWN_MODEL);
  }

  @Test
  void shouldServeRetainedVersionWhenNewOneCannot() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    FakePackage first = install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");
    cpu.loadFailure =
        new AcceleratorException(AcceleratorException.Code.INVALID_MODEL, "broken on purpose");
    engine.removePackage(first);
    install(FakePackage.of("digits", "2.0.0"));
    install(first.asRetained());

    await(
        "the new one failed",
        () -> status(ModelRef.of("digits", "2.0.0")).state() == ModelStatus.State.FAILED);
    assertThat(answer().modelVersion()).isEqualTo("1.0.0");
    assertThat(types()).contains(EngineEvent.Type.MODEL_FAILED);
  }

  @Test
  void shouldAnswerByLowerVersionWhenBundleIsDowngraded() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    FakePackage second = install(FakePackage.of("digits", "2.0.0"));
    awaitAnswering("2.0.0");
    engine.removePackage(second);
    install(FakePackage.of("digits", "1.0.0"));
    install(second.asRetained());

    awaitAnswering("1.0.0");
  }

  @Test
  void shouldGoBackStepByStepAndNeverForwardWhenRolledBack() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");
    install(FakePackage.of("digits", "2.0.0"));
    awaitAnswering("2.0.0");
    install(FakePackage.of("digits", "3.0.0"));
    awaitAnswering("3.0.0");

    assertThat(operator().rollback("digits")).isEqualTo(V2);
    awaitAnswering("2.0.0");
    assertThat(operator().rollback("digits")).isEqualTo(V1);
    awaitAnswering("1.0.0");
    OperationException e =
        catchThrowableOfType(OperationException.class, () -> operator().rollback("digits"));

    assertThat(e.code()).isEqualTo(Code.CONFLICT);
    assertThat(e).hasMessageContaining("no version that answered before");
    assertThat(overview().rollback()).isEmpty();
    assertThat(answer().modelVersion()).isEqualTo("1.0.0");
    assertThat(types()).contains(EngineEvent.Type.MODEL_ROLLED_BACK);
  }

  @Test
  void shouldSayWhyWhenModelOrVersionIsUnknown() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");
    Operator operator = operator();

    assertThat(code(() -> operator.pin("letters", V1))).isEqualTo(Code.UNKNOWN_MODEL);
    assertThat(code(() -> operator.unpin("letters"))).isEqualTo(Code.UNKNOWN_MODEL);
    assertThat(code(() -> operator.rollback("letters"))).isEqualTo(Code.UNKNOWN_MODEL);
    assertThat(code(() -> operator.reload("letters", Progress.NONE))).isEqualTo(Code.UNKNOWN_MODEL);
    assertThat(code(() -> operator.verify("letters", Progress.NONE))).isEqualTo(Code.UNKNOWN_MODEL);
    assertThat(code(() -> operator.bench("letters", BenchOptions.defaults(), Progress.NONE)))
        .isEqualTo(Code.UNKNOWN_MODEL);
    assertThatThrownBy(() -> operator.pin("digits", V2))
        .hasMessageContaining("UNKNOWN_VERSION")
        .hasMessageContaining("found=[1.0.0]");
    assertThat(code(() -> operator.rollback("digits"))).isEqualTo(Code.CONFLICT);
    operator.unpin("digits");
    assertThat(code(operator::collectGarbage)).isEqualTo(Code.FAILED);
  }

  // Policy.

  @Test
  void shouldKeepPolicyInForceWhenNewOneIsRefused() throws Exception {
    OperationsPolicy good = versions(VersionPolicy.pinned(V1));
    operator().configure(good);
    OperationsPolicy bad =
        new OperationsPolicy(
            Map.of(
                "Not A Model",
                new ModelPolicy(VersionPolicy.latest(), List.of(), true, OptionalLong.of(0)),
                "digits",
                new ModelPolicy(
                    VersionPolicy.latest(),
                    List.of("cpu", "cpu", ":x"),
                    false,
                    OptionalLong.empty())),
            Map.of(
                "cpu:cpu0",
                new AcceleratorPolicy(true, OptionalLong.of(-1), Map.of("intraOpThreads", 2)),
                "cpu",
                new AcceleratorPolicy(
                    true, OptionalLong.empty(), Map.of("service.pid", "x", "ok", List.of()))));

    OperationException e =
        catchThrowableOfType(OperationException.class, () -> operator().configure(bad));

    assertThat(e.code()).isEqualTo(Code.INVALID);
    assertThat(e.reasons()).hasSize(9);
    assertThat(String.join("\n", e.reasons()))
        .contains("not the name of a model")
        .contains("no accelerator is left to run on")
        .contains("a memory budget is at least 1 byte")
        .contains("an accelerator is there twice")
        .contains("not an accelerator; write its kind as cpu")
        .contains("a driver has the same settings for all its devices")
        .contains("not the name of a setting")
        .contains("a setting is a text, a number or a truth value");
    assertThat(operator().policy()).isEqualTo(good);
    assertThat(types()).containsExactly(EngineEvent.Type.POLICY_CHANGED);
  }

  @Test
  void shouldPreferAcceleratorsInOrderWhateverTheirSpeed() throws Exception {
    FakeAccelerator slow = plug(FakeAccelerator.of("cpu", 2).costing(900_000));
    FakeAccelerator fast = plug(FakeAccelerator.of("npu", 2).costing(100_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    assertThat(answer().accelerator()).isEqualTo("npu");

    operator().configure(order(false, "cpu:cpu0"));
    await("moved", () -> accelerator().equals("cpu"));
    awaitPlaced(DIGITS);
    assertThat(answer().degraded()).isFalse();
    assertThat(verdict("npu:npu0")).contains("the policy prefers accelerator=cpu:cpu0");

    unplug(slow);
    await("fell back", () -> accelerator().equals("npu"));
    awaitPlaced(DIGITS);
    assertThat(answer().degraded()).as("the preferred one is away").isTrue();
    assertThat(types())
        .contains(EngineEvent.Type.DEVICE_ADDED, EngineEvent.Type.DEVICE_LOST)
        .doesNotContain(EngineEvent.Type.DEVICE_BACK);

    plug(FakeAccelerator.of("cpu", 2).costing(900_000));
    await("came back", () -> accelerator().equals("cpu"));
    assertThat(types()).containsOnlyOnce(EngineEvent.Type.DEVICE_BACK);
    assertThat(fast.loads.get()).isGreaterThan(0);
  }

  private String accelerator() {
    try {
      return answer().accelerator();
    } catch (InferenceException e) {
      throw new AssertionError(e);
    }
  }

  private String verdict(String accelerator) {
    return status(DIGITS).candidates().stream()
        .filter(c -> c.accelerator().equals(accelerator))
        .findFirst()
        .orElseThrow()
        .verdict();
  }

  @Test
  void shouldRunNowhereElseWhenPolicySaysOnly() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);

    operator().configure(order(true, "npu"));

    await("taken off", () -> status(DIGITS).state() == ModelStatus.State.NO_ACCELERATOR);
    assertThatThrownBy(this::answer)
        .hasMessageContaining("NO_ACCELERATOR")
        .hasMessageContaining("the policy runs the model elsewhere only=[npu]");
    plug(FakeAccelerator.of("npu", 1));
    awaitServing(DIGITS);
    assertThat(answer().accelerator()).isEqualTo("npu");
  }

  @Test
  void shouldMoveBeforeItLeavesWhenAcceleratorIsDisabled() throws Exception {
    FakeAccelerator fast = plug(FakeAccelerator.of("npu", 2).costing(100_000));
    plug(FakeAccelerator.of("cpu", 2).costing(900_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    assertThat(answer().accelerator()).isEqualTo("npu");

    operator()
        .configure(
            new OperationsPolicy(
                Map.of(),
                Map.of("npu", new AcceleratorPolicy(false, OptionalLong.empty(), Map.of()))));

    await("moved", () -> accelerator().equals("cpu"));
    awaitPlaced(DIGITS);
    assertThat(verdict("npu:npu0")).isEqualTo("the policy disables the accelerator");
    await("nothing is left there", () -> fast.open.get() == 0);
    operator().configure(OperationsPolicy.empty());
    await("moved back", () -> accelerator().equals("npu"));
  }

  @Test
  void shouldAnswerThoseWhoWaitWhenTheirAcceleratorIsDisabled() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    cpu.runGate = gate;
    List<CompletableFuture<?>> futures = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      futures.add(engine.inferAsync(DIGITS, input(i), in(5_000)));
    }

    operator().configure(order(true, "npu"));
    await("taken off", () -> status(DIGITS).state() == ModelStatus.State.NO_ACCELERATOR);
    cpu.runGate = null;
    gate.countDown();

    for (CompletableFuture<?> future : futures) {
      assertThat(future.get(5, TimeUnit.SECONDS)).isNotNull();
    }
    await("closed then", () -> cpu.open.get() == 0);
  }

  @Test
  void shouldRefuseWithBudgetInVerdictWhenModelTakesTooMuch() throws Exception {
    FakeAccelerator fast = FakeAccelerator.of("npu", 2).costing(100_000);
    fast.memoryBytes = 5_000;
    plug(fast);
    FakeAccelerator slow = FakeAccelerator.of("cpu", 2).costing(900_000);
    slow.memoryBytes = 1_000;
    plug(slow);
    operator()
        .configure(
            models(
                new ModelPolicy(VersionPolicy.latest(), List.of(), false, OptionalLong.of(2_000))));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);

    assertThat(answer().accelerator()).isEqualTo("cpu");
    assertThat(verdict("npu:npu0"))
        .isEqualTo("it takes more memory than the policy allows the model asked=5000 budget=2000");

    operator().configure(OperationsPolicy.empty());
    await("moved", () -> accelerator().equals("npu"));
    operator()
        .configure(
            models(new ModelPolicy(VersionPolicy.latest(), List.of(), false, OptionalLong.of(10))));
    awaitPlaced(DIGITS);
    // A budget is looked at when a model is placed: what serves goes on.
    assertThat(answer().accelerator()).isEqualTo("npu");
    assertThat(verdict("npu:npu0")).startsWith("serves, but it takes more memory");
  }

  @Test
  void shouldPlaceNoMoreThanBudgetOnAcceleratorAndGoOnWhenMemoryIsFree() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    cpu.memoryBytes = 600;
    operator()
        .configure(
            new OperationsPolicy(
                Map.of(),
                Map.of("cpu", new AcceleratorPolicy(true, OptionalLong.of(1_000), Map.of()))));
    FakePackage letters = install(FakePackage.of("letters", "1.0.0"));
    awaitServing(ModelRef.latest("letters"));
    FakePackage first = install(FakePackage.of("digits", "1.0.0"));
    await("refused", () -> status(DIGITS).state() == ModelStatus.State.NO_ACCELERATOR);

    assertThatThrownBy(this::answer)
        .hasMessageContaining(
            "it takes more memory than the policy leaves on the accelerator asked=600 others=600"
                + " budget=1000");

    engine.removePackage(letters);
    engine.uninstalled(origin -> true);
    awaitServing(DIGITS);
    // An update of it fits, though for a moment both are there.
    engine.removePackage(first);
    install(FakePackage.of("digits", "2.0.0"));
    install(first.asRetained());
    awaitAnswering("2.0.0");
  }

  // Long work.

  @Test
  void shouldSwapToNewGenerationWhenReloaded() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    long before = answer().generation();

    operator().reload("digits", Progress.NONE);

    assertThat(answer().generation()).isGreaterThan(before);
    await("the old one is closed", () -> cpu.open.get() == 1);
    assertThat(types()).endsWith(EngineEvent.Type.MODEL_SWAPPED);
  }

  @Test
  void shouldGoOnWithOldGenerationWhenReloadFails() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    long before = answer().generation();
    cpu.loadFailure =
        new AcceleratorException(AcceleratorException.Code.OUT_OF_MEMORY, "no room for two");

    OperationException e =
        catchThrowableOfType(
            OperationException.class, () -> operator().reload("digits", Progress.NONE));

    assertThat(e.code()).isEqualTo(Code.FAILED);
    assertThat(e).hasMessageContaining("no room for two");
    assertThat(answer().generation()).isEqualTo(before);
    assertThat(status(DIGITS).candidates().get(0).verdict()).isEqualTo("serves");
  }

  @Test
  void shouldCancelReloadWhenProgressSaysSo() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    long before = answer().generation();
    CountDownLatch gate = new CountDownLatch(1);
    cpu.loadGate = gate;
    Progress impatient =
        new Progress() {
          @Override
          public void report(double fraction, String message) {}

          @Override
          public boolean cancelled() {
            return cpu.loads.get() > 1;
          }
        };

    assertThat(code(() -> operator().reload("digits", impatient))).isEqualTo(Code.CANCELLED);

    gate.countDown();
    awaitPlaced(DIGITS);
    assertThat(answer().generation()).isEqualTo(before);
    await("what was loaded in vain is closed", () -> cpu.open.get() == 1);
  }

  @Test
  void shouldMeasureWithoutCountingWhenBenched() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2).taking(1_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    Provenance generation = answer();
    int runs = cpu.runs.get();
    List<Double> fractions = new ArrayList<>();

    BenchResult result =
        operator()
            .bench(
                "digits",
                new BenchOptions(300, 4, 5),
                new Progress() {
                  @Override
                  public void report(double fraction, String message) {
                    fractions.add(fraction);
                  }

                  @Override
                  public boolean cancelled() {
                    return false;
                  }
                });

    assertThat(result.generation()).isEqualTo(generation);
    assertThat(result.latency().count()).isEqualTo(300);
    assertThat(result.latency().p50Nanos()).isGreaterThan(1_000_000);
    assertThat(result.throughputPerSecond()).isBetween(100.0, 2_001.0);
    assertThat(result.peakBytes()).hasValue(1_024);
    assertThat(fractions).isSorted().endsWith(1.0);
    assertThat(cpu.runs.get() - runs).isEqualTo(300 + 4 * 5 + 4);
    assertThat(status(DIGITS).metrics().requests()).isEqualTo(1);
  }

  @Test
  void shouldEndBenchWhenCancelledOrReplacedOrOutOfRange() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2).taking(1_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    Operator operator = operator();
    Progress impatient =
        new Progress() {
          private int looks;

          @Override
          public void report(double fraction, String message) {}

          @Override
          public boolean cancelled() {
            return ++looks > 2;
          }
        };
    assertThat(code(() -> operator.bench("digits", new BenchOptions(1_000_000, 2, 0), impatient)))
        .isEqualTo(Code.CANCELLED);
    assertThatThrownBy(() -> operator.bench("digits", new BenchOptions(0, 65, -1), Progress.NONE))
        .hasMessageContaining("name=runs value=0")
        .hasMessageContaining("name=threads value=65")
        .hasMessageContaining("name=warmUpRuns value=-1");

    CompletableFuture<?> bench =
        CompletableFuture.runAsync(
            () -> {
              try {
                operator.bench("digits", new BenchOptions(1_000_000, 2, 0), Progress.NONE);
              } catch (OperationException e) {
                throw new java.util.concurrent.CompletionException(e);
              }
            });
    await("it runs", () -> cpu.runs.get() > 200);
    long start = System.nanoTime();
    unplug(cpu);
    assertThat(System.nanoTime() - start).as("the driver is not held up").isLessThan(1_000_000_000);
    assertThatThrownBy(() -> bench.get(40, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(OperationException.class);
  }

  // What is told.

  @Test
  void shouldTellDeviceBackOnlyWhenItWasLost() {
    FakeAccelerator first = plug(FakeAccelerator.of("cpu", 2));
    FakeAccelerator second = plug(FakeAccelerator.of("cpu", 2));
    unplug(first);
    // Whether the first one was told to be of no use before it went is chance.
    assertThat(types())
        .as("a new driver has it already")
        .filteredOn(type -> type != EngineEvent.Type.DRIVER_UNUSED)
        .containsExactly(EngineEvent.Type.DEVICE_ADDED);

    unplug(second);
    plug(FakeAccelerator.of("npu", 1));
    plug(FakeAccelerator.of("cpu", 2));

    assertThat(operator().events(0))
        .filteredOn(e -> e.type() != EngineEvent.Type.DRIVER_UNUSED)
        .extracting(e -> e.type() + " " + e.accelerator())
        .containsExactly(
            "DEVICE_ADDED cpu:cpu0",
            "DEVICE_LOST cpu:cpu0",
            "DEVICE_ADDED npu:npu0",
            "DEVICE_BACK cpu:cpu0");
  }

  @Test
  void shouldListRefusedVersionsAndCollectWhenThereIsAStore() throws Exception {
    ModelCatalog store =
        new ModelCatalog() {
          @Override
          public List<ModelPackage> packages() {
            return List.of();
          }

          @Override
          public List<Refusal> refusals() {
            return List.of(
                new Refusal("a 2.0.0", "digits", Optional.of(V2), List.of("x", "y"), Instant.EPOCH),
                new Refusal("b 1.0.0", "letters", Optional.empty(), List.of("z"), Instant.EPOCH),
                new Refusal("c 1.0.0", "", Optional.empty(), List.of("?"), Instant.EPOCH));
          }

          @Override
          public StoreUse storeUse() {
            return new StoreUse(0, 0);
          }

          @Override
          public StoreUse collectGarbage() {
            return new StoreUse(3, 42);
          }

          @Override
          public List<String> discardRetained() {
            return List.of("a 1.0.0 retained");
          }
        };
    catalog = Optional.of(store);
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitAnswering("1.0.0");

    List<ModelOverview> models = operator().models();

    assertThat(models).extracting(ModelOverview::name).containsExactly("digits", "letters");
    assertThat(models.get(0).answering()).contains(V1);
    assertThat(models.get(0).versions())
        .extracting(ModelOverview.Installed::state)
        .containsExactly(ModelOverview.State.INSTALLED, ModelOverview.State.REFUSED);
    assertThat(models.get(0).versions().get(1).reasons()).containsExactly("x", "y");
    assertThat(models.get(1).versions()).hasSize(1);
    assertThat(operator().collectGarbage())
        .isEqualTo(new Garbage(List.of("a 1.0.0 retained"), 3, 42));
  }
}
