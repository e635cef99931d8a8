/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.shoji.itests.swap.probe.Probe;
import io.shoji.testkit.FelixWithPackages;
import io.shoji.testkit.Proof;
import io.shoji.testkit.Samples;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * A small model answers clients that send on a timetable of their own, while a large one is
 * installed, loaded, accepted and replaced by its next version, again and again.
 */
class NeighboursIT {
  private static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  private static final int ROUNDS = Proof.rounds(3, 20);

  /** 200 MB of weights, or 20 MB. */
  private static final int WIDTH = Proof.rounds(1_024, 4_096);

  private static final int LAYERS = Proof.rounds(5, 3);
  private static final double LOAD = 0.3;
  private static final long CAPACITY_MS = Proof.rounds(200, 1_000);
  private static final long SETTLING_MS = Proof.rounds(100, 1_000);

  /** How long a steady time is at least; else as long as the one with the large model before it. */
  private static final long STEADY_MS = Proof.rounds(300, 2_000);

  /** The old version is closed within this time. */
  private static final long TAIL_MS = Proof.rounds(100, 500);

  private static final long DEADLINE_MS = Proof.rounds(60_000, 300_000);

  /** A status has the distributions of all latencies: asking for it often would be a load. */
  private static final long STATUS_MS = 100;

  private static final int QUESTIONS = 96;
  private static final int ENOUGH_QUIET = 5;
  private static final double MOST_SLOWDOWN = 1.5;

  private final Path shoji = Path.of(System.getProperty("swap.shoji"));
  private final Path work = Path.of(System.getProperty("swap.work"));
  private final Answers answers = new Answers();
  private final List<Window> steady = new ArrayList<>();
  private final List<Window> disturbed = new ArrayList<>();
  private final Latencies steadyAll = new Latencies();
  private final Latencies disturbedAll = new Latencies();

  @Test
  void shouldAnswerNearlyAsFastWhileALargeModelIsLoadedAcceptedAndSwapped() throws Exception {
    Path folder = Files.createDirectories(work.resolve("neighbours"));
    Samples samples = new Samples(shoji.resolve("io.shoji.model.digits.jar"));
    List<Map<String, Object>> questions = new ArrayList<>();
    for (int i = 0; i < QUESTIONS; i++) {
      questions.add(
          Map.of(
              "model",
              "digits",
              "values",
              samples.sample("input.image", i),
              "shape",
              samples.sampleShape("input.image"),
              "timeoutMs",
              DEADLINE_MS));
    }
    try (FelixWithPackages felix =
        new FelixWithPackages(
            folder.resolve("framework"),
            Path.of(System.getProperty("swap.platform")),
            shoji,
            Probe.class)) {
      // What was replaced is not kept to go back to: the other version is loaded anew each time.
      felix.configure("io.shoji.engine", Map.of("probationMs", 0));
      felix.deploy(
          felix.write(
              folder,
              "io.shoji.core",
              "1.0.0",
              "io.shoji.api",
              "io.shoji.jna",
              "io.shoji.natives",
              "io.shoji.models",
              "io.shoji.engine",
              "io.shoji.pipeline"));
      felix.deploy(
          felix.write(
              folder,
              "io.shoji.driver.cpu",
              "1.0.0",
              "io.shoji.onnxruntime.linux." + ARCHITECTURE,
              "io.shoji.driver.cpu"));
      felix.deploy(felix.write(folder, "io.shoji.model.digits", "1.0.0", "io.shoji.model.digits"));
      String[] versions = {"1.0.0", "1.0.1"};
      Path[] large = new Path[versions.length];
      for (int i = 0; i < versions.length; i++) {
        Path bundle = LargeModelBundle.write(folder, versions[i], WIDTH, LAYERS);
        large[i] =
            felix.writeFiles(
                folder, "io.shoji.model." + LargeModelBundle.NAME, versions[i], bundle);
        Files.delete(bundle);
      }
      felix.startProbe();
      learn(felix, questions);

      Clients clients = new Clients(felix, answers, questions);
      double capacity = clients.capacity(CAPACITY_MS);
      clients.start(LOAD * capacity);
      try {
        replace(felix, clients, large, versions);
      } finally {
        clients.stop();
      }
      assertThat(answers.complaints()).isEmpty();
      assertThat(clients.answered())
          .as("answers to %d requests", clients.sent())
          .isEqualTo(clients.sent());
      System.out.printf(
          Locale.ROOT,
          "neighbours: weights=%d MB rounds=%d capacity=%.0f/s load=%.0f %% steady %s; with the"
              + " large model %s%n",
          4L * WIDTH * WIDTH * LAYERS / 1_000_000,
          ROUNDS,
          capacity,
          100 * LOAD,
          steadyAll,
          disturbedAll);
    }
    compare();
  }

