/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.Progress;
import io.shoji.operations.RolloutPolicy;
import io.shoji.operations.VersionPolicy;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;

/** Many callers while everything comes and goes: each request has exactly one outcome. */
class EngineStressTest extends EngineFixture {
  private static final int CALLERS = 8;
  private static final long DURATION_NANOS = 4_000_000_000L;

  private final Map<Code, AtomicLong> errors = new ConcurrentHashMap<>();
  private final AtomicLong answers = new AtomicLong();
  private final AtomicLong asked = new AtomicLong();
  private final AtomicLong latest = new AtomicLong();
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();

  private void failed(InferenceException e, Set<Code> allowed) {
    errors.computeIfAbsent(e.code(), code -> new AtomicLong()).incrementAndGet();
    if (!allowed.contains(e.code())) {
      wrong.add(e.toString());
    }
  }

  private void answered(Tensor output, float asked) {
    answers.incrementAndGet();
    if (output.getFloat(0) != asked + 1) {
      wrong.add("asked=" + asked + " answered=" + output.getFloat(0));
    }
  }

  private void caller(int seed, long end, Set<Code> allowed) {
    Random random = new Random(seed);
    List<CompletableFuture<InferenceResult>> futures = new ArrayList<>();
    List<Float> values = new ArrayList<>();
    @Nullable PreparedInference prepared = null;
    while (end - System.nanoTime() > 0) {
      float value = random.nextInt(1 << 20);
      long limitMs = 1 + random.nextInt(400);
      int kind = random.nextInt(4);
      if (kind > 1 && prepared == null) {
        prepared = prepare(limitMs, allowed);
        if (prepared == null) {
          continue;
        }
      }
      asked.incrementAndGet();
      if (kind == 1) {
        futures.add(engine.inferAsync(DIGITS, input(value), in(limitMs)));
        values.add(value);
        if (random.nextInt(8) == 0) {
          futures.get(futures.size() - 1).cancel(true);
        }
        if (random.nextInt(4) != 0) {
          settle(futures, values, allowed);
        }
        continue;
      }
      long start = System.nanoTime();
      try {
        if (prepared == null || kind == 0) {
          answered(engine.infer(DIGITS, input(value), in(limitMs)).outputs().get(0), value);
        } else {
          prepared.inputs().get(0).setFloat(0, value);
          prepared.run(in(limitMs));
          answered(prepared.outputs().get(0), value);
        }
      } catch (InferenceException e) {
        failed(e, allowed);
      } catch (RuntimeException e) {
        wrong.add(e.toString());
      }
      latest.accumulateAndGet(System.nanoTime() - start - limitMs * 1_000_000, Math::max);
      if (prepared != null && random.nextInt(500) == 0) {
        prepared.close();
        prepared = null;
      }
    }
    settle(futures, values, allowed);
    if (prepared != null) {
      prepared.close();
    }
  }

  private @Nullable PreparedInference prepare(long limitMs, Set<Code> allowed) {
    try {
      return engine.prepare(DIGITS, input(0), output(), in(limitMs));
    } catch (InferenceException e) {
      if (!allowed.contains(e.code())) {
        wrong.add(e.toString());
      }
      return null;
    }
  }

