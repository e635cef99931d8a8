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

import io.shoji.model.ModelDescription;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelChange.State;
import io.shoji.operations.RolloutPolicy;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.Proof;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How often a generation on probation is sent back by how its answers are distributed. */
class MixJudgeTest extends EngineFixture {
  private static final int CLASSES = 10;
  private static final int REQUESTS = 8_000;

  private static ModelDescription classification(String version, int classes) {
    ModelDescription like =
        FakePackage.description(
            "digits",
            version,
            "digits" + version,
            FakeAccelerator.INPUTS,
            List.of(
                TensorSpec.of(
                    FakeAccelerator.OUTPUTS.get(0).name(),
                    ElementType.FLOAT32,
                    Shape.of(Shape.DYNAMIC, classes))),
            FakePackage.variant("onnx-fp32", ""));
    return new ModelDescription(
        like.name(),
        like.version(),
        like.title(),
        like.description(),
        like.licence(),
        "classification",
        like.inputs(),
        like.outputs(),
        like.labels(),
        like.variants(),
        like.pipeline(),
        like.golden(),
        like.evidence(),
        like.acceptance(),
        like.sha256());
  }

  /** Shares of ten classes, the given one sure of the given class. */
  private static List<Tensor> shares(int label, double confidence) {
    Tensor shares = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, CLASSES));
    for (int i = 0; i < CLASSES; i++) {
      shares.setFloat(i, (float) ((1 - confidence) / (CLASSES - 1)));
    }
    shares.setFloat(label, (float) confidence);
    return List.of(shares);
  }

  /**
   * A model after a switch.
   *
   * @param own share of answers that are others than before, to all sides alike
   * @param moved share of all answers that go from one class to another
   * @param drop by how much it is less sure
   * @param inputs how far the mix of inputs moves at the switch, 0 to 1
   */
  private static boolean sentBack(
      double own, double moved, double drop, double inputs, SplittableRandom random) {
    AnswerMix before = AnswerMix.of(classification("1.0.0", CLASSES)).orElseThrow();
    AnswerMix next = AnswerMix.of(classification("2.0.0", CLASSES)).orElseThrow();
    for (int i = 0; i < REQUESTS / 4; i++) {
      before.add(shares(random.nextInt(CLASSES), 0.6 + 0.4 * random.nextDouble()));
    }
    MixJudge judge = new MixJudge(next, before.latest());
    for (int i = 0; i < REQUESTS; i++) {
      int one = random.nextDouble() < inputs ? random.nextInt(2) : random.nextInt(CLASSES);
      int other = one;
      double draw = random.nextDouble();
      if (draw < own) {
        other = random.nextInt(CLASSES);
      } else if (one == 3 && random.nextDouble() < moved * CLASSES) {
        other = 5;
      }
      double sure = 0.6 + 0.4 * random.nextDouble();
      List<Tensor> answer =
          shares(other, Math.max(0.2, sure - drop + 0.05 * (random.nextDouble() - 0.5)));
      if (i % 4 == 0) {
        next.add(answer);
      }
      if (judge.suspected() && !judge.decided()) {
        judge.compared(shares(one, sure), answer, 1, 1);
      } else if (i % 50 == 0 && !judge.decided()) {
        boolean unused = judge.suspects();
      }
    }
    return judge.against().isPresent();
  }

  /** 2,000 probations in all in the long form. */
  @ParameterizedTest
  @CsvSource({
    // As good: alike, with answers of its own, and with inputs that change at the switch.
    "0.00, 0, 0, 0, false",
    "0.06, 0, 0, 0, false",
    "0.06, 0, 0, 0.3, false",
    // A class of ten loses nine tenths of its answers to another.
    "0.02, 0.09, 0, 0, true",
    // Less sure by ten points.
    "0.02, 0, 0.10, 0, true",
  })
  void shouldSendBackWhatAnswersOtherwiseAndNothingElse(
      double own, double moved, double drop, double inputs, boolean worse) {
    int rounds = Proof.rounds(20, 400);
    SplittableRandom random = new SplittableRandom(20261122);
    int wrong = 0;
    for (int i = 0; i < rounds; i++) {
      wrong += sentBack(own, moved, drop, inputs, random.split()) == worse ? 0 : 1;
    }
    System.out.println(
        "probations="
            + rounds
            + " own="
            + own
            + " moved="
            + moved
            + " drop="
            + drop
            + " inputs="
            + inputs
            + " wrong="
            + wrong);
    // At most 1 in 1,000 if it is as good, 1 in 100 if it is worse; that more are wrong by chance
    // has
    // a probability below 0.1 %.
    assertThat(wrong).isLessThanOrEqualTo(worse ? (rounds > 100 ? 11 : 3) : (rounds > 100 ? 4 : 1));
  }

  private FakePackage version(String version) {
    return new FakePackage(classification(version, 4));
  }

  private ModelChange newest() {
    return engine.rollouts().changes("digits").get(0);
  }

  private void serveBothWithProbation(FakeAccelerator.Quirk second) throws Exception {
    engine.close();
    engine =
        new Engine(
            new Settings(
                8,
                4,
                1,
                500,
                2_000,
                3,
                50,
                20,
                true,
                5_000,
                new RolloutPolicy(
                    RolloutPolicy.Canary.OFF,
                    1,
                    60_000,
                    600_000,
                    RolloutPolicy.TightMemory.REFUSE,
                    "")),
            FakeAccelerator::stopwatch,
            Pins.inMemory());
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(version("1.0.0"));
    awaitServing(DIGITS);
    awaitPlaced(DIGITS);
    ask(2_000, 0);
    cpu.quirks.put("2.0.0", second);
    install(version("2.0.0"));
    await("2.0.0 is on probation", () -> newest().state() == State.PROBATION);
    assertThat(newest().to().version()).isEqualTo("2.0.0");
  }

  /** Sends requests of four classes in turn; what answered. */
  private Map<String, Integer> ask(int requests, int skew) throws Exception {
    Map<String, Integer> answered = new HashMap<>();
    for (int i = 0; i < requests; i++) {
      float[] values = {0, 0, 0, 0};
      values[i % 8 < skew ? 2 : i % 4] = 3;
      String by =
          engine
              .infer(DIGITS, List.of(Tensor.ofFloats(Shape.of(1, 4), values)), in(5_000))
              .provenance()
              .modelVersion();
      answered.merge(by, 1, Integer::sum);
    }
    return answered;
  }

  @Test
  void shouldGoBackByItselfWhenOneClassIsTakenForAnother() throws Exception {
    serveBothWithProbation(
        (inputs, outputs) -> {
          if (inputs.get(0).getFloat(1) == 3) {
            outputs.get(0).setFloat(0, 9);
          }
        });

    await(
        "it went back",
        () -> {
          try {
            ask(200, 0);
          } catch (Exception e) {
            throw new AssertionError(e);
          }
          return newest().state() == State.ROLLED_BACK;
        });

    assertThat(newest().reason()).contains("in other shares").contains("class=0");
    assertThat(newest().evidence().get("probation.mix")).contains("requestsOnBoth=512");
    // The journal says so first, then the switch follows.
    await(
        "1.0.0 answers",
        () -> engine.family("digits").routes().unnamed().version.toString().equals("1.0.0"));
    assertThat(ask(20, 0)).containsOnlyKeys("1.0.0");
  }

  @Test
  void shouldStayWhenOnlyTheInputsAreOthers() throws Exception {
    serveBothWithProbation((inputs, outputs) -> {});

    await(
        "both answered the same requests",
        () -> {
          try {
            ask(200, 4);
          } catch (Exception e) {
            throw new AssertionError(e);
          }
          Rollout.Part part = engine.rollouts().part("digits");
          return part != null && part.mix != null && part.mix.decided();
        });

    assertThat(ask(500, 4)).containsOnlyKeys("2.0.0");
    assertThat(newest().state()).isEqualTo(State.PROBATION);
  }
}
