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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A device that adds one to each input element. Its speed and its failures are set by the test, and
 * it notes every breach of the contract by whoever calls it.
 */
final class FakeAccelerator implements Accelerator {
  static final List<TensorSpec> INPUTS =
      List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4)));
  static final List<TensorSpec> OUTPUTS =
      List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4)));

  private static final ThreadLocal<long[]> WATCH = ThreadLocal.withInitial(() -> new long[1]);

  /** What the caller did that it must not do. */
  final ConcurrentLinkedQueue<String> breaches = new ConcurrentLinkedQueue<>();

  final AtomicInteger loads = new AtomicInteger();
  final AtomicInteger runs = new AtomicInteger();
  final AtomicInteger open = new AtomicInteger();
  final AtomicInteger openBindings = new AtomicInteger();
  final AtomicInteger openBuffers = new AtomicInteger();

  /** Bindings on tensors that the model had given. */
  final AtomicInteger bindingsOnOwn = new AtomicInteger();

  final AtomicInteger running = new AtomicInteger();
  final AtomicInteger mostRunning = new AtomicInteger();
  final Set<Long> ran = ConcurrentHashMap.newKeySet();

  /** How long a run takes. */
  volatile long runNanos;

  /** How long a run takes by {@link #stopwatch}, so that measurements are exact. */
  volatile long cost = 100_000;

  /** What it adds to each element. */
  volatile float offset = 1;

  volatile int modelConcurrency;

  /** What a loaded model says that it takes. */
  volatile long memoryBytes = 1024;

  volatile @Nullable AcceleratorException loadFailure;
  volatile @Nullable Throwable runFailure;
  volatile @Nullable CountDownLatch loadGate;
  volatile @Nullable CountDownLatch runGate;

  /** What runs wait for whatever their deadlines are, as in a library that does not come back. */
  volatile @Nullable CountDownLatch runHang;

  /** What loads wait for although they are asked to give up. */
  volatile @Nullable CountDownLatch loadHang;

  /** Calls that wait so now. */
  final AtomicInteger hanging = new AtomicInteger();

  /** Whether it is a breach to let two calls write the same tensor; costs memory. */
  volatile boolean watchesTensors;

  /** Tensors of callers that running calls write. */
  private final Set<Integer> written = ConcurrentHashMap.newKeySet();

  /** Names of the threads of runs. */
  final Set<String> threads = ConcurrentHashMap.newKeySet();

  volatile List<TensorSpec> inputs = INPUTS;
  volatile List<TensorSpec> outputs = OUTPUTS;

  /** Set when the driver would unmap its library: nothing may be called any more. */
  volatile boolean gone;

  /** What a version does to its answers, after all else. */
  interface Quirk {
    /** Changes outputs, or fails. */
    void apply(List<Tensor> inputs, List<Tensor> outputs) throws AcceleratorException;
  }

  /** Quirks by the version of the package. */
  final Map<String, Quirk> quirks = new ConcurrentHashMap<>();

  /** Further facts that loaded models tell. */
  volatile Map<String, String> details = Map.of();

  private final AcceleratorInfo info;

  FakeAccelerator(AcceleratorInfo info) {
    this.info = info;
    this.modelConcurrency = info.concurrency();
  }

  static AcceleratorInfo.Builder describe(String kind, String device) {
    return AcceleratorInfo.builder(kind, device)
        .formats(List.of("onnx"))
        .precisions(List.of(Precision.FP32))
        .driver("test." + kind, "1.0.0")
        .runtime("fake", "1.0", "build")
        .dynamicShapes(true);
  }

  static FakeAccelerator of(String kind, int concurrency) {
    return new FakeAccelerator(describe(kind, kind + "0").concurrency(concurrency).build());
  }

  FakeAccelerator taking(long nanos) {
    runNanos = nanos;
    cost = nanos;
    return this;
  }

  FakeAccelerator costing(long nanos) {
    cost = nanos;
    return this;
  }

  /** Time that runs have taken on this thread. */
  static long stopwatch() {
    return WATCH.get()[0];
  }

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  @Override
  public AcceleratorHealth health() {
    return AcceleratorHealth.of(AcceleratorHealth.State.HEALTHY, "");
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    if (gone) {
      breaches.add("load after the driver let go");
    }
    loads.incrementAndGet();
    options.progress().accept("reading");
    CountDownLatch gate = loadGate;
    if (gate != null) {
      gate.await();
    }
    hang(loadHang);
    AcceleratorException failure = loadFailure;
    if (failure != null) {
      throw failure;
    }
    open.incrementAndGet();
    return new Loaded(artifact.version(), inputs, outputs);
  }

  private final class Loaded implements LoadedModel {
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicInteger inUse = new AtomicInteger();
    private final Set<Integer> own = ConcurrentHashMap.newKeySet();
    private final String version;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;

    Loaded(String version, List<TensorSpec> inputs, List<TensorSpec> outputs) {
      this.version = version;
      this.inputs = inputs;
      this.outputs = outputs;
    }

    @Override
    public List<TensorSpec> inputs() {
      return inputs;
    }

    @Override
    public List<TensorSpec> outputs() {
      return outputs;
    }

    @Override
    public int concurrency() {
      return modelConcurrency;
    }

    @Override
    public Buffers buffers(List<Shape> inputShapes, List<Shape> outputShapes)
        throws AcceleratorException {
      if (closed.get()) {
        breaches.add("buffers after close");
      }
      openBuffers.incrementAndGet();
      return new Own(LoadedModel.super.buffers(inputShapes, outputShapes));
    }

    private final class Own implements Buffers {
      private final Buffers memory;
      private final AtomicBoolean buffersClosed = new AtomicBoolean();

      Own(Buffers memory) {
        this.memory = memory;
        memory.inputs().forEach(tensor -> own.add(System.identityHashCode(tensor)));
      }

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
        if (buffersClosed.compareAndSet(false, true)) {
          if (closed.get()) {
            breaches.add("buffers closed after their model");
          }
          openBuffers.decrementAndGet();
        }
      }
    }

    @Override
    public Binding bind(List<Tensor> in, List<Tensor> out) {
      if (closed.get()) {
        breaches.add("bind after close");
      }
      openBindings.incrementAndGet();
      if (own.contains(System.identityHashCode(in.get(0)))) {
        bindingsOnOwn.incrementAndGet();
      }
      return new Bound(in, out);
    }

    @Override
    public List<Tensor> run(List<Tensor> in, long deadlineNanos) throws AcceleratorException {
      List<Tensor> out = in.stream().map(t -> Tensor.allocate(t.type(), t.shape())).toList();
      compute(in, out, deadlineNanos);
      return out;
    }

    private void compute(List<Tensor> in, List<Tensor> out, long deadlineNanos)
        throws AcceleratorException {
      int now = running.incrementAndGet();
      mostRunning.accumulateAndGet(now, Math::max);
      int here = inUse.incrementAndGet();
      try {
        if (closed.get()) {
          breaches.add("run after close");
        }
        if (gone) {
          breaches.add("run after the driver let go");
        }
        // One that gives way to others needs no place.
        boolean inTurn = Thread.currentThread().getPriority() >= Thread.NORM_PRIORITY;
        if (inTurn && now - hanging.get() > info.concurrency()) {
          breaches.add("more calls than the device takes running=" + now);
        }
        if (here > modelConcurrency) {
          breaches.add("more calls than the model takes running=" + here);
        }
        runs.incrementAndGet();
        WATCH.get()[0] += cost;
        threads.add(Thread.currentThread().getName());
        hang(runHang);
        CountDownLatch gate = runGate;
        if (gate != null) {
          long left = deadlineNanos - System.nanoTime();
          if (!awaitQuietly(gate, left)) {
            throw new AcceleratorException(AcceleratorException.Code.TIMEOUT, "too slow");
          }
        }
        if (runNanos > 0) {
          long end = System.nanoTime() + runNanos;
          while (end - System.nanoTime() > 0) {
            LockSupport.parkNanos(end - System.nanoTime());
          }
        }
        Throwable failure = runFailure;
        if (failure instanceof AcceleratorException e) {
          throw e;
        }
        if (failure instanceof RuntimeException e) {
          throw e;
        }
        for (int i = 0; i < in.size(); i++) {
          Tensor from = in.get(i);
          Tensor to = out.get(i);
          for (int k = 0; k < from.elementCount(); k++) {
            to.data().putFloat(k * 4, from.data().getFloat(k * 4) + offset);
          }
        }
        Quirk quirk = quirks.get(version);
        if (quirk != null) {
          quirk.apply(in, out);
        }
        ran.add((long) in.get(0).data().getFloat(0));
      } finally {
        inUse.decrementAndGet();
        running.decrementAndGet();
      }
    }

    @Override
    public MemoryUse memory() {
      return MemoryUse.of(memoryBytes, memoryBytes, memoryBytes);
    }

    @Override
    public Map<String, String> details() {
      return details;
    }

    @Override
    public void close() {
      if (!closed.compareAndSet(false, true)) {
        return;
      }
      if (gone) {
        breaches.add("close after the driver let go");
      }
      if (inUse.get() != 0) {
        breaches.add("closed in use running=" + inUse.get());
      }
      open.decrementAndGet();
    }

    private final class Bound implements Binding {
      private final AtomicBoolean bindingClosed = new AtomicBoolean();
      private final List<Tensor> in;
      private final List<Tensor> out;

      Bound(List<Tensor> in, List<Tensor> out) {
        this.in = in;
        this.out = out;
      }

      @Override
      public void run(long deadlineNanos) throws AcceleratorException {
        if (bindingClosed.get()) {
          breaches.add("run of a closed binding");
        }
        boolean watched = watchesTensors;
        if (watched && !written.add(System.identityHashCode(out.get(0)))) {
          breaches.add("two calls write the same tensor " + out.get(0));
        }
        try {
          compute(in, out, deadlineNanos);
        } finally {
          if (watched) {
            written.remove(System.identityHashCode(out.get(0)));
          }
        }
      }

      @Override
      public void close() {
        if (bindingClosed.compareAndSet(false, true)) {
          if (closed.get()) {
            breaches.add("binding closed after its model");
          }
          openBindings.decrementAndGet();
        }
      }
    }
  }

  private void hang(@Nullable CountDownLatch until) {
    if (until == null) {
      return;
    }
    hanging.incrementAndGet();
    try {
      boolean ended = awaitQuietly(until, TimeUnit.MINUTES.toNanos(5));
      if (!ended) {
        breaches.add("a call hung for five minutes");
      }
    } finally {
      hanging.decrementAndGet();
    }
  }

  private static boolean awaitQuietly(CountDownLatch gate, long nanos) {
    boolean interrupted = false;
    long end = System.nanoTime() + nanos;
    try {
      while (true) {
        try {
          return gate.await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
