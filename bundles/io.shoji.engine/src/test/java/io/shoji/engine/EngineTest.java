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
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.Precision;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class EngineTest extends EngineFixture {

  private InferenceException failure(ModelRef ref, List<Tensor> inputs, long deadline) {
    return catchThrowableOfType(
        InferenceException.class, () -> engine.infer(ref, inputs, deadline));
  }

  private static void awaitWaiting(Engine engine, int count) {
    await(
        count + " waiting", () -> engine.model(DIGITS).orElseThrow().metrics().waiting() == count);
  }

  // Answers.

  @Test
  void shouldAnswerWithProvenanceWhenAnAcceleratorFits() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.2.3"));

    InferenceResult result = engine.infer(DIGITS, input(41), in(5_000));

    assertThat(result.outputs().get(0).getFloat(0)).isEqualTo(42);
    Provenance by = result.provenance();
    assertThat(by.model()).isEqualTo("digits");
    assertThat(by.modelVersion()).isEqualTo("1.2.3");
    assertThat(by.variant()).isEqualTo("onnx-fp32");
    assertThat(by.variantSha256()).isEqualTo("sha-onnx-fp32");
    assertThat(by.device()).isEqualTo("cpu0");
    assertThat(by.driverVersion()).isEqualTo("1.0.0");
    assertThat(by.runtimeBuildId()).isEqualTo("build");
    assertThat(by.degraded()).isFalse();
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance()).isSameAs(by);
  }

  @Test
  void shouldAnswerWhenThePackageComesBeforeTheAccelerator() throws Exception {
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    plug(FakeAccelerator.of("cpu", 2));

    awaitServing(DIGITS);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).outputs().get(0).getFloat(0)).isEqualTo(2);
  }

  @Test
  void shouldAnswerAsynchronously() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));

    InferenceResult result =
        engine.inferAsync(DIGITS, input(9), in(5_000)).get(5, TimeUnit.SECONDS);

    assertThat(result.outputs().get(0).getFloat(0)).isEqualTo(10);
  }

  @Test
  void shouldOverwriteTheSameTensorsWhenPrepared() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));

    try (PreparedInference prepared = engine.prepare(DIGITS, 3, in(5_000))) {
      assertThat(prepared.inputs().get(0).shape()).isEqualTo(Shape.of(3, 4));
      for (int i = 0; i < 10; i++) {
        prepared.inputs().get(0).setFloat(11, i);
        assertThat(prepared.run(in(5_000)).model()).isEqualTo("digits");
        assertThat(prepared.outputs().get(0).getFloat(11)).isEqualTo(i + 1);
      }
    }
  }

  @Test
  void shouldPrepareOnMemoryOfTheAcceleratorsOwnWhenItMakesTheTensors() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2).costing(3_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000));

    assertThat(cpu.bindingsOnOwn).hasValue(1);
    assertThat(cpu.openBuffers).hasValue(1);
    prepared.run(in(5_000));
    prepared.close();
    assertThat(cpu.openBuffers).hasValue(0);
    assertThat(cpu.openBindings).hasValue(0);
  }

  @Test
  void shouldGiveMemoryBackWithItsGenerationWhenAnotherServes() throws Exception {
    FakeAccelerator slow = plug(FakeAccelerator.of("cpu", 2).costing(3_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    try (PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000))) {
      FakeAccelerator fast = plug(FakeAccelerator.of("npu", 1));
      await("moved", () -> status(DIGITS).serving().orElseThrow().accelerator().equals("npu"));
      prepared.inputs().get(0).setFloat(0, 41);

      assertThat(prepared.run(in(5_000)).accelerator()).isEqualTo("npu");

      assertThat(prepared.outputs().get(0).getFloat(0)).isEqualTo(42);
      assertThat(fast.bindingsOnOwn).as("they are the other's").hasValue(0);
      await("the old one is closed", () -> slow.open.get() == 0);
      assertThat(slow.openBuffers).hasValue(0);
      assertThat(slow.breaches).isEmpty();
    }
  }

  @Test
  void shouldRefuseToRunWhenThePreparationIsClosed() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000));
    prepared.close();
    prepared.close();

    assertThatThrownBy(() -> prepared.run(in(5_000)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void shouldPassNotANumberAndInfinityThrough() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));

    Tensor odd =
        Tensor.ofFloats(
            Shape.of(1, 4), Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0);
    Tensor out = engine.infer(DIGITS, List.of(odd), in(5_000)).outputs().get(0);

    assertThat(out.getFloat(0)).isNaN();
    assertThat(out.getFloat(1)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(out.getFloat(2)).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  // Refusals.

  @Test
  void shouldNameWhatIsInstalledWhenTheModelIsUnknown() {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));

    InferenceException unknown = failure(ModelRef.latest("bearing"), input(1), in(5_000));
    assertThat(unknown.code()).isEqualTo(Code.UNKNOWN_MODEL);
    assertThat(unknown).hasMessageContaining("asked=bearing").hasMessageContaining("digits 1.0.0");
    InferenceException range = failure(ModelRef.of("digits", "[2,3)"), input(1), in(5_000));
    assertThat(range.code()).isEqualTo(Code.UNKNOWN_MODEL);
    assertThat(engine.inferAsync(ModelRef.latest("bearing"), input(1), in(5_000)))
        .failsWithin(1, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("UNKNOWN_MODEL");
  }

  @Test
  void shouldNameTheInputWhenATensorDoesNotFit() {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    int before = cpu.runs.get();

    assertThat(failure(DIGITS, List.of(), in(5_000)))
        .hasMessageContaining("INVALID_INPUT")
        .hasMessageContaining("wrong number of inputs asked=1");
    assertThat(
            failure(DIGITS, List.of(Tensor.allocate(ElementType.INT8, Shape.of(1, 4))), in(5_000)))
        .hasMessageContaining("wrong element type name=x asked=FLOAT32[?, 4] found=INT8[1, 4]");
    assertThat(failure(DIGITS, List.of(Tensor.ofFloats(Shape.of(4), 1, 2, 3, 4)), in(5_000)))
        .hasMessageContaining("wrong rank name=x");
    assertThat(failure(DIGITS, List.of(Tensor.ofFloats(Shape.of(1, 2), 1, 2)), in(5_000)))
        .hasMessageContaining("wrong shape name=x asked=FLOAT32[?, 4] found=FLOAT32[1, 2]");
    assertThat(cpu.runs).hasValue(before);
    assertThat(status(DIGITS).metrics().errors()).containsEntry(Code.INVALID_INPUT, 4L);
  }

  @Test
  void shouldNotTouchTheDeviceWhenTheDeadlineHasPassed() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000));
    int before = cpu.runs.get();
    long past = System.nanoTime() - 1;

    assertThat(failure(DIGITS, input(1), past).code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    assertThatThrownBy(() -> prepared.run(past))
        .hasMessageContaining("DEADLINE_EXCEEDED")
        .hasMessageContaining("had passed before the call");
    assertThat(engine.inferAsync(DIGITS, input(1), past))
        .failsWithin(1, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("DEADLINE_EXCEEDED");
    assertThat(cpu.runs).hasValue(before);
    prepared.close();
  }

  @Test
  void shouldSayWhatWasAskedAndOfferedWhenNothingFits() {
    plug(FakeAccelerator.of("cpu", 2));
    install(
        FakePackage.of(
            "digits",
            "1.0.0",
            FakePackage.variant("onnx-int8", "onnx", Precision.INT8, "(shoji.kind=cpu)"),
            FakePackage.variant("hef", "hef", Precision.INT8, ""),
            FakePackage.variant("gpu", "onnx", Precision.FP32, "(shoji.kind=tensorrt)"),
            FakePackage.variant("bad", "onnx", Precision.FP32, "(shoji.kind=")));

    InferenceException refused = failure(DIGITS, input(1), in(60_000));

    assertThat(refused.code()).isEqualTo(Code.NO_ACCELERATOR);
    assertThat(refused)
        .hasMessageContaining("model digits 1.0.0 cannot run here")
        .hasMessageContaining(
            "variant onnx-int8 asks precision=INT8 format=onnx filter=(shoji.kind=cpu);"
                + " cpu:cpu0 offers precision=[FP32] format=[onnx]:"
                + " precision is missing asked=INT8 offered=[FP32]")
        .hasMessageContaining("format is missing asked=hef offered=[onnx]")
        .hasMessageContaining("filter does not match asked=(shoji.kind=tensorrt)")
        .hasMessageContaining("shoji.kind=cpu")
        .hasMessageContaining("filter does not parse");
    ModelStatus status = status(DIGITS);
    assertThat(status.state()).isEqualTo(ModelStatus.State.NO_ACCELERATOR);
    assertThat(refused.getMessage()).endsWith(status.reason());
    assertThat(status.candidates()).hasSize(4).noneMatch(ModelStatus.Candidate::chosen);
  }

  @Test
  void shouldRefuseDynamicShapesWhenTheDeviceWantsThemFixed() {
    AcceleratorInfo fixed = FakeAccelerator.describe("hailo", "h0").dynamicShapes(false).build();
    plug(new FakeAccelerator(fixed));
    List<TensorSpec> open =
        List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(1, Shape.DYNAMIC)));
    install(
        new FakePackage(
            FakePackage.description(
                "digits", "1.0.0", "sha", open, List.of(), FakePackage.variant("v", ""))));

    assertThat(failure(DIGITS, input(1), in(5_000)))
        .hasMessageContaining("NO_ACCELERATOR")
        .hasMessageContaining("shape must be fixed at load");
  }

  @Test
  void shouldNameEachDifferenceWhenTheModelFileContradictsThePackage() {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(
        new FakePackage(
            FakePackage.description(
                "digits",
                "1.0.0",
                "sha",
                List.of(TensorSpec.of("x", ElementType.INT8, Shape.of(1, 5))),
                FakeAccelerator.OUTPUTS,
                FakePackage.variant("v", ""))));

    assertThat(failure(DIGITS, input(1), in(5_000)))
        .hasMessageContaining("NO_ACCELERATOR")
        .hasMessageContaining("another element type of input name=x declared=INT8 found=FLOAT32")
        .hasMessageContaining("another shape of input name=x declared=[1, 5] found=[?, 4]");
    assertThat(status(DIGITS).state()).isEqualTo(ModelStatus.State.FAILED);
    assertThat(cpu.open).hasValue(0);
  }

  // Placement.

  @Test
  void shouldChooseTheFastestAsMeasuredWhenSeveralFit() {
    FakeAccelerator slow = plug(FakeAccelerator.of("cpu", 2).costing(3_000_000));
    FakeAccelerator fast = plug(FakeAccelerator.of("npu", 1).costing(500_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    ModelStatus status = status(DIGITS);
    assertThat(status.serving().orElseThrow().accelerator()).isEqualTo("npu");
    assertThat(status.serving().orElseThrow().degraded()).isFalse();
    assertThat(status.candidates()).hasSize(2);
    assertThat(status.candidates().get(0).verdict()).contains("not faster than");
    assertThat(status.candidates().get(0).latencyNanos().getAsLong()).isEqualTo(3_000_000);
    assertThat(status.candidates().get(0).memoryBytes()).hasValue(1024);
    assertThat(status.candidates().get(1).chosen()).isTrue();
    await("the loser is closed", () -> slow.open.get() == 0);
    assertThat(fast.open).hasValue(1);
    assertThat(engine.accelerators()).hasSize(2);
    assertThat(engine.accelerators().get(1).models()).containsExactly("digits 1.0.0");
  }

  @Test
  void shouldFollowThePackagesOrderWhenVariantsAreEquallyFast() {
    plug(FakeAccelerator.of("cpu", 2).costing(5_000_000));
    install(
        FakePackage.of(
            "digits",
            "1.0.0",
            FakePackage.variant("second-by-name", ""),
            FakePackage.variant("a-first-by-name", "")));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    assertThat(status(DIGITS).serving().orElseThrow().variant()).isEqualTo("second-by-name");
  }

  @Test
  void shouldChooseTheFirstInOrderWhenLatenciesTie() {
    plug(FakeAccelerator.of("a", 1).costing(1_000_000));
    plug(FakeAccelerator.of("b", 1).costing(960_000));
    plug(FakeAccelerator.of("c", 1).costing(940_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    assertThat(status(DIGITS).serving().orElseThrow().accelerator()).isEqualTo("b");
  }

  @Test
  void shouldMoveWithoutAGapWhenAFasterAcceleratorComes() throws Exception {
    FakeAccelerator slow = plug(FakeAccelerator.of("cpu", 2).costing(3_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    try (PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000))) {
      assertThat(prepared.run(in(5_000)).accelerator()).isEqualTo("cpu");
      int loadsBefore = slow.loads.get();

      plug(FakeAccelerator.of("npu", 1));
      await("moved", () -> status(DIGITS).serving().orElseThrow().accelerator().equals("npu"));

      assertThat(prepared.run(in(5_000)).accelerator()).isEqualTo("npu");
      assertThat(slow.loads).as("what was measured is not loaded again").hasValue(loadsBefore);
      await("the old one is closed", () -> slow.open.get() == 0);
      assertThat(slow.openBindings).hasValue(0);
    }
  }

  @Test
  void shouldSayDegradedWhenTheFastestIsAwayAndNotWhenItIsBack() throws Exception {
    plug(FakeAccelerator.of("cpu", 2).costing(3_000_000));
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    unplug(npu);
    Provenance fallback = engine.infer(DIGITS, input(1), in(5_000)).provenance();
    assertThat(fallback.accelerator()).isEqualTo("cpu");
    assertThat(fallback.degraded()).isTrue();

    plug(FakeAccelerator.of("npu", 1));
    await("back", () -> status(DIGITS).serving().orElseThrow().accelerator().equals("npu"));
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().degraded()).isFalse();
  }

  @Test
  void shouldUseTheNextCandidateWhenALoadFails() throws Exception {
    FakeAccelerator broken = FakeAccelerator.of("a", 1);
    broken.loadFailure =
        new AcceleratorException(AcceleratorException.Code.UNSUPPORTED, "no operator Foo");
    plug(broken);
    plug(FakeAccelerator.of("b", 1));
    install(FakePackage.of("digits", "1.0.0"));

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().accelerator()).isEqualTo("b");
    awaitPlaced(DIGITS);
    assertThat(status(DIGITS).candidates().get(0).verdict())
        .contains("cannot be loaded: UNSUPPORTED: no operator Foo");
    assertThat(broken.loads).hasValue(1);
  }

  @Test
  void shouldTryAgainWhenTheDeviceWasBusy() throws Exception {
    FakeAccelerator busy = FakeAccelerator.of("a", 1);
    busy.loadFailure =
        new AcceleratorException(AcceleratorException.Code.DEVICE_BUSY, "held by process 7");
    plug(busy);
    install(FakePackage.of("digits", "1.0.0"));
    await("failed once", () -> busy.loads.get() >= 1);
    await("reported", () -> status(DIGITS).state() == ModelStatus.State.FAILED);
    assertThat(status(DIGITS).reason()).contains("held by process 7").contains("retryInMs=");

    busy.loadFailure = null;

    awaitServing(DIGITS);
  }

  @Test
  void shouldReportTheDriverWhenItThrowsWhatItMustNot() {
    FakeAccelerator wild = FakeAccelerator.of("a", 1);
    wild.runFailure = new IllegalThreadStateException("driver bug");
    plug(wild);
    install(FakePackage.of("digits", "1.0.0"));

    assertThat(failure(DIGITS, input(1), in(5_000)))
        .hasMessageContaining("NO_ACCELERATOR")
        .hasMessageContaining("driver bug");
    assertThat(wild.open).hasValue(0);
  }

  // Versions.

  @Test
  void shouldAnswerWithTheNewVersionOnlyWhenItServes() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    cpu.loadGate = gate;

    install(FakePackage.of("digits", "1.1.0"));
    await("the new one is being loaded", () -> cpu.loads.get() == 2);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion())
        .isEqualTo("1.0.0");
    assertThat(status(DIGITS).state()).isEqualTo(ModelStatus.State.LOADING);
    assertThat(status(DIGITS).reason()).contains("loading").contains("reading");

    gate.countDown();
    awaitServing(DIGITS);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion())
        .isEqualTo("1.1.0");
    assertThat(
            engine
                .infer(ModelRef.of("digits", "[1.0,1.1)"), input(1), in(5_000))
                .provenance()
                .modelVersion())
        .isEqualTo("1.0.0");
    assertThat(engine.models())
        .extracting(m -> m.description().toString())
        .containsExactly("digits 1.0.0", "digits 1.1.0");
  }

  @Test
  void shouldServeOnWhileAPackageIsUpdatedAndEndTheOldOneAfterwards() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    FakePackage old = install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);

    engine.removePackage(old);
    assertThat(engine.models()).isEmpty();
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion())
        .isEqualTo("1.0.0");

    install(FakePackage.of("digits", "1.1.0"));
    awaitServing(DIGITS);
    await("the old one is closed", () -> cpu.open.get() == 1 && old.holds.get() == 0);
    assertThat(failure(ModelRef.of("digits", "1.0.0"), input(1), in(5_000)).code())
        .isEqualTo(Code.UNKNOWN_MODEL);
  }

  @Test
  void shouldEndAtOnceWhenThePackagesBundleWasUninstalled() {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    FakePackage gone = install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);

    engine.removePackage(gone);
    engine.uninstalled(origin -> origin.startsWith("io.shoji.model.digits "));

    assertThat(failure(DIGITS, input(1), in(5_000)).code()).isEqualTo(Code.UNKNOWN_MODEL);
    await("closed", () -> cpu.open.get() == 0);
  }

  @Test
  void shouldEndAfterTheGapWhenThePackageDoesNotComeBack() {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    FakePackage gone = install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);

    engine.removePackage(gone);

    await("closed", () -> cpu.open.get() == 0);
    assertThat(failure(DIGITS, input(1), in(5_000)).code()).isEqualTo(Code.UNKNOWN_MODEL);
  }

  @Test
  void shouldKeepServingAndLetGoOfTheOldPackageWhenTheSameComesBack() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    FakePackage first = install(FakePackage.of("digits", "1.0.0"));
    Provenance by = engine.infer(DIGITS, input(1), in(5_000)).provenance();
    awaitPlaced(DIGITS);

    engine.removePackage(first);
    FakePackage second = install(FakePackage.of("digits", "1.0.0"));

    await("moved to the new hold", () -> first.holds.get() == 0 && second.holds.get() == 1);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance()).isSameAs(by);
    assertThat(cpu.loads).hasValue(1);
  }

  @Test
  void shouldGoOnWithTheOldContentWhenTheNewOneFails() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 4));
    FakePackage first = install(FakePackage.of("digits", "1.0.0"));
    Provenance by = engine.infer(DIGITS, input(1), in(5_000)).provenance();
    awaitPlaced(DIGITS);
    cpu.loadFailure = new AcceleratorException(AcceleratorException.Code.INVALID_MODEL, "cut off");

    engine.removePackage(first);
    install(
        new FakePackage(
            FakePackage.description(
                "digits",
                "1.0.0",
                "other content",
                FakeAccelerator.INPUTS,
                FakeAccelerator.OUTPUTS,
                FakePackage.variant("v", ""))));
    awaitPlaced(DIGITS);

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance()).isSameAs(by);
    assertThat(status(DIGITS).candidates().get(0).verdict()).contains("cut off");
  }

  // Devices that go.

  @Test
  void shouldWaitForTheNextDriverWhenTheOnlyOneIsExchanged() throws Exception {
    FakeAccelerator old = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000));
    unplug(old);
    assertThat(old.open).as("closed before the driver goes on").hasValue(0);
    assertThat(old.openBindings).hasValue(0);

    CompletableFuture<InferenceResult> waits = engine.inferAsync(DIGITS, input(1), in(5_000));
    awaitWaiting(engine, 1);
    plug(FakeAccelerator.of("npu", 1));

    assertThat(waits.get(5, TimeUnit.SECONDS).outputs().get(0).getFloat(0)).isEqualTo(2);
    prepared.inputs().get(0).setFloat(0, 7);
    prepared.run(in(5_000));
    assertThat(prepared.outputs().get(0).getFloat(0)).isEqualTo(8);
    prepared.close();
  }

  @Test
  void shouldFailAfterTheGapWhenNoDriverComesBack() {
    FakeAccelerator old = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    unplug(old);

    long start = System.nanoTime();
    InferenceException waited = failure(DIGITS, input(1), in(60_000));
    assertThat(waited.code()).isEqualTo(Code.NO_ACCELERATOR);
    assertThat(waited).hasMessageContaining("no accelerator is present");
    assertThat(System.nanoTime() - start).isGreaterThan(300_000_000L);
    assertThat(failure(DIGITS, input(1), in(60_000)).code()).isEqualTo(Code.NO_ACCELERATOR);
  }

  @Test
  void shouldSayNotReadyWhenTheDeadlineComesBeforeTheModel() {
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 1);
    CountDownLatch gate = new CountDownLatch(1);
    cpu.loadGate = gate;
    plug(cpu);
    install(FakePackage.of("digits", "1.0.0"));

    InferenceException late = failure(DIGITS, input(1), in(50));
    assertThat(late.code()).isEqualTo(Code.NOT_READY);
    assertThat(late).hasMessageContaining("loading").hasMessageContaining("waitedMs=");
    assertThat(engine.inferAsync(DIGITS, input(1), in(50)))
        .failsWithin(5, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("NOT_READY");
    assertThat(status(DIGITS).metrics().waiting()).isZero();
    gate.countDown();
  }

  @Test
  void shouldLetARunningRequestFinishBeforeItClosesWhenTheDeviceLeaves() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    CompletableFuture<InferenceResult> runs = engine.inferAsync(DIGITS, input(1), in(5_000));
    await("running", () -> npu.running.get() == 1);

    Thread driver = new Thread(() -> unplug(npu));
    driver.start();
    await("the driver waits", () -> driver.getState() == Thread.State.TIMED_WAITING);
    assertThat(npu.open).hasValue(1);
    gate.countDown();
    driver.join(5_000);

    assertThat(driver.isAlive()).isFalse();
    assertThat(npu.open).hasValue(0);
    assertThat(runs.get(5, TimeUnit.SECONDS).outputs()).hasSize(1);
  }

  @Test
  void shouldLetTheDriverGoOnWhenARequestDoesNotEndInTime() throws Exception {
    configure(new Settings(8, 4, 1, 500, 100, 3, 50, 20, true, 5_000, AT_ONCE));
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    CompletableFuture<InferenceResult> runs = engine.inferAsync(DIGITS, input(1), in(20_000));
    await("running", () -> npu.running.get() == 1);

    long start = System.nanoTime();
    engine.removeAccelerator(npu);
    assertThat(System.nanoTime() - start).isBetween(90_000_000L, 5_000_000_000L);
    assertThat(npu.open).as("never closed in use").hasValue(1);

    gate.countDown();
    assertThat(runs.get(5, TimeUnit.SECONDS).outputs()).hasSize(1);
    await("closed in the background", () -> npu.open.get() == 0);
  }

  @Test
  void shouldGiveUpTheLoadWhenItsDeviceLeaves() {
    FakeAccelerator npu = FakeAccelerator.of("npu", 1);
    npu.loadGate = new CountDownLatch(1);
    plug(npu);
    install(FakePackage.of("digits", "1.0.0"));
    await("loading", () -> npu.loads.get() == 1);

    long start = System.nanoTime();
    unplug(npu);

    assertThat(System.nanoTime() - start).isLessThan(1_000_000_000L);
    assertThat(failure(DIGITS, input(1), in(5_000)).code()).isEqualTo(Code.NO_ACCELERATOR);
  }

  @Test
  void shouldRunElsewhereOnceWhenTheDeviceIsLostDuringTheCall() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    plug(FakeAccelerator.of("cpu", 2).costing(3_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000));
    assertThat(prepared.run(in(5_000)).accelerator()).isEqualTo("npu");
    AcceleratorException lost =
        new AcceleratorException(AcceleratorException.Code.DEVICE_LOST, "pulled out");
    npu.runFailure = lost;

    assertThat(prepared.run(in(5_000)).accelerator()).isEqualTo("cpu");
    InferenceResult result = engine.infer(DIGITS, input(1), in(5_000));
    assertThat(result.provenance().degraded()).isTrue();
    assertThat(engine.inferAsync(DIGITS, input(1), in(5_000)).get(5, TimeUnit.SECONDS).outputs())
        .hasSize(1);
    assertThat(status(DIGITS).metrics().errors()).isEmpty();
    prepared.close();
  }

  @Test
  void shouldRunElsewhereWhenSeveralDevicesAreLostAtOnce() throws Exception {
    List<FakeAccelerator> devices =
        List.of(
            plug(FakeAccelerator.of("npu", 1)),
            plug(FakeAccelerator.of("gpu", 1).costing(1_000_000)),
            plug(FakeAccelerator.of("tpu", 1).costing(3_000_000)));
    plug(FakeAccelerator.of("cpu", 2).costing(9_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    for (String way : List.of("infer", "async", "prepared")) {
      awaitServing(DIGITS);
      await(
          "all are measured " + way,
          () ->
              status(DIGITS).candidates().stream().allMatch(c -> c.latencyNanos().isPresent())
                  && status(DIGITS).serving().orElseThrow().accelerator().equals("npu"));
      try (PreparedInference prepared = engine.prepare(DIGITS, 1, in(30_000))) {
        for (FakeAccelerator device : devices) {
          device.runFailure =
              new AcceleratorException(AcceleratorException.Code.DEVICE_LOST, "pulled out");
        }
        String answered =
            switch (way) {
              case "infer" -> engine.infer(DIGITS, input(1), in(30_000)).provenance().accelerator();
              case "async" ->
                  engine
                      .inferAsync(DIGITS, input(1), in(30_000))
                      .get(30, TimeUnit.SECONDS)
                      .provenance()
                      .accelerator();
              default -> prepared.run(in(30_000)).accelerator();
            };
        assertThat(answered).as(way).isEqualTo("cpu");
      }
      for (FakeAccelerator device : devices) {
        device.runFailure = null;
      }
    }
    assertThat(status(DIGITS).metrics().errors()).isEmpty();
  }

  @Test
  void shouldSayDeviceLostWhenNothingTakesOver() {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    AcceleratorException lost =
        new AcceleratorException(AcceleratorException.Code.DEVICE_LOST, "pulled out");
    npu.runFailure = lost;
    npu.loadFailure = lost;

    assertThat(failure(DIGITS, input(1), in(200)))
        .hasMessageContaining("DEVICE_LOST")
        .hasMessageContaining("pulled out")
        .hasMessageContaining("nothing else took over");
    assertThat(engine.inferAsync(DIGITS, input(1), in(200)))
        .failsWithin(5, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class);
  }

  @Test
  void shouldReloadWhenTheAcceleratorFailed() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    long before = engine.infer(DIGITS, input(1), in(5_000)).provenance().generation();
    awaitPlaced(DIGITS);
    cpu.runFailure = new AcceleratorException(AcceleratorException.Code.FAILED, "status 11");

    InferenceException failed = failure(DIGITS, input(1), in(5_000));
    cpu.runFailure = null;

    assertThat(failed.code()).isEqualTo(Code.FAILED);
    assertThat(failed)
        .hasMessageContaining("status 11")
        .hasCauseInstanceOf(AcceleratorException.class);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().generation())
        .isGreaterThan(before);
    assertThat(status(DIGITS).metrics().errors()).containsEntry(Code.FAILED, 1L);
  }

  @Test
  void shouldKeepTheModelWhenTheDriverRefusesTheInputOrIsTooSlow() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    Provenance before = engine.infer(DIGITS, input(1), in(5_000)).provenance();
    awaitPlaced(DIGITS);

    cpu.runFailure = new AcceleratorException(AcceleratorException.Code.INVALID_INPUT, "index 9");
    assertThat(failure(DIGITS, input(1), in(5_000)).code()).isEqualTo(Code.INVALID_INPUT);
    cpu.runFailure = new AcceleratorException(AcceleratorException.Code.TIMEOUT, "ended");
    assertThat(failure(DIGITS, input(1), in(5_000)).code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    cpu.runFailure = null;

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance()).isSameAs(before);
  }

  // Queue.

  @Test
  void shouldRefuseOneMoreWhenTheQueueIsFullAndAnswerTheOthers() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    List<CompletableFuture<InferenceResult>> accepted = new ArrayList<>();
    accepted.add(engine.inferAsync(DIGITS, input(0), in(5_000)));
    await("running", () -> npu.running.get() == 1);
    for (int i = 1; i <= SETTINGS.maxQueue(); i++) {
      accepted.add(engine.inferAsync(DIGITS, input(i), in(5_000)));
    }

    assertThat(failure(DIGITS, input(99), in(5_000)))
        .hasMessageContaining("OVERLOADED")
        .hasMessageContaining("waiting=8 maxQueue=8");
    assertThat(engine.inferAsync(DIGITS, input(99), in(5_000)))
        .failsWithin(1, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("OVERLOADED");
    assertThat(status(DIGITS).metrics().waiting()).isEqualTo(8);

    gate.countDown();
    for (int i = 0; i < accepted.size(); i++) {
      assertThat(accepted.get(i).get(5, TimeUnit.SECONDS).outputs().get(0).getFloat(0))
          .isEqualTo(i + 1);
    }
    ModelMetrics metrics = status(DIGITS).metrics();
    assertThat(metrics.answered()).isEqualTo(9);
    assertThat(metrics.errors()).containsOnly(java.util.Map.entry(Code.OVERLOADED, 2L));
    assertThat(metrics.requests()).isEqualTo(11);
    assertThat(metrics.waiting()).isZero();
  }

  @Test
  void shouldServeInTheOrderOfArrivalWhenRequestsWait() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    List<Integer> order = java.util.Collections.synchronizedList(new ArrayList<>());
    List<CompletableFuture<?>> all = new ArrayList<>();
    all.add(engine.inferAsync(DIGITS, input(0), in(5_000)));
    await("running", () -> npu.running.get() == 1);
    for (int i = 1; i <= 6; i++) {
      int number = i;
      if (i % 2 == 0) {
        all.add(
            CompletableFuture.runAsync(
                () -> {
                  try {
                    engine.infer(DIGITS, input(number), in(5_000));
                    order.add(number);
                  } catch (InferenceException e) {
                    throw new AssertionError(e);
                  }
                },
                task -> new Thread(task).start()));
      } else {
        all.add(
            engine.inferAsync(DIGITS, input(number), in(5_000)).thenRun(() -> order.add(number)));
      }
      awaitWaiting(engine, i);
    }
    npu.runNanos = 5_000_000;
    gate.countDown();
    for (CompletableFuture<?> each : all) {
      each.get(5, TimeUnit.SECONDS);
    }

    assertThat(order).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void shouldEndAtTheDeadlineWhenTheAcceleratorStaysBusy() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    CompletableFuture<InferenceResult> runs = engine.inferAsync(DIGITS, input(0), in(20_000));
    await("running", () -> npu.running.get() == 1);

    long start = System.nanoTime();
    assertThat(failure(DIGITS, input(1), in(60)))
        .hasMessageContaining("DEADLINE_EXCEEDED")
        .hasMessageContaining("waiting for the accelerator");
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(59_000_000L);
    assertThat(engine.inferAsync(DIGITS, input(2), in(60)))
        .failsWithin(5, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("DEADLINE_EXCEEDED");

    gate.countDown();
    assertThat(runs.get(5, TimeUnit.SECONDS).outputs()).hasSize(1);
    assertThat(npu.ran).doesNotContain(1L, 2L);
  }

  @Test
  void shouldLeaveTheQueueWhenCancelled() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    CompletableFuture<InferenceResult> runs = engine.inferAsync(DIGITS, input(1), in(5_000));
    await("running", () -> npu.running.get() == 1);
    CompletableFuture<InferenceResult> waits = engine.inferAsync(DIGITS, input(7), in(5_000));
    awaitWaiting(engine, 1);

    assertThat(waits.cancel(true)).isTrue();
    awaitWaiting(engine, 0);
    assertThat(runs.cancel(true)).isTrue();
    gate.countDown();
    await("the running one finished unseen", () -> npu.ran.contains(1L));

    assertThat(waits).isCancelled();
    assertThat(engine.infer(DIGITS, input(3), in(5_000)).outputs()).hasSize(1);
    assertThat(npu.ran).doesNotContain(7L);
    assertThat(status(DIGITS).metrics().errors())
        .containsOnly(java.util.Map.entry(Code.CANCELLED, 2L));
  }

  @Test
  void shouldEndAsCancelledWhenTheWaitingThreadIsInterrupted() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    CompletableFuture<InferenceResult> runs = engine.inferAsync(DIGITS, input(1), in(5_000));
    await("running", () -> npu.running.get() == 1);

    CompletableFuture<Code> code = new CompletableFuture<>();
    Thread caller =
        new Thread(
            () -> {
              InferenceException e = failure(DIGITS, input(2), in(60_000));
              if (Thread.currentThread().isInterrupted()) {
                code.complete(e.code());
              }
            });
    caller.start();
    awaitWaiting(engine, 1);
    caller.interrupt();

    assertThat(code.get(5, TimeUnit.SECONDS)).isEqualTo(Code.CANCELLED);
    gate.countDown();
    runs.get(5, TimeUnit.SECONDS);
  }

  @Test
  void shouldHoldTheModelsOwnLimitWhenItIsLowerThanTheDevices() throws Exception {
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 4).taking(2_000_000);
    cpu.modelConcurrency = 1;
    plug(cpu);
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    List<CompletableFuture<InferenceResult>> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      all.add(engine.inferAsync(DIGITS, input(i), in(5_000)));
    }
    for (CompletableFuture<InferenceResult> each : all) {
      each.get(5, TimeUnit.SECONDS);
    }

    assertThat(cpu.mostRunning).hasValue(1);
  }

  @Test
  void shouldRunNoMoreAsynchronousRequestsAtOnceThanConfigured() throws Exception {
    configure(new Settings(64, 2, 1, 500, 2_000, 3, 50, 20, true, 5_000, AT_ONCE));
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 8).taking(2_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    List<CompletableFuture<InferenceResult>> all = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      all.add(engine.inferAsync(DIGITS, input(i), in(5_000)));
    }
    engine.infer(DIGITS, input(100), in(5_000));
    for (CompletableFuture<InferenceResult> each : all) {
      each.get(5, TimeUnit.SECONDS);
    }

    assertThat(cpu.mostRunning.get()).isLessThanOrEqualTo(3);
  }

  // Figures, settings, the end.

  @Test
  void shouldGiveDistributionsThatCanBeMerged() throws Exception {
    plug(FakeAccelerator.of("cpu", 1).taking(2_000_000));
    install(FakePackage.of("digits", "1.0.0"));
    for (int i = 0; i < 5; i++) {
      engine.infer(DIGITS, input(i), in(5_000));
    }

    ModelMetrics metrics = status(DIGITS).metrics();
    assertThat(metrics.latency().count()).isEqualTo(5);
    assertThat(metrics.queue().count()).isEqualTo(5);
    assertThat(metrics.latency().p50Nanos()).isGreaterThan(1_990_000);
    Histogram decoded =
        Histogram.decodeFromCompressedByteBuffer(
            ByteBuffer.wrap(Base64.getDecoder().decode(metrics.latency().histogram())), 0);
    assertThat(decoded.getTotalCount()).isEqualTo(5);
    assertThat(decoded.getMaxValue()).isEqualTo(metrics.latency().maxNanos());
  }

  @Test
  void shouldTellEveryoneAndCloseEverythingWhenItStops() throws Exception {
    FakeAccelerator npu = plug(FakeAccelerator.of("npu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    CountDownLatch gate = new CountDownLatch(1);
    npu.runGate = gate;
    CompletableFuture<InferenceResult> runs = engine.inferAsync(DIGITS, input(1), in(5_000));
    await("running", () -> npu.running.get() == 1);
    CompletableFuture<InferenceResult> waits = engine.inferAsync(DIGITS, input(2), in(5_000));
    awaitWaiting(engine, 1);

    Thread stop = new Thread(engine::close);
    stop.start();
    assertThat(waits)
        .failsWithin(5, TimeUnit.SECONDS)
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("SHUTTING_DOWN");
    gate.countDown();
    stop.join(5_000);

    assertThat(stop.isAlive()).isFalse();
    assertThat(runs.get(5, TimeUnit.SECONDS).outputs()).hasSize(1);
    assertThat(npu.open).hasValue(0);
    assertThat(failure(DIGITS, input(1), in(5_000)).code()).isEqualTo(Code.SHUTTING_DOWN);
    await(
        "its threads end",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(t -> t.getName().startsWith("shoji-engine-")));
  }

  @Test
  void shouldTakeOverSettingsWithoutDisturbingWhatServes() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    Provenance before = engine.infer(DIGITS, input(1), in(5_000)).provenance();

    engine.configure(new Settings(1, 1, 4, 500, 2_000, 3, 50, 20, true, 5_000, AT_ONCE));
    engine.configure(new Settings(1, 1, 2, 500, 2_000, 3, 50, 20, true, 5_000, AT_ONCE));

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance()).isSameAs(before);
    assertThat(cpu.loads).hasValue(1);
  }

  @Test
  void shouldNameEverySettingThatIsOutOfRange() {
    assertThatThrownBy(() -> new Settings(0, 8, 1, -1, 5_000, 20, 500, 1_000, true, 5_000, AT_ONCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("name=maxQueue value=0 range=[1, 65536]")
        .hasMessageContaining("name=gapWaitMs value=-1");
  }
}
