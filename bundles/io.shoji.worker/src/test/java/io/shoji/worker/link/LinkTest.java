/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Proof;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The link to a worker in a process of its own, whose accelerator does what inputs ask for. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinkTest {
  /** Runs worth having in flight to the accelerator, which takes 4: two more cross meanwhile. */
  private static final int ACROSS = 6;

  private static final long SECOND = 1_000_000_000L;

  @TempDir private Path folder;
  private Worker worker;
  private Accelerator accelerator;
  private Artifacts artifacts;

  @BeforeEach
  void start() throws Exception {
    artifacts = new Artifacts(folder, TinyAccelerator.FORMAT);
    worker =
        Worker.tiny(
            LinkOptions.defaults()
                .withHangMargin(Duration.ofSeconds(3))
                .withLoadMargin(Duration.ofSeconds(5)));
    accelerator = worker.accelerator();
  }

  @AfterEach
  void stop() throws Exception {
    worker.close();
    assertThat(worker.folder().path()).doesNotExist();
    Eventually.assertThat(() -> ProcessFigures.threads("shoji-link-").isEmpty());
  }

  private ModelArtifact artifact(String name) {
    return artifacts.of(name, new byte[] {1});
  }

  private LoadedModel load() throws Exception {
    return accelerator.load(artifact("plain"), LoadOptions.defaults());
  }

  /** Runs that the driver has begun. */
  private long runs() {
    return worker.client().calls().stream()
        .filter(call -> call.begun() && call.call().equals("run"))
        .count();
  }

  private static Tensor row(float... values) {
    return Tensor.ofFloats(Shape.of(1, values.length), values);
  }

  private static long in(long nanos) {
    return System.nanoTime() + nanos;
  }

  private static void assertCode(Code code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
  }

  @Test
  void shouldGiveTheAcceleratorAsItIsInTheWorker() throws Exception {
    AcceleratorInfo asked = new TinyAccelerator().info();
    AcceleratorInfo found = accelerator.info();
    assertThat(found)
        .usingRecursiveComparison()
        .isEqualTo(asked.toBuilder().concurrency(ACROSS).build());
    assertThat(worker.properties(accelerator))
        .containsOnly(Map.entry("service.ranking", 7), Map.entry("tiny.text", "words"));
    AcceleratorHealth health = accelerator.health();
    assertThat(health.state()).isEqualTo(AcceleratorHealth.State.THROTTLED);
    assertThat(health.reason()).isEqualTo("warm");
    assertThat(health.temperatureCelsius()).hasValue(71.5);
    assertThat(health.powerWatts()).isEmpty();
    assertThat(health.memoryTotalBytes()).hasValue(20);
    assertThat(worker.client().workerPid()).isEqualTo(worker.process().pid());
    assertThat(worker.client().ping(Duration.ofSeconds(10))).isPositive();
  }

  @Test
  void shouldLoadRunAndDescribeAsTheDriverDoes() throws Exception {
    List<String> steps = new ArrayList<>();
    try (LoadedModel model =
        accelerator.load(
            artifact("plain"), LoadOptions.defaults().withBatchSize(5).withProgress(steps::add))) {
      assertThat(steps).containsExactly("step one", "step two of plain");
      assertThat(model.details()).containsEntry("batch", "5").containsEntry("näme", "välue");
      assertThat(model.memory().peakBytes()).hasValue(3);
      assertThat(model.concurrency()).isEqualTo(ACROSS);
      Tensor output = row(0, 0, 0, 0);
      model.run(List.of(row(1, 2, 3, 4)), List.of(output), in(60 * SECOND));
      assertThat(output.getFloat(3)).isEqualTo(-4);
      assertThat(model.run(List.of(row(5, 6, 7, 8)), in(60 * SECOND)).get(0).getFloat(0))
          .isEqualTo(-5);
    }
  }

  @Test
  void shouldCarryWhatTheDriverThrows() throws Exception {
    try (LoadedModel model = load()) {
      assertThatThrownBy(
              () -> model.run(List.of(row(TinyAccelerator.FAIL_WITH_STATUS, 0, 0, 0)), in(SECOND)))
          .isInstanceOfSatisfying(
              AcceleratorException.class,
              e -> {
                assertThat(e.code()).isEqualTo(Code.INVALID_INPUT);
                assertThat(e.nativeStatus()).hasValue(-42);
                assertThat(e).hasMessage("INVALID_INPUT: tiny refuses x=3 nativeStatus=-42");
              });
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> model.run(List.of(row(TinyAccelerator.ILLEGAL_ARGUMENT, 0, 0, 0)), in(SECOND)))
          .withMessage("tiny takes no such thing");
      assertCode(
          Code.FAILED, () -> model.run(List.of(row(TinyAccelerator.ERROR, 0, 0, 0)), in(SECOND)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.bind(List.of(row(1, 2, 3, 4)), List.of(row(1, 2, 3))))
          .withMessageContaining("four columns");
      assertThat(model.run(List.of(row(1, 2, 3, 4)), in(60 * SECOND))).hasSize(1);
    }
  }

  @Test
  void shouldFetchOutputsThatAreLargerThanExpected() throws Exception {
    try (LoadedModel model = load()) {
      for (int columns : new int[] {3, 5_000_000, 0, 7, 6_000_000}) {
        List<Tensor> outputs =
            model.run(List.of(row(TinyAccelerator.MANY, columns, 0, 0)), in(60 * SECOND));
        assertThat(outputs.get(0).shape()).isEqualTo(Shape.of(1, columns));
      }
    }
  }

  @Test
  void shouldRunOnSharedBuffersWithoutACopy() throws Exception {
    LoadedModel.Buffers buffers;
    try (LoadedModel model = load()) {
      buffers = model.buffers(List.of(Shape.of(2, 4)), List.of(Shape.of(2, 4)));
      try (LoadedModel.Binding binding = model.bind(buffers.inputs(), buffers.outputs());
          LoadedModel.Binding again = model.bind(buffers.inputs(), buffers.outputs())) {
        for (int round = 1; round < 5; round++) {
          buffers.inputs().get(0).setFloat(7, round);
          (round % 2 == 0 ? again : binding).run(in(60 * SECOND));
          assertThat(buffers.outputs().get(0).getFloat(7)).isEqualTo(-round);
        }
      }
      buffers.close();
      model.run(buffers.inputs(), buffers.outputs(), in(60 * SECOND));
      assertThat(buffers.outputs().get(0).getFloat(7)).isEqualTo(-4);
    }
    // Memory that a caller has stays, whatever is closed.
    assertThat(buffers.outputs().get(0).getFloat(7)).isEqualTo(-4);
  }

  @Test
  void shouldLeaveNoNameOfSharedMemoryOnceItIsMapped() throws Exception {
    try (LoadedModel model = load();
        LoadedModel.Binding binding =
            model.bind(List.of(row(1, 2, 3, 4)), List.of(row(0, 0, 0, 0)))) {
      binding.run(in(60 * SECOND));
      try (Stream<Path> files = Files.list(worker.folder().path())) {
        assertThat(files).containsExactly(worker.folder().socket());
      }
    }
  }

  @Test
  void shouldGiveALoadUpWhenTheThreadIsInterrupted() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try {
      for (int round = 0; round < 3; round++) {
        Future<?> load =
            executor.submit(
                () ->
                    accelerator.load(
                        artifact(TinyAccelerator.LOADS_UNTIL_INTERRUPTED), LoadOptions.defaults()));
        Eventually.assertThat(
            () -> worker.client().calls().stream().anyMatch(call -> call.begun()));
        assertThat(load.cancel(true)).isTrue();
        Eventually.assertThat(() -> worker.client().calls().isEmpty());
      }
      try (LoadedModel model = load()) {
        assertThat(model.run(List.of(row(1, 2, 3, 4)), in(60 * SECOND))).hasSize(1);
      }
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void shouldEndTheLinkWhenALoadThatWasGivenUpDoesNotComeBack() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try {
      LoadedModel serving = load();
      Future<LoadedModel> load =
          executor.submit(
              () ->
                  accelerator.load(
                      artifact(TinyAccelerator.LOADS_FOR_EVER), LoadOptions.defaults()));
      Eventually.assertThat(() -> worker.client().calls().stream().anyMatch(call -> call.begun()));
      assertThat(serving.run(List.of(row(1, 2, 3, 4)), in(60 * SECOND))).hasSize(1);

      executor.shutdownNow();

      LinkLoss loss = worker.loss();
      assertThat(loss.reason()).isEqualTo(LinkLoss.Reason.HUNG);
      assertThat(loss.message()).contains("load").contains(TinyAccelerator.LOADS_FOR_EVER);
      assertThat(loss.calls()).anyMatch(call -> call.begun() && call.call().equals("load"));
      assertThatThrownBy(() -> load.get(60, TimeUnit.SECONDS))
          .cause()
          .isInstanceOfSatisfying(
              AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.DEVICE_LOST));
      assertCode(Code.DEVICE_LOST, () -> serving.run(List.of(row(1, 2, 3, 4)), in(60 * SECOND)));
      worker.process().destroyForcibly();
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void shouldAnswerARunWhoseThreadIsInterrupted() throws Exception {
    try (LoadedModel model = load()) {
      for (int round = 0; round < 20; round++) {
        Thread.currentThread().interrupt();
        List<Tensor> outputs = model.run(List.of(row(round, 0, 0, 0)), in(60 * SECOND));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(outputs.get(0).getFloat(0)).isEqualTo(-round);
      }
      Thread caller = Thread.currentThread();
      Thread interrupter =
          new Thread(
              () -> {
                Eventually.assertThat(() -> runs() == 1);
                caller.interrupt();
              });
      interrupter.start();
      List<Tensor> outputs =
          model.run(List.of(row(TinyAccelerator.SLOW, 2, 0, 0)), in(60 * SECOND));
      interrupter.join();
      assertThat(Thread.interrupted()).isTrue();
      assertThat(outputs.get(0).getFloat(1)).isEqualTo(-2);
      assertThat(model.run(List.of(row(9, 0, 0, 0)), in(60 * SECOND)).get(0).getFloat(0))
          .isEqualTo(-9);
    }
  }

  /** Runs of one caller, prepared, each with its result or its failure; how many there were. */
  private static int runPrepared(LoadedModel model, int caller, int runs) throws Exception {
    Tensor input = row(0, 0, 0, 0);
    Tensor output = row(0, 0, 0, 0);
    int done = 0;
    try (LoadedModel.Binding binding = model.bind(List.of(input), List.of(output))) {
      for (int run = 0; run < runs; run++) {
        boolean fails = run % 7 == 3;
        input.setFloat(0, fails ? TinyAccelerator.FAIL_WITH_STATUS : run);
        input.setFloat(1, caller);
        if (fails) {
          assertCode(Code.INVALID_INPUT, () -> binding.run(in(60 * SECOND)));
        } else {
          binding.run(in(60 * SECOND));
          assertThat(output.getFloat(0)).isEqualTo(-run);
          assertThat(output.getFloat(1)).isEqualTo(-caller);
        }
        done++;
      }
    }
    return done;
  }

  @Test
  void shouldGiveEachCallerItsOwnResultWhateverInterrupts() throws Exception {
    int callers = 4;
    int runs = Proof.rounds(3_000, 300_000);
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    ExecutorService executor = Executors.newFixedThreadPool(callers);
    try (LoadedModel model = load()) {
      List<Future<Integer>> all = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        int caller = i;
        all.add(
            executor.submit(
                () -> {
                  threads.add(Thread.currentThread());
                  int done = runPrepared(model, caller, runs);
                  threads.remove(Thread.currentThread());
                  return done;
                }));
      }
      Random random = new Random(11);
      while (!all.stream().allMatch(Future::isDone)) {
        List<Thread> left = List.copyOf(threads);
        if (!left.isEmpty()) {
          left.get(random.nextInt(left.size())).interrupt();
        }
        Thread.sleep(0, random.nextInt(900_000));
      }
      for (Future<Integer> one : all) {
        assertThat(one.get()).isEqualTo(runs);
      }
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void shouldEndEveryCallAtOnceWhenTheWorkerDies() throws Exception {
    LoadedModel model = load();
    ExecutorService executor = Executors.newFixedThreadPool(3);
    try {
      List<Future<?>> slow = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        slow.add(
            executor.submit(
                () -> model.run(List.of(row(TinyAccelerator.HANG, 0, 0, 0)), in(600 * SECOND))));
      }
      Eventually.assertThat(() -> runs() == 2);
      Tensor deadly = row(TinyAccelerator.DIE, 1, 2, 3);
      assertCode(Code.DEVICE_LOST, () -> model.run(List.of(deadly), in(600 * SECOND)));
      for (Future<?> future : slow) {
        assertThatThrownBy(() -> future.get(10, TimeUnit.SECONDS))
            .isInstanceOf(ExecutionException.class)
            .hasCauseInstanceOf(AcceleratorException.class)
            .hasMessageContaining("DEVICE_LOST")
            .hasMessageContaining("died");
      }
      assertThat(worker.departure()).isSameAs(accelerator);
      LinkLoss loss = worker.loss();
      assertThat(loss.reason()).isEqualTo(LinkLoss.Reason.DIED);
      assertThat(loss.calls()).hasSize(3).allMatch(CallRecord::begun);
      assertThat(loss.calls())
          .anySatisfy(
              call -> {
                assertThat(call.call()).isEqualTo("run");
                assertThat(call.model()).contains("plain 1.0.0");
                assertThat(call.inputs()).containsExactly("FLOAT32[1, 4]");
                assertThat(call.inputSha256())
                    .isEqualTo(InputDigest.of(artifact("plain").sha256(), List.of(deadly)));
              });
      assertCode(Code.DEVICE_LOST, () -> model.run(List.of(row(1, 2, 3, 4)), in(SECOND)));
      assertCode(
          Code.DEVICE_LOST, () -> model.bind(List.of(row(1, 2, 3, 4)), List.of(row(0, 0, 0, 0))));
      assertCode(Code.DEVICE_LOST, accelerator::health);
      assertCode(Code.DEVICE_LOST, this::load);
      assertThat(model.details()).containsEntry("näme", "välue");
      model.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> model.run(List.of(row(1, 2, 3, 4)), in(SECOND)));
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void shouldSayWhichModelWasLoadedWhenTheWorkerDies() throws Exception {
    ModelArtifact deadly = artifact(TinyAccelerator.DIES);
    assertCode(Code.DEVICE_LOST, () -> accelerator.load(deadly, LoadOptions.defaults()));
    assertThat(worker.loss().calls())
        .singleElement()
        .satisfies(
            call -> {
              assertThat(call.call()).isEqualTo("load");
              assertThat(call.begun()).isTrue();
              assertThat(call.model()).contains(TinyAccelerator.DIES);
              assertThat(call.modelSha256()).isEqualTo(deadly.sha256());
            });
  }

  @Test
  void shouldGiveTheWorkerUpWhenARunHangs() throws Exception {
    try (LoadedModel model = load()) {
      assertCode(
          Code.DEVICE_LOST,
          // Long enough for the worker to have begun it, however busy the machine is.
          () -> model.run(List.of(row(TinyAccelerator.HANG, 0, 0, 0)), in(2 * SECOND)));
      LinkLoss loss = worker.loss();
      assertThat(loss.reason()).isEqualTo(LinkLoss.Reason.HUNG);
      assertThat(loss.calls()).singleElement().matches(CallRecord::begun);
    }
    // Its driver is stuck: whoever started the worker ends it.
    worker.process().destroyForcibly();
  }

  private void assertEndsWhenBindingHangs(ThrowingCallable call) throws Exception {
    assertCode(Code.DEVICE_LOST, call);
    LinkLoss loss = worker.loss();
    assertThat(loss.reason()).isEqualTo(LinkLoss.Reason.HUNG);
    assertThat(loss.calls())
        .singleElement()
        .satisfies(
            found -> {
              assertThat(found.call()).isEqualTo("bind");
              // Not as long as a request that is for no run may take, which is a minute.
              assertThat(found.runningNanos()).isLessThan(30 * SECOND);
            });
    worker.process().destroyForcibly();
  }

  private static List<Tensor> bindsForEver() {
    return List.of(
        Tensor.allocate(ElementType.FLOAT32, Shape.of(1, TinyAccelerator.BINDS_FOR_EVER)));
  }

  @Test
  void shouldGiveTheWorkerUpAtTheRunsDeadlineWhenItsBindingHangs() throws Exception {
    try (LoadedModel model = load()) {
      assertEndsWhenBindingHangs(
          () -> model.run(List.of(row(1, 2, 3, 4)), bindsForEver(), in(2 * SECOND)));
    }
  }

  @Test
  void shouldGiveTheWorkerUpWhenAPreparedBindingHangs() throws Exception {
    try (LoadedModel model = load()) {
      assertEndsWhenBindingHangs(() -> model.bind(List.of(row(1, 2, 3, 4)), bindsForEver()));
    }
  }

  @Test
  void shouldTimeOutWithoutAHangWhenADriverIsLate() throws Exception {
    try (LoadedModel model = load()) {
      assertCode(
          Code.TIMEOUT,
          () -> model.run(List.of(row(TinyAccelerator.SLOW, 0, 0, 0)), in(SECOND / 10)));
      assertThat(model.run(List.of(row(1, 2, 3, 4)), in(60 * SECOND))).hasSize(1);
    }
  }

  @Test
  void shouldEndEveryCallWhenTheGatewayClosesTheLink() throws Exception {
    LoadedModel model = load();
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try {
      Future<?> slow =
          executor.submit(
              () -> model.run(List.of(row(TinyAccelerator.SLOW, 0, 0, 0)), in(600 * SECOND)));
      Eventually.assertThat(() -> runs() == 1);
      worker.client().close();
      assertThatThrownBy(() -> slow.get(10, TimeUnit.SECONDS))
          .hasMessageContaining("DEVICE_LOST")
          .hasMessageContaining("let go");
      assertThat(worker.loss().reason()).isEqualTo(LinkLoss.Reason.CLOSED);
      model.close();
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void shouldAskTheCheckBeforeAnythingGoesToTheWorker() throws Exception {
    InputCheck check =
        (model, inputs) -> {
          if (inputs.get(0).getFloat(0) == TinyAccelerator.DIE) {
            throw new AcceleratorException(Code.INVALID_INPUT, "quarantined " + model.sha256());
          }
        };
    try (Worker checked = Worker.tiny(LinkOptions.defaults().withInputCheck(check));
        LoadedModel model = checked.accelerator().load(artifact("plain"), LoadOptions.defaults())) {
      assertCode(
          Code.INVALID_INPUT,
          () -> model.run(List.of(row(TinyAccelerator.DIE, 0, 0, 0)), in(60 * SECOND)));
      assertThat(model.run(List.of(row(1, 2, 3, 4)), in(60 * SECOND))).hasSize(1);
    }
  }

  @Test
  void shouldRefuseAPeerThatDoesNotKnowTheSecret() throws Exception {
    LinkFolder place = worker.folder();
    assertThatThrownBy(
            () ->
                LinkClient.connect(
                    place,
                    LinkSecret.random(),
                    Duration.ofSeconds(10),
                    LinkOptions.defaults(),
                    worker))
        .hasMessageContaining("secret");
    assertThat(accelerator.health().reason()).isEqualTo("warm");
  }
}
