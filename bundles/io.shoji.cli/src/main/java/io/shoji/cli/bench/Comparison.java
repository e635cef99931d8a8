/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.cli.CommandException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Latency of several models, or of a model on several accelerators, side by side: all are loaded,
 * and take turns in short rounds, so that whatever else goes on in the machine meets all of them.
 * Figures are medians over the rounds, and a ratio is one of figures of the same round.
 *
 * <p>Each round begins with another of them. One caller at a time, one query after the other; the
 * end of one query is the begin of the next, so that nothing lies between them unmeasured.
 */
public final class Comparison {
  private static final int WARM_UP_RUNS = 2;

  private final Settings settings;
  private final LongSupplier nanoTime;
  private final Progress progress;

  /**
   * How long is measured.
   *
   * @param rounds at least 1, better 5 and more
   * @param roundNanos least time of each round of each candidate
   * @param roundRuns least number of inferences of each round
   * @param warmUpNanos time that each candidate runs before the first round
   */
  public record Settings(int rounds, long roundNanos, int roundRuns, long warmUpNanos) {
    /** Eleven rounds of 200 ms and at least 10 inferences each, after half a second. */
    public static Settings defaults() {
      return new Settings(11, 200_000_000, 10, 500_000_000);
    }

    /** Checks that something is measured. */
    public Settings {
      if (rounds < 1 || roundRuns < 1 || roundNanos < 0 || warmUpNanos < 0) {
        throw new IllegalArgumentException(
            "nothing would be measured rounds=" + rounds + " roundRuns=" + roundRuns);
      }
    }
  }

  /**
   * Something that is compared.
   *
   * @param name for people, different from the others'
   * @param accelerator to load it on
   * @param artifact what is loaded; may be that of another candidate
   * @param inputs what it is run on, of batch 1 if latencies of different models are to compare
   */
  public record Candidate(
      String name, Accelerator accelerator, ModelArtifact artifact, InputSource inputs) {}

  /**
   * What was measured of a candidate; times in nanoseconds, each the median over the rounds.
   *
   * @param name of the candidate
   * @param accelerator that it ran on, as {@code cpu:cpu0 (...)}
   * @param runs inferences that were measured, of all rounds
   * @param medianNanos latency
   * @param p90Nanos latency
   * @param p99Nanos latency
   * @param ratio of the candidate's median latency to that of the first candidate, median over the
   *     rounds: below 1 is faster; 1 for the first itself
   * @param ratioLow lower quartile of the rounds' ratios
   * @param ratioHigh upper quartile
   */
  public record Figures(
      String name,
      String accelerator,
      long runs,
      long medianNanos,
      long p90Nanos,
      long p99Nanos,
      double ratio,
      double ratioLow,
      double ratioHigh) {}

