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

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** The iterations of one benchmark with one set of parameters, each run in a JVM of its own. */
final class Runs {
  private static final String GARBAGE = "gc.alloc.rate.norm";

  private final List<Double> nanos = new ArrayList<>();
  private final List<Double> garbage = new ArrayList<>();

  /** Runs a method of a benchmark once more. */
  void measure(
      Class<?> benchmark, String method, Map<String, String> parameters, int iterations, int millis)
      throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include(benchmark.getName() + "." + method)
            .forks(1)
            .threads(1)
            .warmupIterations(Math.max(1, iterations - 1))
            .warmupTime(TimeValue.milliseconds(millis))
            .measurementIterations(iterations)
            .measurementTime(TimeValue.milliseconds(millis))
            .addProfiler(GCProfiler.class)
            .jvmArgsAppend("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC")
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT);
    parameters.forEach((name, value) -> options.param(name, value));
    for (RunResult result : new Runner(options.build()).run()) {
      result.getBenchmarkResults().stream()
          .flatMap(each -> each.getIterationResults().stream())
          .forEach(this::add);
    }
  }

  private void add(IterationResult iteration) {
    nanos.add(iteration.getPrimaryResult().getScore());
    iteration
        .getSecondaryResults()
        .forEach(
            (name, result) -> {
              if (name.endsWith(GARBAGE)) {
                garbage.add(result.getScore());
              }
            });
  }

  /** Median time, microseconds. */
  double micros() {
    return median(nanos) / 1_000;
  }

  /** Median garbage, bytes. */
  double bytes() {
    return median(garbage);
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
