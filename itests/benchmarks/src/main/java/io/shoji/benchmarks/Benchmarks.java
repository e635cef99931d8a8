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
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

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
  private static final String GARBAGE = "gc.alloc.rate.norm";

  private final int rounds;
  private final int iterations;
  private final int millis;
  private final List<BenchmarkModel> models;
  private final Map<Pair, Samples> samples = new HashMap<>();

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

  /** What each iteration gave. */
  private static final class Samples {
    private final List<Double> nanos = new ArrayList<>();
    private final List<Double> garbage = new ArrayList<>();
  }

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
    Options options =
        new OptionsBuilder()
            .include(InferenceBenchmark.class.getName() + ".infer")
            .param("model", pair.model.name())
            .param("way", pair.way.name())
            .forks(1)
            .threads(1)
            .warmupIterations(Math.max(1, iterations - 1))
            .warmupTime(TimeValue.milliseconds(millis))
            .measurementIterations(iterations)
            .measurementTime(TimeValue.milliseconds(millis))
            .addProfiler(GCProfiler.class)
            .jvmArgsAppend("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC")
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .build();
    Collection<RunResult> results = new Runner(options).run();
    for (RunResult result : results) {
      result.getBenchmarkResults().stream()
          .flatMap(benchmark -> benchmark.getIterationResults().stream())
          .forEach(iteration -> add(pair, iteration));
    }
  }

  private void add(Pair pair, IterationResult iteration) {
    Samples found = samples(pair);
    found.nanos.add(iteration.getPrimaryResult().getScore());
    iteration
        .getSecondaryResults()
        .forEach(
            (name, result) -> {
              if (name.endsWith(GARBAGE)) {
                found.garbage.add(result.getScore());
              }
            });
  }

  private Samples samples(Pair pair) {
    return samples.computeIfAbsent(pair, each -> new Samples());
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

  /** Prints a bar; 1 if it is missed, else 0. */
  private static int bar(
      PrintStream out, BenchmarkModel model, String what, double found, double most, String unit) {
    boolean holds = found <= most;
    out.printf(
        "%-4s %-18s %-38s %9.3f %-2s (at most %.2f)%n",
        holds ? "PASS" : "MISS", model.title(), what, found, unit, most);
    return holds ? 0 : 1;
  }

  private double micros(BenchmarkModel model, Way way) {
    return median(samples(new Pair(model, way)).nanos) / 1_000;
  }

  private double bytes(BenchmarkModel model, Way way) {
    return median(samples(new Pair(model, way)).garbage);
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    if (sorted.length == 0) {
      return Double.NaN;
    }
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
