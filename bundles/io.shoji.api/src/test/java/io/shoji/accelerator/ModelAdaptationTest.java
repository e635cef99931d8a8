/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ModelAdaptationTest {
  private static final TensorSpec FLOATS =
      TensorSpec.of("x", ElementType.FLOAT32, Shape.of(-1, 2, 2, 3)).withLayout(Layout.NCHW);
  private static final TensorSpec BYTES =
      TensorSpec.of("x", ElementType.INT8, Shape.of(-1, 2, 3, 2))
          .withLayout(Layout.NHWC)
          .withQuantization(Quantization.perTensor(0.5f, -4));
  private static final TensorSpec ONE =
      TensorSpec.of("x", ElementType.INT8, Shape.of(1, 2, 3, 2))
          .withLayout(Layout.NHWC)
          .withQuantization(Quantization.perTensor(0.5f, -4));

  /** Gives what it takes, and counts. */
  private static final class Echo implements LoadedModel {
    final List<TensorSpec> inputs;
    final AtomicInteger runs = new AtomicInteger();
    final AtomicInteger binds = new AtomicInteger();
    final AtomicInteger openBindings = new AtomicInteger();
    final List<Buffers> given = new ArrayList<>();
    final AtomicInteger openBuffers = new AtomicInteger();
    volatile List<Tensor> lastInputs = List.of();
    Optional<AcceleratorException> failure = Optional.empty();
    Runnable during = () -> {};
    boolean closed;

    Echo(TensorSpec... inputs) {
      this.inputs = List.of(inputs);
    }

    @Override
    public List<TensorSpec> inputs() {
      return inputs;
    }

    @Override
    public List<TensorSpec> outputs() {
      return inputs;
    }

    @Override
    public int concurrency() {
      return 2;
    }

    @Override
    public Buffers buffers(List<Shape> inputShapes, List<Shape> outputShapes)
        throws AcceleratorException {
      Buffers memory = LoadedModel.super.buffers(inputShapes, outputShapes);
      openBuffers.incrementAndGet();
      Buffers counted =
          new Buffers() {
            @Override
            public List<Tensor> inputs() {
              return memory.inputs();
            }

            @Override
            public List<Tensor> outputs() {
              return memory.outputs();
            }

            @Override
            public void close() {
              openBuffers.decrementAndGet();
            }
          };
      given.add(counted);
      return counted;
    }

    @Override
    public Binding bind(List<Tensor> in, List<Tensor> out) {
      check(in);
      check(out);
      binds.incrementAndGet();
      openBindings.incrementAndGet();
      return new Binding() {
        @Override
        public void run(long deadlineNanos) throws AcceleratorException {
          compute(in, out);
        }

        @Override
        public void close() {
          openBindings.decrementAndGet();
        }
      };
    }

    private void check(List<Tensor> tensors) {
      if (closed) {
        throw new IllegalStateException("closed");
      }
      for (int i = 0; i < tensors.size(); i++) {
        assertThat(inputs.get(i).mismatch(tensors.get(i))).isEmpty();
      }
    }

    @Override
    public List<Tensor> run(List<Tensor> in, long deadlineNanos) throws AcceleratorException {
      check(in);
      List<Tensor> out = in.stream().map(t -> Tensor.allocate(t.type(), t.shape())).toList();
      compute(in, out);
      return out;
    }

    private void compute(List<Tensor> in, List<Tensor> out) throws AcceleratorException {
      runs.incrementAndGet();
      during.run();
      if (failure.isPresent()) {
        throw failure.get();
      }
      lastInputs = in;
      for (int i = 0; i < in.size(); i++) {
        out.get(i).copyFrom(in.get(i));
      }
    }

    @Override
    public MemoryUse memory() {
      return MemoryUse.unknown();
    }

    @Override
    public Map<String, String> details() {
      return Map.of("provider", "echo");
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static LoadedModel adapt(LoadedModel model, TensorSpec spec) {
    return ModelAdaptation.adapt(
        model, List.of(spec), List.of(spec), model.inputs(), model.outputs());
  }

  private static Tensor floats(int batch) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(batch, 2, 2, 3));
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, i * 0.5f);
    }
    return tensor;
  }

  private static List<Float> values(Tensor tensor) {
    List<Float> values = new ArrayList<>();
    for (int i = 0; i < tensor.elementCount(); i++) {
      values.add(tensor.getFloat(i));
    }
    return values;
  }

  private static long soon() {
    return System.nanoTime() + 10_000_000_000L;
  }

  @Test
  void shouldBeModelItselfWhenNothingDiffers() {
    Echo echo = new Echo(FLOATS);

    assertThat(adapt(echo, FLOATS)).isSameAs(echo);
    assertThat(adapt(echo, FLOATS.withLayout(Layout.ANY))).isSameAs(echo);
  }

  @Test
  void shouldConvertWholeBatchInOneRunWhenModelTakesIt() throws Exception {
    Echo echo = new Echo(BYTES);
    LoadedModel adapted = adapt(echo, FLOATS);
    Tensor out = Tensor.allocate(ElementType.FLOAT32, Shape.of(4, 2, 2, 3));

    List<Tensor> found = adapted.run(List.of(floats(4)), soon());
    adapted.run(List.of(floats(4)), List.of(out), soon());

    assertThat(adapted.inputs()).containsExactly(FLOATS);
    assertThat(adapted.outputs()).containsExactly(FLOATS);
    assertThat(found.get(0).shape()).isEqualTo(Shape.of(4, 2, 2, 3));
    assertThat(values(found.get(0))).isEqualTo(values(floats(4)));
    assertThat(values(out)).isEqualTo(values(floats(4)));
    assertThat(echo.runs).hasValue(2);
    assertThat(adapted.details())
        .containsEntry("provider", "echo")
        .containsKeys("input.x", "output.x")
        .doesNotContainKey("batch");
  }

  @Test
  void shouldRunOnModelsOwnMemoryWhenTensorsAreItsBuffers() throws Exception {
    TensorSpec plain = TensorSpec.of("p", ElementType.FLOAT32, Shape.of(-1, 2));
    Echo echo = new Echo(plain, BYTES);
    LoadedModel adapted =
        ModelAdaptation.adapt(
            echo, List.of(plain, FLOATS), List.of(plain, FLOATS), echo.inputs(), echo.outputs());
    List<Shape> shapes = List.of(Shape.of(4, 2), Shape.of(4, 2, 2, 3));

    try (LoadedModel.Buffers buffers = adapted.buffers(shapes, shapes);
        LoadedModel.Binding binding = adapted.bind(buffers.inputs(), buffers.outputs())) {
      LoadedModel.Buffers own = echo.given.get(0);
      buffers.inputs().get(0).setFloat(7, 5);
      buffers.inputs().get(1).copyFrom(floats(4));

      binding.run(soon());

      assertThat(echo.given).hasSize(1);
      assertThat(echo.lastInputs).isEqualTo(own.inputs());
      assertThat(buffers.inputs().get(0)).as("passes").isSameAs(own.inputs().get(0));
      assertThat(buffers.outputs().get(0)).as("passes").isSameAs(own.outputs().get(0));
      assertThat(buffers.inputs().get(1)).as("is converted").isNotSameAs(own.inputs().get(1));
      assertThat(buffers.outputs().get(0).getFloat(7)).isEqualTo(5);
      assertThat(values(buffers.outputs().get(1))).isEqualTo(values(floats(4)));
    }
    assertThat(echo.openBuffers).hasValue(0);
    assertThat(echo.openBindings).hasValue(0);
  }

  @Test
  void shouldConvertIntoModelsOwnMemoryWhenEveryTensorOfACallerIsConverted() throws Exception {
    Echo echo = new Echo(BYTES);
    LoadedModel adapted = adapt(echo, FLOATS);
    Tensor out = Tensor.allocate(ElementType.FLOAT32, Shape.of(4, 2, 2, 3));

    try (LoadedModel.Binding binding = adapted.bind(List.of(floats(4)), List.of(out))) {
      binding.run(soon());
      assertThat(echo.lastInputs).isEqualTo(echo.given.get(0).inputs());
      assertThat(values(out)).isEqualTo(values(floats(4)));
    }
    assertThat(echo.openBuffers).hasValue(0);
  }

  @Test
  void shouldRunOncePerSampleWhenModelTakesOne() throws Exception {
    Echo echo = new Echo(ONE);
    LoadedModel adapted = adapt(echo, FLOATS);
    Tensor out = Tensor.allocate(ElementType.FLOAT32, Shape.of(3, 2, 2, 3));

    List<Tensor> found = adapted.run(List.of(floats(3)), soon());
    adapted.run(List.of(floats(3)), List.of(out), soon());
    try (LoadedModel.Binding binding = adapted.bind(List.of(floats(3)), List.of(out))) {
      binding.run(soon());
    }

    assertThat(adapted.inputs()).containsExactly(FLOATS);
    assertThat(values(found.get(0))).isEqualTo(values(floats(3)));
    assertThat(values(out)).isEqualTo(values(floats(3)));
    assertThat(echo.runs).hasValue(9);
    assertThat(adapted.details()).containsEntry("batch", "one run per sample");
    assertThat(
            adapted.run(
                List.of(Tensor.allocate(ElementType.FLOAT32, Shape.of(0, 2, 2, 3))), soon()))
        .singleElement()
        .satisfies(t -> assertThat(t.elementCount()).isZero());
  }

  @Test
  void shouldPassTensorThatNeedsNoConversionAsItIs() throws Exception {
    TensorSpec plain = TensorSpec.of("y", ElementType.INT64, Shape.of(-1, 3));
    Echo echo = new Echo(BYTES, plain);
    LoadedModel adapted =
        ModelAdaptation.adapt(
            echo, List.of(FLOATS, plain), List.of(FLOATS, plain), echo.inputs(), echo.outputs());
    Tensor numbers = Tensor.allocate(ElementType.INT64, Shape.of(1, 3));
    numbers.setLong(1, 77);
    Tensor out = Tensor.allocate(ElementType.INT64, Shape.of(1, 3));

    try (LoadedModel.Binding binding =
        adapted.bind(List.of(floats(1), numbers), List.of(floats(1), out))) {
      binding.run(soon());
    }

    assertThat(echo.lastInputs.get(1)).isSameAs(numbers);
    assertThat(out.getLong(1)).isEqualTo(77);
  }

  @Test
  void shouldStopBetweenSamplesWhenDeadlinePasses() {
    Echo echo = new Echo(ONE);
    LoadedModel adapted = adapt(echo, FLOATS);
    long deadline = System.nanoTime() + 2_000_000_000L;
    echo.during =
        () -> {
          // The deadline passes in the third sample.
          while (echo.runs.get() >= 3 && System.nanoTime() - deadline <= 0) {
            Thread.onSpinWait();
          }
        };

    assertThatThrownBy(() -> adapted.run(List.of(floats(1000)), deadline))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.TIMEOUT))
        .hasMessageContaining("samples=1000");
    assertThat(echo.runs.get()).isEqualTo(3);
    assertThatThrownBy(() -> adapted.run(List.of(floats(1)), System.nanoTime() - 1))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.TIMEOUT));
    assertThat(echo.runs.get()).as("the device is not touched").isEqualTo(3);
  }

  @Test
  void shouldUseItsTensorsAgainAndLetThemGo() throws Exception {
    Echo echo = new Echo(ONE);
    LoadedModel adapted = adapt(echo, FLOATS);

    for (int i = 0; i < 5; i++) {
      adapted.run(List.of(floats(1 + i % 3)), soon());
    }
    assertThat(echo.binds).hasValue(1);

    echo.failure = Optional.of(new AcceleratorException(Code.FAILED, "broken"));
    assertThatThrownBy(() -> adapted.run(List.of(floats(1)), soon())).hasMessage("FAILED: broken");
    assertThat(echo.openBindings).as("after a failure").hasValue(0);
    echo.failure = Optional.empty();
    adapted.run(List.of(floats(1)), soon());
    adapted.close();
    assertThat(echo.openBindings).as("after the end").hasValue(0);
    assertThat(echo.closed).isTrue();
    assertThatThrownBy(() -> adapted.run(List.of(floats(1)), soon()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void shouldMakeNoGarbagePerRunOfBinding() throws Exception {
    Echo echo = new Echo(ONE);
    LoadedModel adapted = adapt(echo, FLOATS);
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (LoadedModel.Binding binding = adapted.bind(List.of(floats(4)), List.of(floats(4)))) {
      for (int i = 0; i < 2_000; i++) {
        binding.run(soon());
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1_000; i++) {
        binding.run(soon());
      }
      long bytes = threads.getCurrentThreadAllocatedBytes() - before;
      // A tensor alone has more than that.
      assertThat(bytes / 1_000).isLessThan(64);
    }
  }

  @Test
  void shouldKeepCallsApartThatRunAtOnce() throws Exception {
    Echo echo = new Echo(ONE);
    LoadedModel adapted = adapt(echo, FLOATS);
    int threads = 4;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    CountDownLatch go = new CountDownLatch(1);
    List<Future<Boolean>> all = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      float own = t + 1;
      all.add(
          pool.submit(
              () -> {
                Tensor in = Tensor.allocate(ElementType.FLOAT32, Shape.of(2, 2, 2, 3));
                for (int i = 0; i < in.elementCount(); i++) {
                  in.setFloat(i, own);
                }
                go.await();
                for (int i = 0; i < 300; i++) {
                  assertThat(values(adapted.run(List.of(in), soon()).get(0))).containsOnly(own);
                }
                return true;
              }));
    }
    go.countDown();
    for (Future<Boolean> each : all) {
      assertThat(each.get()).isTrue();
    }
    pool.shutdown();
    adapted.close();
    assertThat(echo.openBindings).hasValue(0);
  }

  @Test
  void shouldTakeOneSampleOnlyWhenOutputsDoNotMakeBatch() throws Exception {
    TensorSpec boxes = TensorSpec.of("boxes", ElementType.FLOAT32, Shape.of(-1, 6));
    TensorSpec hundred = TensorSpec.of("boxes", ElementType.FLOAT32, Shape.of(100, 6));

    assertThat(
            ModelAdaptation.differences(
                List.of(FLOATS), List.of(boxes), List.of(ONE), List.of(hundred)))
        .isEmpty();
    Echo echo = new Echo(ONE);
    LoadedModel adapted =
        ModelAdaptation.adapt(
            echo, List.of(FLOATS), List.of(boxes), List.of(ONE), List.of(hundred));

    assertThat(adapted.inputs().get(0).shape()).isEqualTo(Shape.of(1, 2, 2, 3));
    assertThat(adapted.outputs().get(0).shape()).isEqualTo(Shape.of(100, 6));
    assertThatThrownBy(() -> adapted.run(List.of(floats(2)), soon()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("asked=FLOAT32[1, 2, 2, 3]");
  }

  @Test
  void shouldRefuseTensorsThatDoNotFit() {
    LoadedModel adapted = adapt(new Echo(ONE), FLOATS);
    Tensor bytes = Tensor.allocate(ElementType.INT8, Shape.of(1, 2, 3, 2));

    assertThatThrownBy(() -> adapted.run(List.of(bytes), soon()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("input", "name=x", "asked=FLOAT32[?, 2, 2, 3]");
    assertThatThrownBy(() -> adapted.run(List.of(), soon()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> adapted.bind(List.of(floats(2)), List.of(floats(3))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tensors of different batches name=x asked=2");
    assertThatThrownBy(
            () ->
                ModelAdaptation.adapt(
                    new Echo(ONE), List.of(FLOATS), List.of(), List.of(ONE), List.of(ONE)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("another number of inputs or outputs");
  }
}
