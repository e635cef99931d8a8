/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Measures each way on each model in several rounds, each round in another order and each pair in a
 * JVM of its own, and prints one table of medians with the bars that they are held against.
 *
 * <p>Arguments: rounds (5), iterations per round (5), milliseconds per iteration (500), models
 * (all, or names with commas).
 */
public final class Benchmarks {
  private static final double DRIVER_SMALL_RATIO = 1.35;
  private static final double DRIVER_LARGE_RATIO = 1.05;
  private static final double ENGINE_MICROS = 3;
  private static final double GARBAGE_BYTES = 512;

  private final int rounds;
  private final int iterations;
  private final int millis;
  private final List<BenchmarkModel> models;
  private final Map<Pair, Runs> runs = new HashMap<>();

  /** Measurements to come. */
  Benchmarks(int rounds, int iterations, int millis, List<BenchmarkModel> models) {
    this.rounds = rounds;
    this.iterations = iterations;
    this.millis = millis;
    this.models = List.copyOf(models);
  }

  /** See the class. */
  public static void main(String[] arguments) throws RunnerException {
    int[] numbers = {5, 5, 500};
    for (int i = 0; i < Math.min(numbers.length, arguments.length); i++) {
      numbers[i] = Integer.parseInt(arguments[i]);
    }
    List<BenchmarkModel> models =
        arguments.length <= numbers.length
            ? List.of(BenchmarkModel.values())
            : Arrays.stream(arguments[numbers.length].split(","))
                .map(BenchmarkModel::valueOf)
                .toList();
    Benchmarks benchmarks = new Benchmarks(numbers[0], numbers[1], numbers[2], models);
    benchmarks.measure();
    benchmarks.print(System.out);
  }

  private record Pair(BenchmarkModel model, Way way) {}

  /** Measures all. */
  void measure() throws RunnerException {
    Random random = new Random(1);
    List<Pair> pairs = new ArrayList<>();
    for (BenchmarkModel model : models) {
      for (Way way : Way.values()) {
        pairs.add(new Pair(model, way));
      }
    }
    for (int round = 0; round < rounds; round++) {
      Collections.shuffle(pairs, random);
      for (Pair pair : pairs) {
        measure(pair);
      }
    }
  }

  private void measure(Pair pair) throws RunnerException {
    runs(pair)
        .measure(
            InferenceBenchmark.class,
            "infer",
            Map.of("model", pair.model.name(), "way", pair.way.name()),
            iterations,
            millis);
  }

  private Runs runs(Pair pair) {
    return runs.computeIfAbsent(pair, each -> new Runs());
  }

  /** Prints the table and the bars. */
  void print(PrintStream out) {
    out.printf(
        "%nLatency, us, median of %d rounds of %d iterations; in brackets garbage, bytes per"
            + " inference. One intra-op thread.%n%n",
        rounds, iterations);
    out.printf("%-18s", "model");
    for (Way way : Way.values()) {
      out.printf("%26s", way.title());
    }
    out.printf("%17s%17s%n", "driver/pinned", "engine-driver us");
    for (BenchmarkModel model : models) {
      out.printf("%-18s", model.title());
      for (Way way : Way.values()) {
        out.printf("%18.2f (%5.0f)", micros(model, way), bytes(model, way));
      }
      out.printf(
          "%17.3f%17.2f%n",
          micros(model, Way.DRIVER) / micros(model, Way.JAVA_PINNED),
          micros(model, Way.ENGINE) - micros(model, Way.DRIVER));
    }
    out.println();
    int missed = 0;
    for (BenchmarkModel model : models) {
      double ratio = micros(model, Way.DRIVER) / micros(model, Way.JAVA_PINNED);
      if (model == BenchmarkModel.SMALL) {
        missed += bar(out, model, "driver over pinned binding", ratio, DRIVER_SMALL_RATIO, "x");
      }
      if (model == BenchmarkModel.LARGE) {
        missed += bar(out, model, "driver over pinned binding", ratio, DRIVER_LARGE_RATIO, "x");
      }
      missed +=
          bar(
              out,
              model,
              "engine above driver",
              micros(model, Way.ENGINE) - micros(model, Way.DRIVER),
              ENGINE_MICROS,
              "us");
      missed +=
          bar(
              out,
              model,
              "engine over allocating binding",
              micros(model, Way.ENGINE) / micros(model, Way.JAVA_ALLOCATED),
              1,
              "x");
      missed +=
          bar(
              out,
              model,
              "garbage of the engine's direct path",
              bytes(model, Way.ENGINE),
              GARBAGE_BYTES,
              "B");
    }
    out.println(missed == 0 ? "all bars hold" : "bars missed: " + missed);
  }

  private static int bar(
      PrintStream out, BenchmarkModel model, String what, double found, double most, String unit) {
    return Bar.print(out, model.title(), what, found, most, unit);
  }

  private double micros(BenchmarkModel model, Way way) {
    return runs(new Pair(model, way)).micros();
  }

  private double bytes(BenchmarkModel model, Way way) {
    return runs(new Pair(model, way)).bytes();
  }
}
