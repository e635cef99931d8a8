/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.opentest4j.TestAbortedException;

/**
 * What every {@link Accelerator} must do, whatever the vendor. A driver's test extends this class
 * and says which accelerator and which models; what a device does not have is skipped with its
 * reason.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class AcceleratorContract {
  private static final long SECOND = 1_000_000_000L;

  /** How late a call may come back that the driver ends at its deadline. */
  private static final long LATE_NANOS = 3 * SECOND;

  private static final int CYCLES = 60;
  private static final int INTERRUPTED_LOADS = 8;
  private static final int WARM_CYCLES = 20;

  /**
   * A model that must be refused.
   *
   * @param artifact what is loaded
   * @param code why it is refused
   * @param mentions what the message must name, so that somebody can act on it
   */
  public record Refused(ModelArtifact artifact, Code code, List<String> mentions) {}

  /**
   * A model that runs long.
   *
   * @param artifact what is loaded
   * @param inputs with which it runs for at least ten seconds if {@code ends}, else for at least
   *     300 ms
   * @param ends whether the driver can end a running inference
   */
  public record Slow(ModelArtifact artifact, List<Tensor> inputs, boolean ends) {}

  /**
   * A model whose operators refuse some content.
   *
   * @param artifact what is loaded
   * @param good inputs that it takes
   * @param bad inputs of the right type and shape that it refuses
   */
  public record Choosy(ModelArtifact artifact, List<Tensor> good, List<Tensor> bad) {}

  /** The accelerator; the same for all tests of a class. */
  protected abstract Accelerator accelerator();

  /** A model that runs in less than 50 ms and whose outputs' shapes the inputs' shapes decide. */
  protected abstract ModelArtifact working();

  /** The outputs that {@link #working} must give, or empty if nobody else can compute them. */
  protected Optional<List<Tensor>> expected(List<Tensor> inputs) {
    return Optional.empty();
  }

  /** Models that must be refused; at least one INVALID_MODEL and one UNSUPPORTED. */
  protected abstract List<Refused> refused();

  /** A model that runs long, or empty if the device has none. */
  protected abstract Optional<Slow> slow();

  /** A model that refuses some content, or empty if the device has none. */
  protected abstract Optional<Choosy> choosy();

  private LoadedModel load(ModelArtifact artifact) throws Exception {
    return accelerator().load(artifact, LoadOptions.defaults());
  }

  private static long in(long nanos) {
    return System.nanoTime() + nanos;
  }

  private static List<byte[]> bytes(List<Tensor> tensors) {
    return tensors.stream().map(Tensors::bytes).toList();
  }

  private static void assertSame(List<Tensor> found, List<Tensor> asked) {
    assertThat(found).hasSameSizeAs(asked);
    for (int i = 0; i < asked.size(); i++) {
      assertThat(found.get(i).shape()).isEqualTo(asked.get(i).shape());
      assertThat(Tensors.bytes(found.get(i))).isEqualTo(Tensors.bytes(asked.get(i)));
    }
  }

  @Test
  public void shouldDescribeItselfTheSameWayWheneverAsked() {
    AcceleratorInfo info = accelerator().info();
    assertThat(accelerator().info()).isSameAs(info);
    assertThat(info.formats()).contains(working().format());
    assertThat(info.precisions()).contains(working().precision());
    assertThat(info.driver()).isNotEmpty();
    assertThat(info.driverVersion()).isNotEmpty();
    assertThat(info.runtime()).isNotEmpty();
    assertThat(info.runtimeVersion()).isNotEmpty();
    assertThat(info.remote() || !info.runtimeBuildId().isEmpty()).isTrue();
    assertThat(info.deviceName()).isNotEmpty();
    assertThat(info.properties())
        .containsEntry(AcceleratorInfo.KIND, info.kind())
        .containsEntry(AcceleratorInfo.DEVICE, info.device())
        .containsEntry(AcceleratorInfo.ARCHITECTURE, info.architecture());
  }

  @Test
  public void shouldDescribeTheModelWhenLoaded() throws Exception {
    List<String> steps = new ArrayList<>();
    try (LoadedModel model =
        accelerator().load(working(), LoadOptions.defaults().withProgress(steps::add))) {
      assertThat(model.inputs()).isNotEmpty();
      assertThat(model.outputs()).isNotEmpty();
      assertThat(model.concurrency()).isPositive();
      assertThat(model.details()).doesNotContainKey("");
      assertThat(steps).isNotEmpty().doesNotContain("");
    }
  }

  @Test
  public void shouldGiveTheSameBitsEachTimeWhenItPromisesThat() throws Exception {
    try (LoadedModel model = load(working())) {
      assumeTrue(
          "true".equals(model.details().get(LoadedModel.DETERMINISTIC)),
          "the driver does not promise the same bits: " + model.details());
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      List<Tensor> first = model.run(inputs, LoadedModel.noDeadline());
      for (int i = 0; i < 20; i++) {
        List<Tensor> again = model.run(inputs, LoadedModel.noDeadline());
        for (int k = 0; k < first.size(); k++) {
          assertThat(again.get(k).data().duplicate().rewind())
              .isEqualTo(first.get(k).data().duplicate().rewind());
        }
      }
    }
  }

  @Test
  public void shouldGiveTheSameResultBoundUnboundAndIntoNewTensors() throws Exception {
    try (LoadedModel model = load(working())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      List<Tensor> made = model.run(inputs, LoadedModel.noDeadline());
      List<Tensor> unbound = Tensors.zeroed(model.outputs(), 1);
      model.run(inputs, unbound, LoadedModel.noDeadline());
      assertSame(unbound, made);
      List<Tensor> bound = Tensors.zeroed(model.outputs(), 1);
      try (LoadedModel.Binding binding = model.bind(inputs, bound)) {
        for (int i = 0; i < 3; i++) {
          bound.forEach(tensor -> tensor.setLong(0, 1));
          binding.run(LoadedModel.noDeadline());
          assertSame(bound, made);
        }
      }
      Optional<List<Tensor>> expected = expected(inputs);
      if (expected.isPresent()) {
        assertSame(made, expected.get());
      }
    }
  }

  @Test
  public void shouldReadTheInputsAnewAtEachRunOfABinding() throws Exception {
    try (LoadedModel model = load(working())) {
      List<Tensor> inputs = Tensors.zeroed(model.inputs(), 1);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
        for (int seed = 0; seed < 5; seed++) {
          List<Tensor> next = Tensors.random(model.inputs(), 1, seed);
          for (int i = 0; i < inputs.size(); i++) {
            inputs.get(i).copyFrom(next.get(i));
          }
          binding.run(LoadedModel.noDeadline());
          assertSame(outputs, model.run(next, LoadedModel.noDeadline()));
        }
      }
    }
  }

  @Test
  public void shouldRunOtherBatchesWhenShapesAreDynamic() throws Exception {
    try (LoadedModel model = load(working())) {
      assumeTrue(
          model.inputs().stream().anyMatch(spec -> spec.shape().isDynamic()),
          "the model's shapes are fixed");
      for (long batch : new long[] {3, 1, 7}) {
        List<Tensor> inputs = Tensors.random(model.inputs(), batch, batch);
        List<Tensor> outputs = Tensors.zeroed(model.outputs(), batch);
        model.run(inputs, outputs, LoadedModel.noDeadline());
        assertSame(outputs, model.run(inputs, LoadedModel.noDeadline()));
      }
    }
  }

  @Test
  public void shouldLeaveInputsAsTheyAre() throws Exception {
    try (LoadedModel model = load(working())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 2);
      List<byte[]> before = bytes(inputs);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      model.run(inputs, outputs, LoadedModel.noDeadline());
      model.run(inputs, LoadedModel.noDeadline());
      assertThat(bytes(inputs)).usingRecursiveComparison().isEqualTo(before);
    }
  }

  @Test
  public void shouldGiveEachCallerItsOwnResultWhenManyRunAtOnce() throws Exception {
    try (LoadedModel model = load(working())) {
      int callers = Math.max(8, 2 * model.concurrency());
      List<Callable<@Nullable Void>> tasks = new ArrayList<>();
      CountDownLatch all = new CountDownLatch(callers);
      for (int i = 0; i < callers; i++) {
        List<Tensor> inputs = Tensors.random(model.inputs(), 1, 100 + i);
        List<Tensor> asked = model.run(inputs, LoadedModel.noDeadline());
        tasks.add(
            () -> {
              List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
              all.countDown();
              all.await();
              try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
                for (int round = 0; round < 50; round++) {
                  outputs.forEach(tensor -> tensor.setLong(0, 1));
                  binding.run(in(60 * SECOND));
                  assertSame(outputs, asked);
                  assertSame(model.run(inputs, in(60 * SECOND)), asked);
                }
              }
              return null;
            });
      }
      runAll(callers, tasks);
    }
  }

  @Test
  public void shouldGoOnRunningWhileOtherModelsComeAndGo() throws Exception {
    try (LoadedModel model = load(working())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 3);
      List<Tensor> asked = model.run(inputs, LoadedModel.noDeadline());
      assumeTrue(canLoadTwo(), "the device holds one model at a time");
      CountDownLatch loaded = new CountDownLatch(5);
      runAll(
          2,
          List.of(
              () -> {
                while (loaded.getCount() > 0) {
                  assertSame(model.run(inputs, in(60 * SECOND)), asked);
                }
                return null;
              },
              () -> {
                while (loaded.getCount() > 0) {
                  try (LoadedModel other = load(working())) {
                    assertSame(other.run(inputs, in(60 * SECOND)), asked);
                  } finally {
                    loaded.countDown();
                  }
                }
                return null;
              }));
    }
  }

  private boolean canLoadTwo() throws Exception {
    try {
      load(working()).close();
      return true;
    } catch (AcceleratorException e) {
      if (e.code() == Code.DEVICE_BUSY) {
        return false;
      }
      throw e;
    }
  }

  @Test
  public void shouldTimeOutWithoutRunningWhenTheDeadlineIsPast() throws Exception {
    try (LoadedModel model = load(working())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 4);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      List<byte[]> before = bytes(outputs);
      long past = System.nanoTime() - 1;
      try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
        assertCode(Code.TIMEOUT, () -> binding.run(past));
        assertCode(Code.TIMEOUT, () -> model.run(inputs, outputs, past));
        assertCode(Code.TIMEOUT, () -> model.run(inputs, past));
        assertThat(bytes(outputs)).usingRecursiveComparison().isEqualTo(before);
        binding.run(LoadedModel.noDeadline());
        assertSame(outputs, model.run(inputs, LoadedModel.noDeadline()));
      }
    }
  }

  @Test
  public void shouldTimeOutAtTheDeadlineWhenARunTakesLonger() throws Exception {
    Slow slow =
        slow().orElseThrow(() -> new TestAbortedException("no model runs long on this device"));
    try (LoadedModel model = load(slow.artifact())) {
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      try (LoadedModel.Binding binding = model.bind(slow.inputs(), outputs)) {
        for (int i = 0; i < 3; i++) {
          long deadline = in(SECOND / 10);
          assertCode(Code.TIMEOUT, () -> binding.run(deadline));
          if (slow.ends()) {
            assertThat(System.nanoTime() - deadline).isBetween(0L, LATE_NANOS);
          }
        }
        long deadline = in(SECOND / 10);
        assertCode(Code.TIMEOUT, () -> model.run(slow.inputs(), deadline));
      }
    }
    try (LoadedModel model = load(working())) {
      assertThat(model.run(Tensors.random(model.inputs(), 1, 5), in(10 * SECOND))).isNotEmpty();
    }
  }

  @Test
  public void shouldEndEachCallAtItsOwnDeadlineWhenSeveralRun() throws Exception {
    Slow slow =
        slow()
            .filter(Slow::ends)
            .orElseThrow(
                () ->
                    new TestAbortedException("a running inference cannot be ended on this device"));
    try (LoadedModel model = load(slow.artifact());
        LoadedModel quick = load(working())) {
      List<Tensor> quickInputs = Tensors.random(quick.inputs(), 1, 6);
      List<Callable<@Nullable Void>> tasks = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        long patience = SECOND / 10 * (3 - i);
        tasks.add(
            () -> {
              long deadline = in(patience);
              assertCode(Code.TIMEOUT, () -> model.run(slow.inputs(), deadline));
              assertThat(System.nanoTime() - deadline).isBetween(0L, LATE_NANOS);
              return null;
            });
      }
      tasks.add(
          () -> {
            // Calls that nobody ends go on while others are ended around them.
            for (int round = 0; round < 100; round++) {
              quick.run(quickInputs, in(30 * SECOND));
            }
            return null;
          });
      runAll(4, tasks);
    }
  }

  @Test
  public void shouldNameWhatIsWrongWhenATensorDoesNotFit() throws Exception {
    try (LoadedModel model = load(working())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 7);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      TensorSpec spec = model.inputs().get(0);
      Tensor good = inputs.get(0);
      ElementType otherType =
          spec.type() == ElementType.FLOAT32 ? ElementType.INT8 : ElementType.FLOAT32;
      Tensor wrongType = Tensor.allocate(otherType, good.shape());
      long[] more = Arrays.copyOf(good.shape().dims(), good.shape().rank() + 1);
      more[more.length - 1] = 1;
      Tensor wrongRank = Tensor.allocate(spec.type(), Shape.of(more));
      for (Tensor wrong : List.of(wrongType, wrongRank)) {
        List<Tensor> bad = replaceFirst(inputs, wrong);
        assertThatIllegalArgumentException()
            .isThrownBy(() -> model.bind(bad, outputs))
            .withMessageContaining(spec.name())
            .withMessageContaining(spec.type().toString())
            .withMessageContaining(wrong.toString());
        assertThatIllegalArgumentException()
            .isThrownBy(() -> model.run(bad, LoadedModel.noDeadline()));
      }
      List<Tensor> badOutputs =
          replaceFirst(
              outputs,
              Tensor.allocate(
                  model.outputs().get(0).type() == ElementType.FLOAT32
                      ? ElementType.INT8
                      : ElementType.FLOAT32,
                  outputs.get(0).shape()));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.bind(inputs, badOutputs))
          .withMessageContaining(model.outputs().get(0).name());
      assertThatIllegalArgumentException().isThrownBy(() -> model.bind(List.of(), outputs));
      assertThatIllegalArgumentException().isThrownBy(() -> model.bind(inputs, List.of()));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.run(List.of(), LoadedModel.noDeadline()));
      assertThat(model.run(inputs, LoadedModel.noDeadline())).isNotEmpty();
    }
  }

  @Test
  public void shouldNameTheDimensionsWhenAFixedOneDiffers() throws Exception {
    try (LoadedModel model = load(working())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 8);
      long[] dims = inputs.get(0).shape().dims();
      int fixed = -1;
      for (int i = 0; i < dims.length; i++) {
        if (model.inputs().get(0).shape().dim(i) != Shape.DYNAMIC) {
          fixed = i;
        }
      }
      assumeTrue(fixed >= 0, "every dimension of the model's first input is dynamic");
      dims[fixed] += 1;
      Tensor wrong = Tensor.allocate(inputs.get(0).type(), Shape.of(dims));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.run(replaceFirst(inputs, wrong), LoadedModel.noDeadline()))
          .withMessageContaining(model.inputs().get(0).shape().toString())
          .withMessageContaining(wrong.shape().toString());
    }
  }

  @Test
  public void shouldStayUsableWhenTheContentIsRefused() throws Exception {
    Choosy choosy =
        choosy()
            .orElseThrow(() -> new TestAbortedException("no model refuses content on this device"));
    try (LoadedModel model = load(choosy.artifact())) {
      List<Tensor> before = model.run(choosy.good(), LoadedModel.noDeadline());
      assertCode(Code.INVALID_INPUT, () -> model.run(choosy.bad(), LoadedModel.noDeadline()));
      List<Tensor> outputs = before.stream().map(Tensors::copy).toList();
      assertCode(
          Code.INVALID_INPUT, () -> model.run(choosy.bad(), outputs, LoadedModel.noDeadline()));
      assertSame(model.run(choosy.good(), LoadedModel.noDeadline()), before);
    }
  }

  @Test
  public void shouldRefuseWithACodeAndAReasonWhenAModelCannotRun() throws Exception {
    List<Refused> all = refused();
    assertThat(all).extracting(Refused::code).contains(Code.INVALID_MODEL, Code.UNSUPPORTED);
    try (LoadedModel serving = load(working())) {
      List<Tensor> inputs = Tensors.random(serving.inputs(), 1, 9);
      List<Tensor> asked = serving.run(inputs, LoadedModel.noDeadline());
      for (Refused refused : all) {
        assertThatThrownBy(() -> load(refused.artifact()))
            .as(refused.artifact().toString())
            .isInstanceOfSatisfying(
                AcceleratorException.class,
                e -> {
                  assertThat(e.code()).as(e.getMessage()).isEqualTo(refused.code());
                  assertThat(e.getMessage()).contains(refused.mentions());
                });
        assertSame(serving.run(inputs, LoadedModel.noDeadline()), asked);
      }
    }
  }

  @Test
  public void shouldRefuseAFormatThatItDoesNotOffer() {
    ModelArtifact good = working();
    ModelArtifact other =
        new ModelArtifact(
            good.model(),
            good.version(),
            good.variant(),
            "abacus",
            good.precision(),
            good.sha256(),
            good.files(),
            List.of(),
            List.of(),
            good.options());
    assertThatThrownBy(() -> load(other))
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> {
              assertThat(e.code()).isEqualTo(Code.UNSUPPORTED);
              assertThat(e.getMessage())
                  .contains("abacus", accelerator().info().formats().toString());
            });
  }

  @Test
  public void shouldGiveUpALoadWhenTheThreadIsInterrupted() throws Exception {
    int before = ProcessFigures.descriptors();
    for (int load = 0; load < INTERRUPTED_LOADS; load++) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> load(working())).isInstanceOf(InterruptedException.class);
      assertThat(Thread.interrupted()).isFalse();
    }
    // Java opens a file of its own now and then; a leak would be one for each load.
    assertThat(ProcessFigures.descriptors()).isLessThan(before + INTERRUPTED_LOADS / 2);
  }

  @Test
  public void shouldRefuseEveryUseAfterClose() throws Exception {
    LoadedModel model = load(working());
    List<Tensor> inputs = Tensors.random(model.inputs(), 1, 10);
    List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
    LoadedModel.Binding closedFirst = model.bind(inputs, outputs);
    LoadedModel.Binding leftOpen = model.bind(inputs, outputs);
    closedFirst.close();
    closedFirst.close();
    assertThatIllegalStateException().isThrownBy(() -> closedFirst.run(LoadedModel.noDeadline()));
    leftOpen.run(LoadedModel.noDeadline());
    model.close();
    model.close();
    assertThatIllegalStateException().isThrownBy(() -> leftOpen.run(LoadedModel.noDeadline()));
    assertThatIllegalStateException().isThrownBy(() -> model.bind(inputs, outputs));
    assertThatIllegalStateException()
        .isThrownBy(() -> model.run(inputs, outputs, LoadedModel.noDeadline()));
    assertThatIllegalStateException().isThrownBy(() -> model.run(inputs, LoadedModel.noDeadline()));
    leftOpen.close();
  }

  @Test
  public void shouldWaitForRunningCallsWhenClosed() throws Exception {
    for (int round = 0; round < 20; round++) {
      LoadedModel model = load(working());
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 11);
      List<Tensor> asked = model.run(inputs, LoadedModel.noDeadline());
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      LoadedModel.Binding binding = model.bind(inputs, outputs);
      CountDownLatch running = new CountDownLatch(2);
      runAll(
          3,
          List.of(
              () -> untilClosed(running, () -> assertRun(binding, outputs, asked)),
              () ->
                  untilClosed(running, () -> assertSame(model.run(inputs, in(60 * SECOND)), asked)),
              () -> {
                running.await();
                model.close();
                return null;
              }));
    }
  }

  private static void assertRun(
      LoadedModel.Binding binding, List<Tensor> outputs, List<Tensor> asked)
      throws AcceleratorException {
    binding.run(in(60 * SECOND));
    assertSame(outputs, asked);
  }

  private static @Nullable Void untilClosed(CountDownLatch running, Action action)
      throws Exception {
    try {
      while (true) {
        action.run();
        running.countDown();
      }
    } catch (IllegalStateException closed) {
      return null;
    }
  }

  @Test
  public void shouldHoldNoTensorOnceItsBindingIsClosed() throws Exception {
    try (LoadedModel model = load(working())) {
      List<WeakReference<Tensor>> references = useAndForget(model);
      long giveUp = in(30 * SECOND);
      while (references.stream().anyMatch(reference -> reference.get() != null)
          && giveUp - System.nanoTime() > 0) {
        System.gc();
        Thread.onSpinWait();
      }
      assertThat(references).allMatch(reference -> reference.get() == null);
    }
  }

  private static List<WeakReference<Tensor>> useAndForget(LoadedModel model) throws Exception {
    List<Tensor> tensors = new ArrayList<>(Tensors.random(model.inputs(), 1, 12));
    List<Tensor> inputs = List.copyOf(tensors);
    List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
    tensors.addAll(outputs);
    try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
      binding.run(LoadedModel.noDeadline());
    }
    model.run(inputs, outputs, LoadedModel.noDeadline());
    return tensors.stream().map(tensor -> new WeakReference<>(tensor)).toList();
  }

  @Test
  public void shouldGiveEverythingBackWhenModelsComeAndGo() throws Exception {
    int descriptors = 0;
    Set<String> mapped = Set.of();
    long resident = 0;
    for (int cycle = 0; cycle < CYCLES; cycle++) {
      if (cycle == WARM_CYCLES) {
        descriptors = ProcessFigures.descriptors();
        mapped = mappedByOthersThanJava();
        System.gc();
        resident = ProcessFigures.residentBytes();
      }
      try (LoadedModel model = load(working())) {
        List<Tensor> inputs = Tensors.random(model.inputs(), 1, cycle);
        List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
        model.run(inputs, outputs, LoadedModel.noDeadline());
        try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
          binding.run(LoadedModel.noDeadline());
        }
      }
      for (Refused refused : refused()) {
        assertThatThrownBy(() -> load(refused.artifact())).isInstanceOf(Exception.class);
      }
    }
    System.gc();
    // Java opens a file of its own now and then; a leak would be one for each of the many cycles.
    assertThat(ProcessFigures.descriptors()).isLessThanOrEqualTo(descriptors + 2);
    assertThat(mappedByOthersThanJava()).isSubsetOf(mapped);
    assertThat(ProcessFigures.residentBytes()).isLessThan(resident + resident / 5);
  }

  /** Java opens libraries of its own when it first needs them, at any time. */
  private static Set<String> mappedByOthersThanJava() throws IOException {
    String java = Path.of(System.getProperty("java.home")).toRealPath().toString();
    return ProcessFigures.mappedFiles().stream()
        .filter(file -> !file.startsWith(java))
        .collect(Collectors.toSet());
  }

  @Test
  public void shouldGiveSaneMemoryFiguresOrNone() throws Exception {
    try (LoadedModel model = load(working())) {
      model.run(Tensors.random(model.inputs(), 1, 13), LoadedModel.noDeadline());
      MemoryUse memory = model.memory();
      memory
          .currentBytes()
          .ifPresent(
              current -> {
                assertThat(current).isNotNegative();
                memory
                    .peakBytes()
                    .ifPresent(peak -> assertThat(peak).isGreaterThanOrEqualTo(current));
              });
      memory
          .loadBytes()
          .ifPresent(bytes -> assertThat(bytes).isLessThan(ProcessFigures.residentBytes()));
    }
  }

  @Test
  public void shouldGiveASaneHealthAtAnyTime() throws Exception {
    Slow slow = slow().orElse(null);
    if (slow == null || !slow.ends()) {
      assertSane(accelerator().health());
      return;
    }
    try (LoadedModel model = load(slow.artifact())) {
      ExecutorService executor = Executors.newSingleThreadExecutor();
      try {
        Future<?> running =
            executor.submit(
                () -> {
                  assertCode(Code.TIMEOUT, () -> model.run(slow.inputs(), in(2 * SECOND)));
                  return null;
                });
        long asked = System.nanoTime();
        assertSane(accelerator().health());
        assertSane(accelerator().health());
        // Health never waits for a running inference.
        assertThat(System.nanoTime() - asked).isLessThan(SECOND);
        running.get(60, TimeUnit.SECONDS);
      } finally {
        executor.shutdownNow();
      }
    }
  }

  private static void assertSane(AcceleratorHealth health) {
    assertThat(health.state())
        .isIn(AcceleratorHealth.State.HEALTHY, AcceleratorHealth.State.THROTTLED);
    assertThat(health.reason().isEmpty())
        .isEqualTo(health.state() == AcceleratorHealth.State.HEALTHY);
    health.temperatureCelsius().ifPresent(celsius -> assertThat(celsius).isBetween(-55.0, 130.0));
    health.powerWatts().ifPresent(watts -> assertThat(watts).isBetween(0.0, 2_000.0));
    health
        .memoryTotalBytes()
        .ifPresent(total -> assertThat(health.memoryUsedBytes().orElse(0)).isBetween(0L, total));
  }

  private static List<Tensor> replaceFirst(List<Tensor> tensors, Tensor first) {
    List<Tensor> copy = new ArrayList<>(tensors);
    copy.set(0, first);
    return copy;
  }

  /** Something that may fail. */
  protected interface Action {
    /** Does it. */
    void run() throws Exception;
  }

  /** Asserts that {@code action} fails with that code. */
  protected static void assertCode(Code code, Action action) {
    assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
  }

  /** Runs tasks at once and passes on the first failure. */
  protected static void runAll(int threads, List<Callable<@Nullable Void>> tasks)
      throws InterruptedException, TimeoutException {
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Future<@Nullable Void>> futures = new ArrayList<>();
      tasks.forEach(task -> futures.add(executor.submit(task)));
      for (Future<@Nullable Void> future : futures) {
        try {
          future.get(100, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
          throw new AssertionError("a task failed: " + e.getCause(), e.getCause());
        }
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
