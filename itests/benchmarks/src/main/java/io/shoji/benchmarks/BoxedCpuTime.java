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

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The processor time that the calling thread takes for what {@link BoxedBenchmarks} measures by the
 * clock: for a machine that does something else meanwhile. The ways take turns in one JVM; each
 * figure is the median of the rounds after the first few.
 *
 * <p>Arguments: rounds (20), milliseconds per round and way (500).
 */
public final class BoxedCpuTime {
  private static final int WARM_UP = 5;

  private BoxedCpuTime() {}

  /** See the class. */
  public static void main(String[] arguments) throws Exception {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 20;
    int millis = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 500;
    System.out.printf("%nProcessor time, us, median of %d rounds.%n%n%-18s", rounds, "model");
    for (BoxedWay way : BoxedWay.values()) {
      System.out.printf("%22s", way.title());
    }
    System.out.println();
    Map<BoxedModel, BoxedBenchmarks.Figures> all = new EnumMap<>(BoxedModel.class);
    for (BoxedModel model : BoxedModel.values()) {
      BoxedBenchmarks.Figures micros = measure(model, rounds, millis);
      all.put(model, micros);
      System.out.printf(
          "%-18s%22.2f%22.2f%22.2f%n",
          model.title(), micros.direct(), micros.unboxing(), micros.boxed());
    }
    System.out.println();
    all.forEach((model, figures) -> BoxedBenchmarks.bars(System.out, model, figures));
    // Threads of the framework may outlive it for a moment.
    System.exit(0);
  }

  private static BoxedBenchmarks.Figures measure(BoxedModel model, int rounds, int millis)
      throws Exception {
    Path work = Path.of(System.getProperty("benchmarks.work", "target/work"));
    Map<BoxedWay, Subject> subjects = new EnumMap<>(BoxedWay.class);
    Map<BoxedWay, double[]> samples = new EnumMap<>(BoxedWay.class);
    for (BoxedWay way : BoxedWay.values()) {
      Subject subject = way.open(model, work);
      if (!(subject.checksum() > 0)) {
        throw new IllegalStateException("the outputs are empty");
      }
      subjects.put(way, subject);
      samples.put(way, new double[rounds]);
    }
    for (int round = -WARM_UP; round < rounds; round++) {
      for (Map.Entry<BoxedWay, Subject> each : subjects.entrySet()) {
        double micros = micros(each.getValue(), millis);
        if (round >= 0) {
          samples.getOrDefault(each.getKey(), new double[rounds])[round] = micros;
        }
      }
    }
    for (Subject subject : subjects.values()) {
      subject.stop();
    }
    return new BoxedBenchmarks.Figures(
        median(samples.get(BoxedWay.DIRECT)),
        median(samples.get(BoxedWay.UNBOXING)),
        median(samples.get(BoxedWay.BOXED)));
  }

  private static double median(double @Nullable [] samples) {
    double[] sorted = samples == null ? new double[] {Double.NaN} : samples.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static double micros(Subject subject, int millis) throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long end = System.nanoTime() + millis * 1_000_000L;
    long count = 0;
    long start = threads.getCurrentThreadCpuTime();
    while (System.nanoTime() - end < 0) {
      for (int i = 0; i < 32; i++) {
        subject.run();
      }
      count += 32;
    }
    return (threads.getCurrentThreadCpuTime() - start) / 1e3 / count;
  }
}
