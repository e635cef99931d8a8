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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.cli.bench.LoadRun.Limits;
import io.shoji.cli.bench.LoadRun.Result;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rules of the scenarios on a clock that only inferences move. */
@Timeout(60)
final class LoadRunTest {
  private static final long MS = 1_000_000;
  private static final Percentage NEAR = Percentage.withPercentage(0.01);

  private final Scripted.Clock clock = new Scripted.Clock();
  private final LoadRun run = new LoadRun(clock, (done, queries) -> {});

  private static Limits limits(long milliseconds, long queries) {
    return new Limits(milliseconds * MS, queries, 0);
  }

  @Test
  void shouldRunForTheLeastTimeWhenThatTakesLonger() throws Exception {
    Scripted inference = new Scripted(clock, 5, run -> 2 * MS);
    Result result = run.run(Scenario.SINGLE_STREAM, List.of(inference), 1, limits(1_000, 64));

    assertThat(result.complete()).isTrue();
    assertThat(result.queries()).isEqualTo(500);
    assertThat(result.samples()).isEqualTo(500);
    assertThat(result.elapsedNanos()).isEqualTo(1_000 * MS);
    assertThat(result.samplesPerSecond()).isEqualTo(500);
    // Two to warm up.
    assertThat(inference.runs()).isEqualTo(502);
  }

  @Test
  void shouldRunTheLeastQueriesWhenTheseTakeLonger() throws Exception {
    Scripted inference = new Scripted(clock, 5, run -> 100 * MS);
    Result result = run.run(Scenario.SINGLE_STREAM, List.of(inference), 1, limits(1_000, 64));

    assertThat(result.queries()).isEqualTo(64);
    assertThat(result.elapsedNanos()).isEqualTo(6_400 * MS);
    assertThat((double) result.latencies().estimateNanos(0.9).orElseThrow())
        .isCloseTo(100 * MS, NEAR);
  }

  @Test
  void shouldWarmUpBeforeItCounts() throws Exception {
    Scripted inference = new Scripted(clock, 1, run -> run < 10 ? 50 * MS : MS);
    Result result =
        run.run(Scenario.SINGLE_STREAM, List.of(inference), 1, new Limits(100 * MS, 1, 500 * MS));

    assertThat(result.queries()).isEqualTo(100);
    assertThat((double) result.latencies().maxNanos()).isCloseTo(MS, NEAR);
  }

  @Test
  void shouldHoldThePauseAgainstTheQueryThatMetIt() throws Exception {
    // The stall lies between two queries, as a collection of garbage may: it is part of a latency
    // all the same, and the latencies add up to the time of the run.
    AtomicLong reads = new AtomicLong();
    Scripted inference = new Scripted(clock, 1, run -> MS);
    LoadRun stalling =
        new LoadRun(
            () -> {
              if (reads.incrementAndGet() == 100) {
                clock.advance(300 * MS);
              }
              return clock.getAsLong();
            },
            (done, queries) -> {});
    Result result = stalling.run(Scenario.SINGLE_STREAM, List.of(inference), 1, limits(1_000, 1));

    assertThat((double) result.latencies().maxNanos()).isCloseTo(301 * MS, NEAR);
    assertThat(result.latencies().meanNanos() * result.queries())
        .isCloseTo((double) result.elapsedNanos(), NEAR);
  }

  @Test
  void shouldTakeAQueryOfEightAsLongAsItsEightSamplesTogether() throws Exception {
    Scripted inference = new Scripted(clock, 3, run -> MS);
    Result one = run.run(Scenario.MULTI_STREAM, List.of(inference), 1, limits(100, 662));
    assertThat(one.queries()).isEqualTo(662);
    assertThat(one.samples()).isEqualTo(662 * 8);
    assertThat((double) one.latencies().percentileNanos(0.99)).isCloseTo(8 * MS, NEAR);

    Result batched =
        run.run(
            Scenario.MULTI_STREAM,
            List.of(new Scripted(clock, 3, run -> 3 * MS)),
            4,
            limits(100, 662));
    assertThat(batched.samples()).isEqualTo(662 * 8);
    assertThat((double) batched.latencies().percentileNanos(0.99)).isCloseTo(6 * MS, NEAR);
  }

