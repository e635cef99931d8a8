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
import io.shoji.cli.bench.Sensors.Reading;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SingleWriterRecorder;

/**
 * Load for a given time without a pause, looked at in intervals: what a device does in its first
 * seconds says little of what it does when it is warm.
 */
final class SustainedRun {
  private static final int DIGITS = 3;

  /** Shorter intervals are of no use, and of more nobody sees a thing. */
  private static final long SHORTEST_NANOS = 1_000_000_000L;

  private static final int MOST_INTERVALS = 600;

  /** Share of the intervals that is compared at the begin and at the end. */
  private static final double ENDS = 0.1;

  private final LongSupplier nanoTime;
  private final Supplier<Reading> sensors;
  private final LoadRun.Watcher watcher;

  /**
   * A part of the run.
   *
   * @param secondsFrom of the run
   * @param secondsTo of the run
   * @param samples completed in it
   * @param medianNanos latency of an inference; 0 if none was completed
   * @param p99Nanos likewise
   * @param maxNanos likewise
   * @param reading of the sensors at its end
   */
  record Interval(
      double secondsFrom,
      double secondsTo,
      long samples,
      long medianNanos,
      long p99Nanos,
      long maxNanos,
      Reading reading) {
    double samplesPerSecond() {
      return samples / (secondsTo - secondsFrom);
    }
  }

  /**
   * What came of it.
   *
   * @param intervals in order
   * @param complete whether it went on as long as asked for
   */
  record Result(List<Interval> intervals, boolean complete) {
    Result {
      intervals = List.copyOf(intervals);
    }

    /** Samples per second at the begin; empty if there are too few intervals to say. */
    OptionalDouble first() {
      return mean(0, ends());
    }

    /** Samples per second at the end; empty if there are too few intervals to say. */
    OptionalDouble last() {
      return mean(intervals.size() - ends(), intervals.size());
    }

    private int ends() {
      return intervals.size() < 4 ? 0 : (int) Math.max(1, intervals.size() * ENDS);
    }

    private OptionalDouble mean(int from, int to) {
      double samples = 0;
      double seconds = 0;
      for (Interval interval : intervals.subList(from, to)) {
        samples += interval.samples();
        seconds += interval.secondsTo() - interval.secondsFrom();
      }
      return seconds == 0 ? OptionalDouble.empty() : OptionalDouble.of(samples / seconds);
    }

    long samples() {
      return intervals.stream().mapToLong(Interval::samples).sum();
    }
  }

  SustainedRun(LongSupplier nanoTime, Supplier<Reading> sensors, LoadRun.Watcher watcher) {
    this.nanoTime = nanoTime;
    this.sensors = sensors;
    this.watcher = watcher;
  }

  /**
   * Runs. An interrupt of the calling thread ends it early.
   *
   * @param inferences one per thread
   * @param batch samples of each inference
   * @throws AcceleratorException if an inference fails
   */
  Result run(List<? extends Inference> inferences, int batch, long nanos)
      throws AcceleratorException {
    long length = Math.max(SHORTEST_NANOS, nanos / MOST_INTERVALS);
    List<SingleWriterRecorder> recorders = new ArrayList<>();
    for (int i = 0; i < inferences.size(); i++) {
      recorders.add(new SingleWriterRecorder(1, Latencies.LONGEST_NANOS, DIGITS));
    }
    int[] order = SampleOrder.of(inferences.get(0).samples());
    long begin = nanoTime.getAsLong();
    Log log = new Log(recorders, begin, batch);
    Workers workers =
        new Workers(
            inferences.size(),
            () -> {
              long now = nanoTime.getAsLong();
              if (now - begin < nanos) {
                log.look(now, length);
                watcher.tick((double) (now - begin) / nanos, log.samples);
              }
            });
    boolean complete =
        workers.run(
            thread -> {
              Inference inference = inferences.get(thread);
              SingleWriterRecorder recorder = recorders.get(thread);
              long issued = nanoTime.getAsLong();
              for (int i = thread; !workers.isStopped() && issued - begin < nanos; i++) {
                inference.run(order[i & order.length - 1]);
                long end = nanoTime.getAsLong();
                recorder.recordValue(Math.max(0, Math.min(end - issued, Latencies.LONGEST_NANOS)));
                issued = end;
              }
            });
    // A short rest says nothing, unless it is all there is.
    log.look(nanoTime.getAsLong(), log.intervals.isEmpty() ? 1 : length / 2);
    return new Result(log.intervals, complete);
  }

  private final class Log {
    private final List<Interval> intervals = new ArrayList<>();
    private final List<SingleWriterRecorder> recorders;
    private final Histogram all = new Histogram(1, Latencies.LONGEST_NANOS, DIGITS);
    private final Histogram[] recycled;
    private final long begin;
    private final int batch;
    private long from;
    private long samples;

    Log(List<SingleWriterRecorder> recorders, long begin, int batch) {
      this.recorders = recorders;
      this.recycled = new Histogram[recorders.size()];
      this.begin = begin;
      this.batch = batch;
      this.from = begin;
    }

    /** Closes the interval if it is long enough. */
    void look(long now, long length) {
      if (now - from < length) {
        return;
      }
      all.reset();
      for (int i = 0; i < recycled.length; i++) {
        recycled[i] = recorders.get(i).getIntervalHistogram(recycled[i]);
        all.add(recycled[i]);
      }
      long runs = all.getTotalCount();
      intervals.add(
          new Interval(
              (from - begin) / 1e9,
              (now - begin) / 1e9,
              runs * batch,
              runs == 0 ? 0 : all.getValueAtPercentile(50),
              runs == 0 ? 0 : all.getValueAtPercentile(99),
              all.getMaxValue(),
              sensors.get()));
      samples += runs * batch;
      from = now;
    }
  }
}
