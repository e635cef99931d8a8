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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.BenchResult;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationException.Code;
import io.shoji.operations.Progress;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.AtomicHistogram;
import org.jspecify.annotations.Nullable;

/** Measures a generation under load, on zeros, batch size 1. */
final class Bench {
  /** A generation is held no longer at a time, so that a device that leaves need not wait. */
  private static final long CHUNK_NANOS = 50_000_000;

  private static final int LOOK_MS = 50;
  private static final int DIGITS = 3;

  private final Engine engine;
  private final Generation generation;
  private final Guest guest;
  private final BenchOptions options;
  private final Progress progress;
  private final AtomicHistogram nanos = new AtomicHistogram(1, Metrics.LONGEST_NANOS, DIGITS);
  private final AtomicInteger left;
  private final AtomicReference<@Nullable OperationException> failure = new AtomicReference<>();
  private final CountDownLatch warm;
  private final CountDownLatch begin = new CountDownLatch(1);
  private final CountDownLatch done;
  private volatile boolean stop;

  Bench(Engine engine, Generation generation, BenchOptions options, Progress progress) {
    this.engine = engine;
    this.generation = generation;
    this.guest = new Guest(engine, generation);
    this.options = options;
    this.progress = progress;
    this.left = new AtomicInteger(options.runs());
    this.warm = new CountDownLatch(options.threads());
    this.done = new CountDownLatch(options.threads());
  }

  /** Runs, and returns when every thread has ended. */
  BenchResult measure() throws OperationException {
    Threads threads = new Threads("bench");
    for (int i = 0; i < options.threads(); i++) {
      threads.newThread(this::work).start();
    }
    boolean interrupted = await(warm, "warming up");
    long start = System.nanoTime();
    begin.countDown();
    interrupted |= await(done, "measuring");
    long duration = System.nanoTime() - start;
    OperationException failed = failure.get();
    if (interrupted) {
      Thread.currentThread().interrupt();
      throw new OperationException(Code.CANCELLED, "the thread was interrupted " + generation);
    }
    if (failed != null) {
      throw failed;
    }
    MemoryUse memory = memory();
    progress.report(1, "measured " + generation);
    return new BenchResult(
        generation.provenance,
        options,
        Metrics.distribution(nanos),
        options.runs() * 1e9 / duration,
        duration,
        memory.loadBytes(),
        memory.currentBytes(),
        memory.peakBytes());
  }

  private MemoryUse memory() {
    if (!generation.lease()) {
      return MemoryUse.unknown();
    }
    try {
      return generation.loaded.memory();
    } finally {
      generation.release();
    }
  }

  /** Waits for the threads, and tells how far they are; whether the caller was interrupted. */
  private boolean await(CountDownLatch latch, String what) {
    boolean interrupted = false;
    while (true) {
      try {
        if (latch.await(LOOK_MS, TimeUnit.MILLISECONDS)) {
          return interrupted;
        }
      } catch (InterruptedException e) {
        interrupted = true;
        stop = true;
      }
      int runs = options.runs() - Math.max(0, left.get());
      progress.report((double) runs / options.runs(), what + " runs=" + runs);
      if (!stop && progress.cancelled()) {
        fail(new OperationException(Code.CANCELLED, "the measurement was cancelled " + generation));
      }
    }
  }

  private void fail(OperationException e) {
    failure.compareAndSet(null, e);
    stop = true;
  }

  private void work() {
    try {
      List<Tensor> inputs = new ArrayList<>();
      generation.inputs.forEach(
          spec -> inputs.add(Tensor.allocate(spec.type(), spec.shape().withDynamicAs(1))));
      List<Tensor> outputs = outputs(inputs);
      run(inputs, outputs, new AtomicInteger(options.warmUpRuns()), false);
      warm.countDown();
      begin.await();
      run(inputs, outputs, left, true);
    } catch (OperationException e) {
      fail(e);
    } catch (InterruptedException e) {
      fail(new OperationException(Code.CANCELLED, "a thread was interrupted " + generation, e));
    } catch (RuntimeException | Error e) {
      fail(new OperationException(Code.FAILED, "a run failed " + generation + ": " + e, e));
    } finally {
      warm.countDown();
      done.countDown();
    }
  }

  private List<Tensor> outputs(List<Tensor> inputs) throws OperationException {
    Generation entered = guest.enter();
    try {
      return entered.loaded.run(inputs, Guest.deadline());
    } catch (AcceleratorException e) {
      throw Guest.failed(engine.failed(entered, e));
    } finally {
      engine.leave(entered, false);
    }
  }

  private void run(
      List<Tensor> inputs, List<Tensor> outputs, AtomicInteger remaining, boolean measured)
      throws OperationException {
    while (!stop && remaining.getAndDecrement() > 0) {
      long start = System.nanoTime();
      boolean ran = false;
      while (!ran && !stop) {
        if (!generation.lease()) {
          throw guest.replaced();
        }
        try (LoadedModel.Binding binding = generation.loaded.bind(inputs, outputs)) {
          long end = System.nanoTime() + CHUNK_NANOS;
          ran = once(binding, start, end, measured);
          while (ran && !stop && System.nanoTime() - end < 0 && remaining.getAndDecrement() > 0) {
            start = System.nanoTime();
            ran = once(binding, start, end, measured);
          }
        } catch (AcceleratorException e) {
          throw Guest.failed(engine.failed(generation, e));
        } finally {
          generation.release();
        }
      }
    }
  }

  /** Runs once; false if there was no place on the device by {@code end}. */
  private boolean once(LoadedModel.Binding binding, long start, long end, boolean measured)
      throws OperationException, AcceleratorException {
    Generation entered = guest.tryEnter(end);
    if (entered == null) {
      return false;
    }
    try {
      if (entered != generation) {
        throw guest.replaced();
      }
      binding.run(Guest.deadline());
    } finally {
      engine.leave(entered, false);
    }
    if (measured) {
      nanos.recordValue(Math.min(System.nanoTime() - start, Metrics.LONGEST_NANOS));
    }
    return true;
  }
}
