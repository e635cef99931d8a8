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

import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelDescription.Acceptance;
import io.shoji.operations.EngineEvent;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A model serves only after it has passed its package's criteria on the device. */
class TrialTest extends GoldenFixture {
  private static final ModelRef SECOND = ModelRef.of("digits", "2.0.0");

  private void serveFirst() throws Exception {
    samples(0, 0);
    install(packageOf("1.0.0", Optional.of(top1(0.9))));
    awaitPlaced(DIGITS);
    awaitServing(DIGITS);
  }

  private String refused(ModelRef ref) {
    await("refused " + ref, () -> status(ref).state() == ModelStatus.State.FAILED);
    return status(ref).reason();
  }

  private String answering() throws Exception {
    return engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion();
  }

  private boolean answersNow(String version) {
    try {
      return answering().equals(version);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static Acceptance limits(double p99Ms, long bytes) {
    return new Acceptance("top1", 0.9, Optional.of(p99Ms), Optional.of(bytes));
  }

  @Test
  void shouldGoOnWithWhatServesWhenNewVersionIsWorseThanItsPackageAccepts() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    serveFirst();
    samples(5, 0);
    install(packageOf("2.0.0", Optional.of(top1(0.9))));

    assertThat(refused(SECOND))
        .contains("it is not accepted on this device", "metric=top1 asked=0.9 found=0.7500");
    assertThat(answering()).isEqualTo("1.0.0");
    assertThat(engine.events().after(0))
        .anySatisfy(
            event -> {
              assertThat(event.type()).isEqualTo(EngineEvent.Type.MODEL_FAILED);
              assertThat(event.version()).isEqualTo("2.0.0");
              assertThat(event.message()).contains("found=0.7500");
            });
  }

  @Test
  void shouldRefuseWhenOutputsAreNotFinite() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    cpu.offset = Float.NaN;
    samples(0, 0);
    install(packageOf(Optional.of(top1(0.9))));

    assertThat(refused(DIGITS)).contains("an output is not finite", "output=y sample=0");
  }

  @Test
  void shouldCheckOutputsOfWhichNothingIsExpected() throws Exception {
    samples(0, 0);
    GoldenSamples read = GoldenSamples.read(golden);
    GoldenScore score =
        new GoldenScore(
            FakePackage.description(
                "other",
                "1.0.0",
                "other",
                FakeAccelerator.INPUTS,
                List.of(TensorSpec.of("z", ElementType.FLOAT32, Shape.of(1, 2)))));

    List<TensorSpec> found = List.of(TensorSpec.of("z", ElementType.FLOAT32, Shape.of(1, 2)));
    score.add(read, 0, List.of(Tensor.ofFloats(Shape.of(1, 2), 1, 2)), found);
    assertThat(score.problems()).isEmpty();
    score.add(read, 1, List.of(Tensor.ofFloats(Shape.of(1, 2), 1, Float.NaN)), found);
    assertThat(score.problems())
        .containsExactly("an output is not finite output=z sample=1 found=NaN");
  }

  @Test
  void shouldRefuseWhenSamplesCannotBeUsed() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    Files.write(golden, new byte[] {1, 2, 3});
    install(packageOf(Optional.of(top1(0.9))));

    assertThat(refused(DIGITS)).contains("the golden samples cannot be used");
  }

  @Test
  void shouldServeOnceItIsFastEnoughWhenItWasSlowerThanAccepted() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    serveFirst();
    cpu.cost = 3_000_000;
    install(packageOf("2.0.0", Optional.of(limits(2, 1L << 20))));

    assertThat(refused(SECOND))
        .contains("p99Ms asked=2.0 found=3.000 samples=20 rounds=3", "retryInMs=");
    assertThat(answering()).isEqualTo("1.0.0");
    cpu.cost = 1_000_000;
    awaitServing(SECOND);
    await("the new one answers", () -> answersNow("2.0.0"));
  }

  @Test
  void shouldServeAllTheSameWhenItIsSlowAndNothingElseAnswers() throws Exception {
    plug(FakeAccelerator.of("cpu", 2).costing(3_000_000));
    samples(0, 0);
    install(packageOf(Optional.of(limits(2, 1L << 20))));

    awaitServing(DIGITS);
    assertThat(answering()).isEqualTo("1.0.0");
  }

  @Test
  void shouldRefuseWhenItTakesMoreMemoryThanAccepted() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    cpu.memoryBytes = 4096;
    samples(0, 0);
    install(packageOf(Optional.of(limits(1_000, 4095))));

    assertThat(refused(DIGITS)).contains("peakMemoryBytes asked=4095 found=4096");
  }

  @Test
  void shouldServeOnSlowerDeviceWhenFasterOneIsWrong() throws Exception {
    FakeAccelerator wrong = plug(FakeAccelerator.of("npu", 1).costing(1_000));
    wrong.offset = Float.POSITIVE_INFINITY;
    plug(FakeAccelerator.of("cpu", 2));
    samples(0, 0);
    install(packageOf(Optional.of(top1(0.9))));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().accelerator())
        .isEqualTo("cpu");
    assertThat(status(DIGITS).candidates())
        .filteredOn(candidate -> candidate.accelerator().startsWith("npu"))
        .singleElement()
        .satisfies(
            candidate ->
                assertThat(candidate.verdict()).contains("it is not accepted on this device"));
  }

  @Test
  void shouldServeWithAWarningWhenCriteriaAreNotEnforced() throws Exception {
    configure(new Settings(8, 4, 1, 500, 2_000, 3, 50, 20, false, 5_000, AT_ONCE));
    plug(FakeAccelerator.of("cpu", 2));
    samples(5, 0);
    install(packageOf(Optional.of(top1(0.9))));

    awaitServing(DIGITS);
  }

  @Test
  void shouldJudgeByWhatFitsInTimeWhenModelIsSlow() throws Exception {
    configure(new Settings(8, 4, 1, 500, 2_000, 3, 50, 20, true, 20, AT_ONCE));
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2).taking(8_000_000));
    // Of the first few only one is wrong: too few to be sure that the model is worse than asked.
    samples(1, 0);
    install(packageOf(Optional.of(top1(0.9))));

    awaitServing(DIGITS);
    assertThat(cpu.runs.get()).isLessThan(SAMPLES);
    // All of them wrong is no chance.
    samples(SAMPLES, 0);
    install(packageOf("2.0.0", Optional.of(top1(0.9))));
    assertThat(refused(SECOND)).contains("asked=0.9 found=0.0000");
  }
}
