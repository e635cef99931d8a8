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

import io.shoji.accelerator.Accelerator;
import io.shoji.testkit.FastFolder;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedDisk;
import io.shoji.testkit.UnsyncedDisk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Version;

/**
 * The power goes at each single change that store, pins and journal make on disk while a real model
 * is upgraded, refused, rolled back and tidied up: afterwards the old or the new version answers,
 * journal and store agree, and the next upgrade works.
 */
class PowerCutTest {
  @TempDir(factory = FastFolder.class)
  Path temp;

  private RealAccelerators real;
  private Accelerator cpu;

  /** What may answer after a power cut from some change on. */
  private record Step(int from, NumberedModel bundle, long lastModified, Set<String> allowed) {}

  @BeforeEach
  void start() throws Exception {
    real = new RealAccelerators(Files.createDirectory(temp.resolve("real")));
    cpu = real.cpu();
  }

  @AfterEach
  void stop() throws Exception {
    real.close();
  }

  private List<Step> live(Path parent, SimulatedDisk disk) throws Exception {
    NumberedModel first = new NumberedModel(1, true);
    NumberedModel second = new NumberedModel(2, true);
    NumberedModel bad = new NumberedModel(3, false);
    NumberedModel fourth = new NumberedModel(4, true);
    List<Step> steps = new ArrayList<>();
    try (SmallGateway gateway = new SmallGateway(parent, disk, cpu)) {
      steps.add(new Step(0, first, 1, Set.of("1.0.0")));
      upgrade(gateway, first, 1, "1.0.0");
      steps.add(new Step(disk.done(), second, 2, Set.of("1.0.0", "2.0.0")));
      upgrade(gateway, second, 2, "2.0.0");
      steps.add(new Step(disk.done(), bad, 3, Set.of("2.0.0")));
      upgrade(gateway, bad, 3, "2.0.0");
      steps.add(new Step(disk.done(), fourth, 4, Set.of("2.0.0", "4.0.0")));
      upgrade(gateway, fourth, 4, "4.0.0");
      steps.add(new Step(disk.done(), fourth, 4, Set.of("4.0.0", "2.0.0")));
      assertThat(gateway.operator.rollback("digits")).isEqualTo(new Version("2.0.0"));
      EngineFixture.await("rolled back", () -> answers(gateway, "2.0.0"));
      gateway.settle();
      gateway.collect();
    }
    return steps;
  }

  private static void upgrade(
      SmallGateway gateway, NumberedModel to, long lastModified, String answers) throws Exception {
    gateway.bundle(to, lastModified);
    gateway.settle();
    EngineFixture.await(answers + " answers", () -> answers(gateway, answers));
    //
    assertThat(gateway.journal.lastGood("digits").orElseThrow().version()).isEqualTo(answers);
  }

  private static boolean answers(SmallGateway gateway, String version) {
    try {
      return gateway.answering().equals(version);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldAnswerWithOldOrNewAndUpgradeAgainWhenPowerGoesAtAnyChange() throws Exception {
    Path parent = Files.createDirectory(temp.resolve("lives"));
    SimulatedDisk disk = new SimulatedDisk(parent);
    List<Step> steps = live(parent, disk);
    Path work = Files.createDirectory(temp.resolve("work"));
    long seed = System.nanoTime();
    System.out.println("seed=" + seed + " changes=" + disk.done());
    Random random = new Random(seed);
    int stride = Proof.rounds(Math.max(1, disk.done() / 30), 1);

    int played = 0;
    for (int after = random.nextInt(stride); after <= disk.done(); after += stride) {
      int now = after;
      Step step = steps.stream().filter(s -> s.from() <= now).reduce((a, b) -> b).orElseThrow();
      played +=
          disk.powerCuts(
              after,
              Proof.rounds(1, 16),
              work,
              random,
              (image, what) -> recover(image, step, seed + " " + what));
    }
    System.out.println("power cuts played=" + played);
    assertThat(played).isGreaterThan(20);
  }

  private void recover(Path image, Step step, String what) throws Exception {
    try (SmallGateway gateway = new SmallGateway(image, new UnsyncedDisk(), cpu)) {
      assertThat(image.resolve("store/staging")).as(what).isEmptyDirectory();
      assertThat(image.resolve("operations/changes.damaged")).as(what).doesNotExist();
      gateway.bundle(step.bundle(), step.lastModified());
      assertThat(gateway.answering()).as(what).isIn(step.allowed());
      gateway.settle();
      assertThat(gateway.answering()).as(what).isIn(step.allowed());
      gateway
          .journal
          .lastGood("digits")
          .ifPresent(good -> assertThat(gateway.stored()).as(what).contains(good.version()));

      gateway.operator.unpin("digits");
      gateway.bundle(new NumberedModel(9, true), 9);
      gateway.settle();
      EngineFixture.await("upgrade " + what, () -> answers(gateway, "9.0.0"));
      gateway.collect();
    }
  }
}
