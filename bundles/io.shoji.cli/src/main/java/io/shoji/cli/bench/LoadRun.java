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

import io.shoji.accelerator.AcceleratorException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * One run of a scenario.
 *
 * <p>In SingleStream and MultiStream a query is issued when the one before is completed, and the
 * clock is read once for both: all the time of a run is the latency of some query, pauses of the
 * virtual machine included, so that none is left out (no coordinated omission). Nothing is
 * allocated between two queries. In Offline all samples are there from the begin, and the threads
 * take them until enough are done.
 */
final class LoadRun {
  private static final int LEAST_WARM_UP_RUNS = 2;

  private final LongSupplier nanoTime;
  private final Watcher watcher;

  /** Looks on, four times a second. */
  @FunctionalInterface
  interface Watcher {
    /**
     * Something was done.
     *
     * @param done share of what is asked for at least, from 0 to 1
     * @param queries completed so far; 0 while warming up
     */
    void tick(double done, long queries);
  }

  /**
   * When a run may end: when all of these are reached.
   *
   * @param leastNanos time
   * @param leastQueries queries; for Offline samples
   * @param warmUpNanos time before, which does not count
   */
  record Limits(long leastNanos, long leastQueries, long warmUpNanos) {}

  /**
   * What came of a run.
   *
   * @param queries completed; one for Offline
   * @param samples completed
   * @param elapsedNanos from the first query issued to the last completed
   * @param latencies of the queries; none for Offline
   * @param complete whether the limits were reached; false if it was interrupted before
   */
  record Result(
      Scenario scenario,
      long queries,
      long samples,
      long elapsedNanos,
      Latencies latencies,
      boolean complete) {
    /** Samples completed per second. */
    double samplesPerSecond() {
      return elapsedNanos <= 0 ? 0 : samples * 1e9 / elapsedNanos;
    }
  }

  LoadRun(LongSupplier nanoTime, Watcher watcher) {
    this.nanoTime = nanoTime;
    this.watcher = watcher;
  }

  /**
   * Runs a scenario. An interrupt of the calling thread ends it early.
   *
   * @param inferences one per thread; SingleStream uses the first only
   * @param batch samples of each inference; divides the scenario's samples per query, but for
   *     Offline
   * @throws AcceleratorException if an inference fails
   */
  Result run(Scenario scenario, List<? extends Inference> inferences, int batch, Limits limits)
      throws AcceleratorException {
    List<? extends Inference> used =
        scenario == Scenario.SINGLE_STREAM ? inferences.subList(0, 1) : inferences;
    if (!warmUp(used, limits.warmUpNanos())) {
      return new Result(scenario, 0, 0, 0, new Latencies(), false);
    }
    return scenario == Scenario.OFFLINE
        ? offline(used, batch, limits)
        : streams(scenario, used, batch, limits);
  }

  private boolean warmUp(List<? extends Inference> inferences, long nanos)
      throws AcceleratorException {
    long begin = nanoTime.getAsLong();
    Workers workers =
        new Workers(
            inferences.size(),
            () -> watcher.tick(Math.min(1, share(nanoTime.getAsLong() - begin, nanos)), 0));
    return workers.run(
        thread -> {
          Inference inference = inferences.get(thread);
          for (long i = 0;
              !workers.isStopped()
                  && (i < LEAST_WARM_UP_RUNS || nanoTime.getAsLong() - begin < nanos);
              i++) {
            inference.run((int) (i % inference.samples()));
          }
        });
  }

  private static double share(long done, long all) {
    return all <= 0 ? 1 : (double) done / all;
  }

  private Result streams(
      Scenario scenario, List<? extends Inference> inferences, int batch, Limits limits)
      throws AcceleratorException {
    Inference first = inferences.get(0);
    int[] order = SampleOrder.of(first.samples());
    int runsPerQuery = Math.max(1, scenario.samplesPerQuery() / batch);
    Team team = new Team(inferences.toArray(new Inference[0]), runsPerQuery, order);
    Latencies latencies = new Latencies();
    AtomicLong completed = new AtomicLong();
    AtomicLong elapsed = new AtomicLong();
    Workers workers =
        new Workers(
            inferences.size(),
            () ->
                watcher.tick(
                    Math.min(
                        share(elapsed.get(), limits.leastNanos()),
                        share(completed.get(), limits.leastQueries())),
                    completed.get()));
    boolean complete =
        workers.run(
            thread -> {
              if (thread > 0) {
                team.follow(thread, workers);
                return;
              }
              try {
                long begin = nanoTime.getAsLong();
                long issued = begin;
                long queries = 0;
                while (!workers.isStopped()
                    && (issued - begin < limits.leastNanos() || queries < limits.leastQueries())) {
                  team.lead(queries + 1, workers);
                  long end = nanoTime.getAsLong();
                  if (workers.isStopped()) {
                    // Others may not have done their part of it.
                    break;
                  }
                  latencies.record(end - issued);
                  issued = end;
                  queries++;
                  completed.lazySet(queries);
                  elapsed.lazySet(issued - begin);
                }
              } finally {
                team.over();
              }
            });
    long queries = completed.get();
    return new Result(
        scenario, queries, queries * runsPerQuery * batch, elapsed.get(), latencies, complete);
  }

  private Result offline(List<? extends Inference> inferences, int batch, Limits limits)
      throws AcceleratorException {
    int[] order = SampleOrder.of(inferences.get(0).samples());
    AtomicLong issued = new AtomicLong();
    AtomicLongArray ends = new AtomicLongArray(inferences.size());
    AtomicLong completed = new AtomicLong();
    long leastRuns = (limits.leastQueries() + batch - 1) / batch;
    long begin = nanoTime.getAsLong();
    Workers workers =
        new Workers(
            inferences.size(),
            () ->
                watcher.tick(
                    Math.min(
                        share(nanoTime.getAsLong() - begin, limits.leastNanos()),
                        share(issued.get(), leastRuns)),
                    issued.get() * batch));
    boolean complete =
        workers.run(
            thread -> {
              Inference inference = inferences.get(thread);
              long runs = 0;
              long end = begin;
              while (!workers.isStopped()) {
                long number = issued.getAndIncrement();
                if (number >= leastRuns && end - begin >= limits.leastNanos()) {
                  break;
                }
                inference.run(order[(int) number & order.length - 1]);
                end = nanoTime.getAsLong();
                runs++;
              }
              ends.set(thread, end);
              completed.addAndGet(runs);
            });
    long last = begin;
    for (int i = 0; i < ends.length(); i++) {
      last = Math.max(last, ends.get(i));
    }
    return new Result(
        Scenario.OFFLINE, 1, completed.get() * batch, last - begin, new Latencies(), complete);
  }
}