  @Test
  void shouldShareTheSamplesOfAQueryAmongThreads() throws Exception {
    List<AtomicInteger> runs = new ArrayList<>();
    List<Inference> members = new ArrayList<>();
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    for (int i = 0; i < 3; i++) {
      AtomicInteger count = new AtomicInteger();
      runs.add(count);
      members.add(
          new Scripted(
              clock,
              2,
              run -> {
                threads.add(Thread.currentThread());
                count.incrementAndGet();
                return 10;
              }));
    }
    Result result = run.run(Scenario.MULTI_STREAM, members, 1, limits(0, 2_000));

    assertThat(result.queries()).isEqualTo(2_000);
    // Samples 0, 3, 6 and 1, 4, 7 and 2, 5 of each query; two runs each to warm up.
    assertThat(runs).extracting(AtomicInteger::get).containsExactly(6_002, 6_002, 4_002);
    assertThat(threads).hasSize(6);
    assertThat(result.latencies().meanNanos()).isCloseTo(80.0, Percentage.withPercentage(1));
  }

  @Test
  void shouldCountSamplesOnlyWhenOffline() throws Exception {
    List<Inference> members =
        List.of(new Scripted(clock, 9, run -> MS), new Scripted(clock, 9, run -> MS));
    Result result = run.run(Scenario.OFFLINE, members, 4, limits(100, 1_000));

    assertThat(result.queries()).isEqualTo(1);
    assertThat(result.samples()).isGreaterThanOrEqualTo(1_000).isLessThan(1_008);
    assertThat(result.latencies().count()).isZero();
    // The clock adds up both threads' work.
    assertThat(result.samplesPerSecond()).isCloseTo(4_000, Percentage.withPercentage(2));
  }

  @Test
  void shouldKeepWhatThereIsWhenInterrupted() throws Exception {
    CountDownLatch begun = new CountDownLatch(1_000);
    Thread caller = Thread.currentThread();
    Scripted inference =
        new Scripted(
            clock,
            1,
            run -> {
              begun.countDown();
              if (begun.getCount() == 0) {
                caller.interrupt();
              }
              return MS;
            });
    Result result =
        run.run(Scenario.SINGLE_STREAM, List.of(inference), 1, limits(Long.MAX_VALUE / MS, 1));

    assertThat(result.complete()).isFalse();
    assertThat(result.queries()).isGreaterThan(500);
    assertThat(result.latencies().count()).isEqualTo(result.queries());
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void shouldFailWhenAnyThreadFailsAndLeaveNoneWaiting() {
    List<Inference> members =
        List.of(
            new Scripted(clock, 1, run -> 10),
            new Scripted(
                clock,
                1,
                run -> {
                  if (run >= 500) {
                    throw new IllegalStateException("the device is gone");
                  }
                  return 10;
                }));
    for (Scenario scenario : List.of(Scenario.MULTI_STREAM, Scenario.OFFLINE)) {
      assertThatThrownBy(() -> run.run(scenario, members, 1, limits(0, 1_000_000_000)))
          .hasMessage("the device is gone");
    }
  }

  @Test
  void shouldAllocateNothingBetweenQueries() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    AtomicLong before = new AtomicLong();
    AtomicLong after = new AtomicLong();
    Inference inference =
        new Inference() {
          private long runs;

          @Override
          public int samples() {
            return 3;
          }

          @Override
          public void run(int sample) throws AcceleratorException {
            runs++;
            if (runs == 10_000) {
              before.set(threads.getCurrentThreadAllocatedBytes());
            } else if (runs == 210_000) {
              after.set(threads.getCurrentThreadAllocatedBytes());
            }
          }

          @Override
          public void close() {}
        };
    new LoadRun(System::nanoTime, (done, queries) -> {})
        .run(Scenario.SINGLE_STREAM, List.of(inference), 1, new Limits(0, 220_000, 0));

    // Asking for the figure takes some bytes; of 200,000 queries none takes one.
    assertThat(after.get() - before.get()).isLessThan(100_000);
  }

  @Test
  void shouldKnowTheScenariosByTheirNames() {
    assertThat(Scenario.of("SingleStream")).contains(Scenario.SINGLE_STREAM);
    assertThat(Scenario.of("multi-stream")).contains(Scenario.MULTI_STREAM);
    assertThat(Scenario.of("OFFLINE")).contains(Scenario.OFFLINE);
    assertThat(Scenario.of("server")).isEmpty();
    assertThat(Scenario.OFFLINE.fewestQueries(500)).isEqualTo(500);
    assertThat(Scenario.OFFLINE.fewestQueries(100_000)).isEqualTo(24_576);
    assertThat(Scenario.MULTI_STREAM.fewestQueries(500)).isEqualTo(662);
  }
}