  private void settle(
      List<CompletableFuture<InferenceResult>> futures, List<Float> values, Set<Code> allowed) {
    for (int i = 0; i < futures.size(); i++) {
      try {
        answered(futures.get(i).get(5, TimeUnit.SECONDS).outputs().get(0), values.get(i));
      } catch (CancellationException e) {
        errors.computeIfAbsent(Code.CANCELLED, code -> new AtomicLong()).incrementAndGet();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof InferenceException failure) {
          failed(failure, allowed);
        } else {
          wrong.add(String.valueOf(e.getCause()));
        }
      } catch (InterruptedException | TimeoutException e) {
        wrong.add("a future without an end: " + e);
      }
    }
    futures.clear();
    values.clear();
  }

  private void run(Set<Code> allowed, Runnable chaos) throws InterruptedException {
    long end = System.nanoTime() + DURATION_NANOS;
    CountDownLatch done = new CountDownLatch(CALLERS);
    for (int i = 0; i < CALLERS; i++) {
      int seed = i;
      new Thread(
              () -> {
                try {
                  caller(seed, end, allowed);
                } finally {
                  done.countDown();
                }
              },
              "caller-" + i)
          .start();
    }
    while (end - System.nanoTime() > 0) {
      chaos.run();
      ModelMetrics metrics = engine.model(DIGITS).map(m -> m.metrics()).orElse(null);
      if (metrics != null && metrics.waiting() > engine.settings().maxQueue()) {
        wrong.add("more wait than may waiting=" + metrics.waiting());
      }
    }
    assertThat(done.await(20, TimeUnit.SECONDS)).as("every caller came back").isTrue();
    assertThat(wrong).isEmpty();
    assertThat(answers.get()).isGreaterThan(100);
    assertThat(latest.get()).as("time past the deadline").isLessThan(2_000_000_000L);
    long ended = answers.get() + errors.values().stream().mapToLong(AtomicLong::get).sum();
    assertThat(ended).as("outcomes").isEqualTo(asked.get());
  }

  private static void pause(Random random, int mostMs) {
    LockSupport.parkNanos(1_000_000L * (1 + random.nextInt(mostMs)));
  }

  @Test
  void shouldGiveEachRequestOneOutcomeWhenDevicesAndPackagesComeAndGo() throws Exception {
    configure(new Settings(8, 3, 2, 500, 5_000, 3, 20, 10, true, 5_000, RolloutPolicy.defaults()));
    Random random = new Random(7);
    FakeAccelerator[] npu = {plug(FakeAccelerator.of("npu", 1).taking(50_000))};
    FakeAccelerator[] cpu = {plug(FakeAccelerator.of("cpu", 3).taking(200_000))};
    FakePackage[] first = {install(FakePackage.of("digits", "1.0.0"))};
    FakePackage[] second = {install(FakePackage.of("digits", "1.1.0"))};
    awaitServing(DIGITS);

    Set<Code> allowed = EnumSet.allOf(Code.class);
    allowed.remove(Code.INVALID_INPUT);
    allowed.remove(Code.SHUTTING_DOWN);
    run(
        allowed,
        () -> {
          switch (random.nextInt(6)) {
            case 0 -> {
              unplug(npu[0]);
              pause(random, 10);
              npu[0] = plug(FakeAccelerator.of("npu", 1).taking(50_000));
            }
            case 1 -> {
              unplug(cpu[0]);
              pause(random, 10);
              cpu[0] = plug(FakeAccelerator.of("cpu", 3).taking(200_000));
            }
            case 2 -> {
              engine.removePackage(first[0]);
              pause(random, 20);
              first[0] = install(FakePackage.of("digits", "1.0.0"));
            }
            case 3 -> {
              engine.removePackage(second[0]);
              if (random.nextBoolean()) {
                engine.uninstalled(origin -> origin.endsWith("digits 1.1.0"));
              }
              pause(random, 20);
              second[0] = install(FakePackage.of("digits", "1.1.0"));
            }
            case 4 -> {
              npu[0].runFailure =
                  new AcceleratorException(
                      random.nextBoolean()
                          ? AcceleratorException.Code.DEVICE_LOST
                          : AcceleratorException.Code.FAILED,
                      "injected");
              pause(random, 3);
              npu[0].runFailure = null;
            }
            default -> pause(random, 30);
          }
        });

    awaitServing(DIGITS);
    assertThat(engine.infer(DIGITS, input(1), in(5_000)).outputs()).hasSize(1);
    await("nobody waits", () -> engine.model(DIGITS).orElseThrow().metrics().waiting() == 0);
  }

  @Test
  void shouldLoseNoRequestWhenTheOnlyDriverIsExchangedAgainAndAgain() throws Exception {
    configure(
        new Settings(64, 8, 1, 5_000, 5_000, 3, 20, 10, true, 5_000, RolloutPolicy.defaults()));
    FakeAccelerator[] cpu = {plug(FakeAccelerator.of("cpu", 2).taking(100_000))};
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    Random random = new Random(3);

    // A deadline may pass, a caller may cancel: nothing else, whatever happens to the driver.
    run(
        EnumSet.of(Code.DEADLINE_EXCEEDED, Code.NOT_READY, Code.CANCELLED),
        () -> {
          unplug(cpu[0]);
          pause(random, 10);
          cpu[0] = plug(FakeAccelerator.of("cpu", 2).taking(100_000));
          pause(random, 100);
        });

    ModelMetrics metrics = engine.model(ModelRef.latest("digits")).orElseThrow().metrics();
    assertThat(metrics.answered()).isEqualTo(answers.get());
    assertThat(metrics.requests()).isEqualTo(asked.get());
    assertThat(metrics.waiting()).isZero();
    assertThat(metrics.latency().count()).isEqualTo(answers.get());
    assertThat(metrics.queue().count()).isEqualTo(answers.get());
  }

  @Test
  void shouldFailNoRequestWhenOperatorPinsRollsBackReloadsAndReconfigures() throws Exception {
    configure(
        new Settings(64, 8, 2, 5_000, 5_000, 3, 20, 10, true, 5_000, RolloutPolicy.defaults()));
    plug(FakeAccelerator.of("npu", 1).taking(50_000));
    plug(FakeAccelerator.of("cpu", 3).taking(200_000));
    FakePackage first = install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    engine.removePackage(first);
    install(FakePackage.of("digits", "2.0.0"));
    install(first.asRetained());
    install(FakePackage.of("digits", "3.0.0"));
    awaitServing(ModelRef.of("digits", "3.0.0"));
    Operator operator = new Operator(engine, Optional::empty);
    Random random = new Random(11);
    Map<OperationException.Code, Integer> refused = new EnumMap<>(OperationException.Code.class);
    int[] done = new int[7];

    // A deadline may pass, a caller may cancel: nothing else, whatever the operator does.
    run(
        EnumSet.of(Code.DEADLINE_EXCEEDED, Code.CANCELLED),
        () -> {
          int what = random.nextInt(done.length);
          try {
            switch (what) {
              case 0 -> operator.pin("digits", new Version(1 + random.nextInt(3), 0, 0));
              case 1 -> operator.unpin("digits");
              case 2 -> operator.rollback("digits");
              case 3 -> operator.reload("digits", Progress.NONE);
              case 4 -> operator.configure(policy(random));
              case 5 -> operator.bench("digits", new BenchOptions(20, 2, 1), Progress.NONE);
              default -> operator.models();
            }
            done[what]++;
          } catch (OperationException e) {
            refused.merge(e.code(), 1, Integer::sum);
          }
          pause(random, 20);
        });

    assertThat(done).as("each operation was done").doesNotContain(0);
    assertThat(refused.keySet()).isSubsetOf(OperationException.Code.CONFLICT);
    operator.unpin("digits");
    operator.configure(OperationsPolicy.empty());
    await(
        "the highest answers",
        () -> operator.models().get(0).answering().equals(Optional.of(new Version(3, 0, 0))));
  }

  @Test
  void shouldFailNoRequestWhenBundleIsUpdatedAndDowngradedInPlace() throws Exception {
    configure(
        new Settings(64, 8, 2, 5_000, 5_000, 3, 20, 10, true, 5_000, RolloutPolicy.defaults()));
    plug(FakeAccelerator.of("cpu", 3).taking(100_000));
    FakePackage[] now = {install(FakePackage.of("digits", "1.0.0"))};
    FakePackage[] before = {null};
    awaitServing(DIGITS);
    Random random = new Random(5);
    Operator operator = new Operator(engine, Optional::empty);

    run(
        EnumSet.of(Code.DEADLINE_EXCEEDED, Code.CANCELLED),
        () -> {
          FakePackage old = now[0];
          FakePackage older = before[0];
          engine.removePackage(old);
          pause(random, 5);
          now[0] =
              install(FakePackage.of("digits", (1 + random.nextInt(3)) + "." + random.nextInt(9)));
          if (!now[0].description().version().equals(old.description().version())) {
            before[0] = install(old.asRetained());
          }
          if (older != null && before[0] != older) {
            engine.removePackage(older);
          }
          pause(random, 30);
          if (random.nextInt(4) == 0) {
            try {
              operator.rollback("digits");
              pause(random, 20);
              operator.unpin("digits");
            } catch (OperationException e) {
              assertThat(e.code()).isEqualTo(OperationException.Code.CONFLICT);
            }
          }
        });
  }

  private static OperationsPolicy policy(Random random) {
    VersionPolicy versions =
        switch (random.nextInt(3)) {
          case 0 -> VersionPolicy.latest();
          case 1 -> VersionPolicy.range(new VersionRange("[1,3)"));
          default -> VersionPolicy.pinned(new Version(1 + random.nextInt(4), 0, 0));
        };
    boolean only = random.nextBoolean();
    return new OperationsPolicy(
        Map.of(
            "digits",
            new ModelPolicy(
                versions,
                random.nextBoolean() ? List.of("npu") : List.of("cpu:cpu0"),
                only,
                OptionalLong.empty())),
        Map.of());
  }
}
