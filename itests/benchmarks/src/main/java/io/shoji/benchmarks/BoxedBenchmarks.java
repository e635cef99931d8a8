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
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Measures Kura's inference engine service, with its lists of boxed values, against the direct
 * path, as {@link Benchmarks} measures that.
 *
 * <p>Arguments: rounds (5), iterations per round (5), milliseconds per iteration (500).
 */
public final class BoxedBenchmarks {
  private static final double DIGITS_RATIO = 2;
  private static final double PICTURE_RATIO = 1.3;

  private record Pair(BoxedModel model, BoxedWay way) {}

  private final Map<Pair, Runs> runs = new HashMap<>();

  /** See the class. */
  public static void main(String[] arguments) throws RunnerException {
    int[] numbers = {5, 5, 500};
    for (int i = 0; i < Math.min(numbers.length, arguments.length); i++) {
      numbers[i] = Integer.parseInt(arguments[i]);
    }
    BoxedBenchmarks benchmarks = new BoxedBenchmarks();
    benchmarks.measure(numbers[0], numbers[1], numbers[2]);
    benchmarks.print(System.out);
  }

  /** Measures all, each round in another order. */
  void measure(int rounds, int iterations, int millis) throws RunnerException {
    Random random = new Random(1);
    List<Pair> pairs = new ArrayList<>();
    for (BoxedModel model : BoxedModel.values()) {
      for (BoxedWay way : BoxedWay.values()) {
        pairs.add(new Pair(model, way));
      }
    }
    for (int round = 0; round < rounds; round++) {
      Collections.shuffle(pairs, random);
      for (Pair pair : pairs) {
        runs(pair.model, pair.way)
            .measure(
                BoxedBenchmark.class,
                "infer",
                Map.of("model", pair.model.name(), "way", pair.way.name()),
                iterations,
                millis);
      }
    }
  }

  private Runs runs(BoxedModel model, BoxedWay way) {
    return runs.computeIfAbsent(new Pair(model, way), each -> new Runs());
  }

  /** Prints the table and the bars. */
  void print(PrintStream out) {
    out.printf("%nLatency, us; in brackets garbage, bytes per inference.%n%n%-18s", "model");
    for (BoxedWay way : BoxedWay.values()) {
      out.printf("%28s", way.title());
    }
    out.println();
    for (BoxedModel model : BoxedModel.values()) {
      out.printf("%-18s", model.title());
      for (BoxedWay way : BoxedWay.values()) {
        Runs each = runs(model, way);
        out.printf("%18.2f (%7.0f)", each.micros(), each.bytes());
      }
      out.println();
    }
    out.println();
    bars(out, BoxedModel.DIGITS, figures(BoxedModel.DIGITS));
    bars(out, BoxedModel.PICTURE, figures(BoxedModel.PICTURE));
  }

  /**
   * The figures of a model, microseconds.
   *
   * @param direct of {@link BoxedWay#DIRECT}
   * @param unboxing of {@link BoxedWay#UNBOXING}
   * @param boxed of {@link BoxedWay#BOXED}
   */
  record Figures(double direct, double unboxing, double boxed) {}

  private Figures figures(BoxedModel model) {
    return new Figures(
        runs(model, BoxedWay.DIRECT).micros(),
        runs(model, BoxedWay.UNBOXING).micros(),
        runs(model, BoxedWay.BOXED).micros());
  }

  /** Prints the bar of a model. */
  static void bars(PrintStream out, BoxedModel model, Figures figures) {
    switch (model) {
      case DIGITS ->
          Bar.print(
              out,
              model.title(),
              "boxed over direct",
              figures.boxed / figures.direct,
              DIGITS_RATIO,
              "x");
      case PICTURE ->
          Bar.print(
              out,
              model.title(),
              "boxed over direct and unboxing",
              figures.boxed / (figures.direct + figures.unboxing),
              PICTURE_RATIO,
              "x");
    }
  }
}
