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
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelRef;
import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An asynchronous request and its future. It waits without a thread; a thread of the engine runs it
 * once it has a place on a device.
 */
final class AsyncRequest extends CompletableFuture<InferenceResult> {
  private final Engine engine;
  private final Family family;
  private final ModelRef ref;
  private final long startNanos;
  private final long deadlineNanos;
  private final AtomicBoolean ended = new AtomicBoolean();

  /** Borrowed until the end, and let go of then, since a future may be kept for long. */
  private volatile List<Tensor> inputs;

  /** Where it waits, or waited last. Cleared at the end, since it knows the generation. */
  private volatile @Nullable Waiter waiter;

  /** Whether a generation that does not answer yet may try it. One thread at a time. */
  private volatile boolean mayTry = true;

  /** Why the last attempt failed, if the device was lost. One thread at a time. */
  private volatile @Nullable InferenceException lost;

  /** How often that was. */
  private final AtomicInteger losses = new AtomicInteger();

  AsyncRequest(
      Engine engine,
      Family family,
      ModelRef ref,
      List<Tensor> inputs,
      long startNanos,
      long deadlineNanos) {
    this.engine = engine;
    this.family = family;
    this.ref = ref;
    this.inputs = List.copyOf(inputs);
    this.startNanos = startNanos;
    this.deadlineNanos = deadlineNanos;
  }

  /** Waits for a place. */
  void submit() {
    Waiter wait = new Waiter(ref, startNanos, deadlineNanos, false, this);
    wait.mayTry = mayTry;
    waiter = wait;
    family.submit(wait);
    if (wait.outcome() == null) {
      wait.expiry = engine.scheduleNanos(deadlineNanos - System.nanoTime(), () -> expire(wait));
      if (wait.outcome() != null) {
        wait.cancelExpiry();
      }
    }
    // Cancelled before it was in the queue, and so not found there.
    if (ended.get()) {
      family.withdraw(wait);
    }
  }

  private void expire(Waiter wait) {
    if (family.expire(wait)) {
      engine.deliver(List.of(wait));
    }
  }

  /** Runs on a generation whose lease and place it has. */
  void run(Generation generation) {
    Waiter came = waiter;
    boolean tries = came != null && came.tried == generation;
    waiter = null;
    InferenceException failure;
    if (ended.get() || isDone()) {
      engine.leave(generation, true);
      end(null, new InferenceException(Code.CANCELLED, "the caller gave up model=" + ref), null);
      return;
    }
    Future<?> letGo = engine.guard().releases(generation) ? letGoInTime(generation) : null;
    try {
      InferenceResult result = engine.runOn(generation, inputs, startNanos, deadlineNanos, true);
      end(result, null, generation.model.metrics);
      return;
    } catch (InferenceException e) {
      failure = e;
    } finally {
      if (letGo != null) {
        letGo.cancel(false);
      }
    }
    if (ended.get()) {
      return;
    }
    if (tries && deadlineNanos - System.nanoTime() > 0) {
      // What answers has not seen it yet.
      mayTry = false;
      submit();
    } else if (failure.code() == Code.DEVICE_LOST
        && losses.getAndIncrement() < Engine.MOST_LOSSES) {
      lost = failure;
      submit();
    } else {
      end(null, failure, generation.model.metrics);
    }
  }

  /** Ends it soon after its deadline, whether the device has come back from the call or not. */
  private Future<?> letGoInTime(Generation generation) {
    return engine.scheduleNanos(
        Math.max(0, deadlineNanos + Guard.SLACK_NANOS - System.nanoTime()),
        () ->
            engine.execute(
                () -> {
                  AcceleratorException late = Guard.late(deadlineNanos);
                  end(
                      null,
                      new InferenceException(
                          Code.DEADLINE_EXCEEDED, late.getMessage() + " " + generation, late),
                      null);
                }));
  }

  private void letGo() {
    waiter = null;
    inputs = List.of();
    lost = null;
  }

  /** Ends without having run. */
  void end(Ending ending) {
    end(null, Engine.afterLoss(ending.exception(), lost), null);
  }

  private void end(
      @Nullable InferenceResult result,
      @Nullable InferenceException failure,
      @Nullable Metrics metrics) {
    if (!ended.compareAndSet(false, true)) {
      return;
    }
    letGo();
    if (result != null) {
      if (metrics != null) {
        metrics.answered(System.nanoTime() - startNanos, result.queueNanos());
      }
      complete(result);
    } else if (failure != null) {
      engine.count(family, ref, failure.code());
      completeExceptionally(failure);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A request that waits leaves the queue; one that runs goes on unseen.
   */
  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    if (ended.compareAndSet(false, true)) {
      Waiter wait = waiter;
      if (wait != null) {
        wait.cancelExpiry();
        family.withdraw(wait);
      }
      letGo();
      engine.count(family, ref, Code.CANCELLED);
    }
    return super.cancel(mayInterruptIfRunning);
  }

  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    // Stages that depend on this one are plain futures.
    return new CompletableFuture<>();
  }
}
