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

import io.shoji.accelerator.Precision;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.Proof;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * How often the judge is wrong: with models of which the right answers are known, and the judge,
 * the comparison and the figures of the golden samples as they are in the engine.
 */
class JudgeTest {
  private static final int CLASSES = 10;

  /** More requests than that nobody waits for; what is undecided by then goes live. */
  private static final int MOST_REQUESTS = 60_000;

  private static final ModelDescription MODEL = description("classification");
  private static final Agreement AGREEMENT = new Agreement(MODEL, Precision.FP32, Precision.INT8);

  private static ModelDescription description(String task) {
    ModelDescription like =
        FakePackage.description(
            "digits",
            "1.0.0",
            "digits",
            List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4))),
            List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, CLASSES))));
    return new ModelDescription(
        like.name(),
        like.version(),
        "",
        "",
        "",
        task,
        like.inputs(),
        like.outputs(),
        List.of(),
        like.variants(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        "digits");
  }

  /**
   * Two models that each get 5 % wrong of what the other gets right or wrong by itself, so that
   * they are as good and differ in about {@code differing}.
   *
   * @param differing share of answers that the two give otherwise although both are as good
   * @param lost share of answers that the new one loses on top of it, among golden samples
   * @param lostLive the same among live requests
   */
  private record World(double differing, double lost, double lostLive) {
    /** The right class, and what the two answer. */
    int[] sample(SplittableRandom random, boolean live) {
      int right = random.nextInt(CLASSES);
      int before = right;
      int after = right;
      double draw = random.nextDouble();
      if (draw < differing / 2) {
        before = other(random, right);
      } else if (draw < differing) {
        after = other(random, right);
      } else if (draw < differing + 0.03) {
        // Too hard for both.
        before = other(random, right);
        after = before;
      } else if (draw < differing + 0.03 + (live ? lostLive : lost)) {
        after = other(random, right);
      }
      return new int[] {right, before, after};
    }

    private static int other(SplittableRandom random, int than) {
      return (than + 1 + random.nextInt(CLASSES - 1)) % CLASSES;
    }
  }

  private static List<Tensor> scores(SplittableRandom random, int largest) {
    Tensor scores = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, CLASSES));
    for (int i = 0; i < CLASSES; i++) {
      scores.setFloat(i, (float) random.nextDouble());
    }
    scores.setFloat(largest, 2);
    return List.of(scores);
  }

  /** Whether a new model is refused, by its golden samples or by its canary. */
  private static boolean refused(World world, int golden, SplittableRandom random) {
    int differing = 0;
    int lost = 0;
    int won = 0;
    for (int i = 0; i < golden; i++) {
      int[] sample = world.sample(random, false);
      differing += AGREEMENT.differing(scores(random, sample[1]), scores(random, sample[2]));
      lost += sample[1] == sample[0] && sample[2] != sample[0] ? 1 : 0;
      won += sample[2] == sample[0] && sample[1] != sample[0] ? 1 : 0;
    }
    Likeness likeness = new Likeness(golden, differing, golden, lost, won, 0, 0);
    if (likeness.regression().isPresent()) {
      return true;
    }
    Judge judge = new Judge(likeness, false, true, 0);
    for (int i = 0; i < MOST_REQUESTS && !judge.cleared(); i++) {
      int[] sample = world.sample(random, true);
      judge.compared(
          1,
          AGREEMENT.differing(scores(random, sample[1]), scores(random, sample[2])),
          1_000_000,
          1_000_000 + random.nextInt(500_000));
      if (judge.against().isPresent()) {
        return true;
      }
    }
    return false;
  }

  /**
   * The least number that is exceeded with a probability of at most one in a thousand, if each of
   * {@code rounds} happens with a probability of 1 %.
   */
  private static int binomialBound(int rounds) {
    double probability = Math.pow(0.99, rounds);
    double sum = probability;
    int most = 0;
    while (sum < 0.999) {
      most++;
      probability *= (rounds - most + 1) / (double) most * 0.01 / 0.99;
      sum += probability;
    }
    return most;
  }

  /** 2,000 rollouts in all in the long form. */
  @ParameterizedTest
  @CsvSource({
    // As good: alike, or with answers of its own.
    "0.01, 0, 0, 600, false",
    "0.06, 0, 0, 2000, false",
    // Five points worse in the field only, so that golden samples do not show it.
    "0.01, 0, 0.05, 600, true",
    "0.06, 0, 0.05, 2000, true",
    // Five points worse everywhere, which golden samples show too.
    "0.02, 0.05, 0.05, 1200, true",
  })
  void shouldBeWrongInAtMostOneOfAHundredRollouts(
      double differing, double lost, double lostLive, int golden, boolean worse) {
    int rounds = Proof.rounds(40, 400);
    SplittableRandom random = new SplittableRandom(20261122);
    int wrong = 0;
    for (int i = 0; i < rounds; i++) {
      if (refused(new World(differing, lost, lostLive), golden, random.split()) != worse) {
        wrong++;
      }
    }
    System.out.println(
        "rollouts="
            + rounds
            + " differing="
            + differing
            + " lostGolden="
            + lost
            + " lostLive="
            + lostLive
            + " wrong="
            + wrong);
    assertThat(wrong).isLessThanOrEqualTo(binomialBound(rounds));
  }

  @Test
  void shouldSayHowManyPointsAreFoundWhenThereAreFewGoldenSamples() {
    Judge few = new Judge(new Likeness(50, 2, 0, 0, 0, 0, 0), false, true, 0);
    Judge many = new Judge(new Likeness(5_000, 50, 0, 0, 0, 0, 0), false, true, 0);

    assertThat(Double.parseDouble(few.evidence().get("canary.detects"))).isGreaterThan(0.1);
    assertThat(Double.parseDouble(many.evidence().get("canary.detects"))).isEqualTo(0.05);
  }

  @Test
  void shouldJudgeFailuresAndTimeOnlyWhenNothingIsKnownOfOtherContents() {
    Judge judge = new Judge(Likeness.UNKNOWN, false, true, 0);
    for (int i = 0; i < 500; i++) {
      judge.compared(1, 1, 1_000_000, 1_000_000);
    }
    assertThat(judge.against()).isEmpty();
    assertThat(judge.cleared()).isTrue();

    Judge slow = new Judge(Likeness.UNKNOWN, false, true, 0);
    for (int i = 0; i < 100; i++) {
      slow.compared(1, 0, 10_000_000, 40_000_000);
    }
    assertThat(slow.against()).hasValueSatisfying(r -> assertThat(r).contains("times as long"));

    Judge allowed = new Judge(Likeness.UNKNOWN, false, true, 50_000_000);
    for (int i = 0; i < 500; i++) {
      allowed.compared(1, 0, 10_000_000, 40_000_000);
    }
    assertThat(allowed.against()).isEmpty();
  }

  @Test
  void shouldAgreeByClassOrWithinPrecision() {
    List<Tensor> one = List.of(Tensor.ofFloats(Shape.of(2, 2), 1, 2, 4, 3));
    List<Tensor> near = List.of(Tensor.ofFloats(Shape.of(2, 2), 1, 2.01f, 4, 3));
    List<Tensor> other = List.of(Tensor.ofFloats(Shape.of(2, 2), 1, 2, 3, 4));
    List<Tensor> wrong = List.of(Tensor.ofFloats(Shape.of(2, 2), Float.NaN, 2, 4, 3));
    List<Tensor> shorter = List.of(Tensor.ofFloats(Shape.of(1, 2), 1, 2));

    assertThat(AGREEMENT.samples(one)).isEqualTo(2);
    assertThat(AGREEMENT.differing(one, near)).isZero();
    assertThat(AGREEMENT.differing(one, other)).isOne();
    assertThat(AGREEMENT.differing(one, wrong)).isOne();
    assertThat(AGREEMENT.differing(one, shorter)).isEqualTo(2);
    Agreement exact = new Agreement(description("regression"), Precision.FP32, Precision.FP32);
    assertThat(exact.differing(one, near)).isOne();
    assertThat(
            new Agreement(description("regression"), Precision.FP32, Precision.FP16)
                .differing(one, near))
        .isZero();
  }

  @Test
  void shouldSpeakAgainstItAtTheEndWhenItAnsweredNothing() {
    Judge judge = new Judge(Likeness.UNKNOWN, false, false, 0);
    judge.failed("TIMEOUT: one");
    judge.failed("TIMEOUT: other");

    assertThat(judge.against()).isEmpty();
    assertThat(judge.againstAtEnd())
        .hasValueSatisfying(
            reason -> assertThat(reason).contains("none", "failures=2", "TIMEOUT: other"));
    judge.compared(1, 0, 1, 1);
    assertThat(judge.againstAtEnd()).isEmpty();
  }

  @Test
  void shouldStopEarlyBothWays() {
    SequentialTest test = new SequentialTest(0.01, 0.06, 0.01, 0.01);
    int good = 0;
    while (test.add(false) == SequentialTest.Finding.OPEN) {
      good++;
    }
    assertThat(test.finding()).isEqualTo(SequentialTest.Finding.LOWER);
    assertThat(good).isBetween(50, 150);

    SequentialTest bad = new SequentialTest(0.01, 0.06, 0.01, 0.01);
    int events = 1;
    while (bad.add(true) == SequentialTest.Finding.OPEN) {
      events++;
    }
    assertThat(bad.finding()).isEqualTo(SequentialTest.Finding.HIGHER);
    assertThat(events).isEqualTo(3);
    assertThat(bad.add(false)).isEqualTo(SequentialTest.Finding.HIGHER);
  }

  @Test
  void shouldRefuseRatesThatAreNone() {
    assertThatThrownBy(() -> new SequentialTest(0.2, 0.1, 0.01, 0.01))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("p0=0.2 p1=0.1");
  }
}