  /** Is told how far the measurement is. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Something goes on.
     *
     * @param done from 0 to 1
     * @param what goes on, for people
     */
    void report(double done, String what);
  }

  Comparison(Settings settings, LongSupplier nanoTime, Progress progress) {
    this.settings = settings;
    this.nanoTime = nanoTime;
    this.progress = progress;
  }

  /**
   * What came of a comparison.
   *
   * @param figures one for each candidate, in order
   * @param rounds that all of them made
   * @param complete whether these are all rounds that were asked for
   */
  record Outcome(List<Figures> figures, int rounds, boolean complete) {}

  /**
   * Loads all candidates, measures them by turns, and closes them.
   *
   * @param candidates at least one; the first is what the others are compared with
   * @return one for each candidate, in order
   * @throws AcceleratorException if a candidate cannot be loaded or a run fails
   * @throws CommandException if a candidate's inputs cannot be made
   * @throws IllegalArgumentException if its inputs do not fit it
   * @throws InterruptedException if the thread was interrupted; all are closed
   */
  public static List<Figures> measure(
      List<Candidate> candidates, Settings settings, Progress progress)
      throws AcceleratorException, CommandException, InterruptedException {
    Outcome outcome = measureUntilInterrupted(candidates, settings, progress);
    if (!outcome.complete()) {
      throw new InterruptedException("interrupted after rounds=" + outcome.rounds());
    }
    return outcome.figures();
  }

  /** The same, but with the rounds that were made before an interrupt, which is consumed. */
  static Outcome measureUntilInterrupted(
      List<Candidate> candidates, Settings settings, Progress progress)
      throws AcceleratorException, CommandException, InterruptedException {
    List<Inference> inferences = new ArrayList<>();
    List<LoadedModel> models = new ArrayList<>();
    try {
      for (Candidate candidate : candidates) {
        progress.report(0, "loading " + candidate.name());
        LoadedModel model =
            candidate.accelerator().load(candidate.artifact(), LoadOptions.defaults());
        models.add(model);
        inferences.add(BoundInference.of(model, candidate.inputs().samples(model.inputs())));
      }
      List<Rounds> all = new Comparison(settings, System::nanoTime, progress).rounds(inferences);
      int rounds = all.stream().mapToInt(Rounds::count).min().orElse(0);
      if (rounds == 0) {
        throw new InterruptedException("interrupted in the first round");
      }
      List<Figures> figures = new ArrayList<>();
      for (int i = 0; i < candidates.size(); i++) {
        Candidate candidate = candidates.get(i);
        figures.add(
            all.get(i)
                .figures(
                    candidate.name(),
                    candidate.accelerator().info().toString(),
                    all.get(0),
                    rounds));
      }
      return new Outcome(figures, rounds, rounds == settings.rounds());
    } finally {
      inferences.forEach(Inference::close);
      models.forEach(LoadedModel::close);
    }
  }

  /** Measures by turns, until the thread is interrupted or all rounds are made. */
  List<Rounds> rounds(List<Inference> inferences) throws AcceleratorException {
    List<Rounds> all = new ArrayList<>();
    for (Inference inference : inferences) {
      progress.report(0, "warming up");
      all.add(new Rounds(settings.rounds()));
      run(inference, settings.warmUpNanos(), 1, new Latencies());
    }
    int count = inferences.size();
    Latencies latencies = new Latencies();
    for (int round = 0; round < settings.rounds(); round++) {
      for (int turn = 0; turn < count; turn++) {
        if (Thread.interrupted()) {
          return all;
        }
        progress.report(
            (double) (round * count + turn) / (settings.rounds() * count),
            "round " + (round + 1) + " of " + settings.rounds());
        // Forwards in one round and backwards in the next, each time from another one on.
        int step = round % 2 == 0 ? turn : count - 1 - turn;
        int which = (step + round / 2) % count;
        Inference inference = inferences.get(which);
        for (int i = 0; i < WARM_UP_RUNS; i++) {
          inference.run(i % inference.samples());
        }
        latencies.clear();
        run(inference, settings.roundNanos(), settings.roundRuns(), latencies);
        all.get(which).add(latencies);
      }
    }
    progress.report(1, "measured");
    return all;
  }

  private void run(Inference inference, long leastNanos, long leastRuns, Latencies latencies)
      throws AcceleratorException {
    int[] order = SampleOrder.of(inference.samples());
    long begin = nanoTime.getAsLong();
    long issued = begin;
    long runs = 0;
    do {
      inference.run(order[(int) runs & (order.length - 1)]);
      long completed = nanoTime.getAsLong();
      latencies.record(completed - issued);
      issued = completed;
      runs++;
    } while (issued - begin < leastNanos || runs < leastRuns);
  }

  /** What the rounds of a candidate gave. */
  static final class Rounds {
    private final long[] median;
    private final long[] p90;
    private final long[] p99;
    private long runs;
    private int count;

    Rounds(int rounds) {
      median = new long[rounds];
      p90 = new long[rounds];
      p99 = new long[rounds];
    }

    private void add(Latencies latencies) {
      median[count] = latencies.percentileNanos(0.5);
      p90[count] = latencies.percentileNanos(0.9);
      p99[count] = latencies.percentileNanos(0.99);
      runs += latencies.count();
      count++;
    }

    /** How many were made. */
    int count() {
      return count;
    }

    /**
     * Figures of the first rounds.
     *
     * @param rounds at least 1
     */
    Figures figures(String name, String accelerator, Rounds first, int rounds) {
      double[] ratios = new double[rounds];
      for (int i = 0; i < ratios.length; i++) {
        ratios[i] = (double) median[i] / Math.max(1, first.median[i]);
      }
      Arrays.sort(ratios);
      return new Figures(
          name,
          accelerator,
          runs,
          middle(median, rounds),
          middle(p90, rounds),
          middle(p99, rounds),
          quantile(ratios, 0.5),
          quantile(ratios, 0.25),
          quantile(ratios, 0.75));
    }

    private static long middle(long[] values, int rounds) {
      double[] sorted = Arrays.stream(values, 0, rounds).asDoubleStream().sorted().toArray();
      return Math.round(quantile(sorted, 0.5));
    }

    /** Between neighbours by straight line. */
    private static double quantile(double[] sorted, double fraction) {
      double at = fraction * (sorted.length - 1);
      int below = (int) at;
      int above = Math.min(below + 1, sorted.length - 1);
      return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
  }
}