  /** Every round: a steady time, then one in which the large model is replaced. */
  private void replace(FelixWithPackages felix, Clients clients, Path[] large, String[] versions)
      throws Exception {
    long millis = STEADY_MS;
    for (int round = 0; round < ROUNDS; round++) {
      clients.enter(Phase.SETTLING);
      Thread.sleep(SETTLING_MS);
      Window before = clients.enter(Phase.STEADY);
      Thread.sleep(Math.max(STEADY_MS, millis));
      long start = System.nanoTime();
      Window during = clients.enter(Phase.MODEL);
      felix.deploy(large[round % 2]);
      long deployed = System.nanoTime();
      List<String> steps = await(felix, versions[round % 2]);
      millis = (System.nanoTime() - start) / 1_000_000;
      Thread.sleep(TAIL_MS);
      clients.enter(Phase.SETTLING);
      before.fold(steadyAll);
      during.fold(disturbedAll);
      steady.add(before);
      disturbed.add(during);
      report(round, millis, (deployed - start) / 1_000_000, steps, before, during);
    }
  }

  private void learn(FelixWithPackages felix, List<Map<String, Object>> questions)
      throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE_MS * 1_000_000;
    while (!felix.call(questions.get(0)).containsKey("scores")) {
      assertThat(System.nanoTime() - deadline).as("nothing serves").isNegative();
      Thread.sleep(5);
    }
    float[][] all = new float[QUESTIONS][];
    Map<String, Object> answer = Map.of();
    for (int i = 0; i < QUESTIONS; i++) {
      answer = felix.call(questions.get(i));
      all[i] = (float[]) answer.get("scores");
    }
    answers.learn(Answers.Pair.of(answer), all);
  }

  /** Waits until that version of the large model serves; returns what was done, and how long. */
  private static List<String> await(FelixWithPackages felix, String version)
      throws InterruptedException {
    long start = System.nanoTime();
    List<String> steps = new ArrayList<>();
    String last = "";
    while (true) {
      String status =
          String.valueOf(felix.call(Map.of("status", LargeModelBundle.NAME)).get(version));
      if (!status.equals(last)) {
        steps.add(
            (System.nanoTime() - start) / 1_000_000
                + " ms "
                + status.replaceAll(" model=.*?accelerator=\\S+", ""));
        last = status;
      }
      if (status.startsWith("SERVING")) {
        return steps;
      }
      assertThat(System.nanoTime() - start)
          .as("version=%s is not served: %s", version, status)
          .isLessThan(DEADLINE_MS * 1_000_000);
      Thread.sleep(STATUS_MS);
    }
  }

  private static void report(
      int round, long millis, long deployMillis, List<String> steps, Window steady, Window now) {
    System.out.printf(
        Locale.ROOT,
        "neighbours: round=%d p99=%.0f us over %.0f us (%.2f) took=%d ms deploy=%d ms others=%.2f"
            + " over %.2f steps=%s threads=%s%n",
        round,
        now.p99Micros(),
        steady.p99Micros(),
        now.p99Micros() / steady.p99Micros(),
        millis,
        deployMillis,
        now.use().others(),
        steady.use().others(),
        steps,
        now.use().threads());
  }

  private void compare() {
    List<Double> ratios = new ArrayList<>();
    List<Double> quiet = new ArrayList<>();
    for (int i = 0; i < steady.size(); i++) {
      double ratio = disturbed.get(i).p99Micros() / steady.get(i).p99Micros();
      ratios.add(ratio);
      if (steady.get(i).use().quiet() && disturbed.get(i).use().quiet()) {
        quiet.add(ratio);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "neighbours: p99 with the large model over p99 right before, median: %.2f of %d rounds,"
            + " %.2f of the %d with others below 10 %%%n",
        median(ratios),
        ratios.size(),
        median(quiet),
        quiet.size());
    if (Proof.isLong()) {
      assumeThat(quiet.size())
          .as("rounds while no other process took a tenth of the processors")
          .isGreaterThanOrEqualTo(ENOUGH_QUIET);
      assertThat(median(quiet)).isLessThanOrEqualTo(MOST_SLOWDOWN);
    }
  }

  private static double median(List<Double> values) {
    return values.isEmpty() ? Double.NaN : values.stream().sorted().toList().get(values.size() / 2);
  }
}
