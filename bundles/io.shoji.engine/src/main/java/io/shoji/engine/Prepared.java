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
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls prepared on fixed tensors. Keeps a binding of the generation that serves; a generation that
 * is closed takes its binding with it, so that nothing of a driver stays here while no call runs.
 */
final class Prepared implements PreparedInference {
  /** A binding, and the generation it belongs to. */
  static final class Bound implements Generation.Attached {
    final Generation generation;
    final LoadedModel.Binding binding;

    /** The routes by which the generation was found. Only the thread that runs. */
    Routes routes;

    private final Guard guard;
    private final InFlight flight;
    private final AtomicReference<@Nullable Bound> place;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Whether a thread of the engine runs it. Guarded by this. */
    private boolean lent;

    /** Whether it is to be closed as soon as it is not lent any more. Guarded by this. */
    private boolean closeLater;

    private Bound(
        Guard guard,
        Generation generation,
        LoadedModel.Binding binding,
        Routes routes,
        AtomicReference<@Nullable Bound> place) {
      this.guard = guard;
      this.flight = guard.flight(generation, false);
      this.generation = generation;
      this.binding = binding;
      this.routes = routes;
      this.place = place;
      guard.watch(flight);
    }

    /** Runs it on this thread, watched, and gives the place back. */
    private void run(long deadlineNanos) throws AcceleratorException {
      flight.begin(deadlineNanos);
      try {
        binding.run(deadlineNanos);
      } finally {
        Guard.back(flight);
      }
    }

    private synchronized void lend() {
      lent = true;
    }

    /** A thread of the engine does not run it any more; it still has the lease. */
    private synchronized void giveBack() {
      lent = false;
      if (closeLater) {
        closeBinding();
      }
      notifyAll();
    }

    /** Waits until no thread of the engine runs it; whether that came in time. */
    private synchronized boolean awaitBack(long deadlineNanos) throws InterruptedException {
      while (lent) {
        long leftMs = (deadlineNanos - System.nanoTime()) / 1_000_000;
        if (leftMs <= 0) {
          return false;
        }
        wait(leftMs);
      }
      return true;
    }

    private void closeBinding() {
      guard.unwatch(flight);
      binding.close();
    }

    /**
     * Closes the binding and lets the preparation forget it; one that a thread of the engine still
     * runs is closed by that. The caller has a lease, or is about to close the generation.
     */
    @Override
    public void close() {
      place.compareAndSet(this, null);
      if (!closed.compareAndSet(false, true)) {
        return;
      }
      synchronized (this) {
        closeLater = lent;
        if (lent) {
          return;
        }
      }
      closeBinding();
    }
  }

  /**
   * Memory of the accelerator's own that the tensors lie in, and the generation it belongs to. With
   * another generation they are tensors like any others.
   */
  private static final class Lent implements Generation.Attached {
    private final Generation generation;
    private final LoadedModel.Buffers buffers;
    private final AtomicReference<@Nullable Lent> place;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Lent(
        Generation generation, LoadedModel.Buffers buffers, AtomicReference<@Nullable Lent> place) {
      this.generation = generation;
      this.buffers = buffers;
      this.place = place;
    }

    @Override
    public void close() {
      place.compareAndSet(this, null);
      if (closed.compareAndSet(false, true)) {
        buffers.close();
      }
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(Prepared.class);

  private final Engine engine;
  private final Family family;
  private final ModelRef ref;
  private final List<Tensor> inputs;
  private final List<Tensor> outputs;
  private final AtomicReference<@Nullable Bound> bound = new AtomicReference<>();
  private final AtomicReference<@Nullable Lent> lent = new AtomicReference<>();
  private volatile boolean closed;

  /** On what a call was given up that still may use the tensors. Written under its lock. */
  private volatile @Nullable Bound held;

  /** Whether the tensors ever fitted. Only the thread that runs. */
  private boolean boundBefore;

  Prepared(Engine engine, Family family, ModelRef ref, List<Tensor> inputs, List<Tensor> outputs) {
    this.engine = engine;
    this.family = family;
    this.ref = ref;
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
  }

  /**
   * Calls prepared on tensors of an accelerator's own.
   *
   * @param generation its generation; the caller has a lease
   */
  static Prepared on(
      Engine engine,
      Family family,
      ModelRef ref,
      Generation generation,
      LoadedModel.Buffers buffers) {
    Prepared prepared = new Prepared(engine, family, ref, buffers.inputs(), buffers.outputs());
    Lent memory = new Lent(generation, buffers, prepared.lent);
    generation.attach(memory);
    prepared.lent.set(memory);
    return prepared;
  }

  @Override
  public List<Tensor> inputs() {
    return inputs;
  }

  @Override
  public List<Tensor> outputs() {
    return outputs;
  }

  @Override
  public Provenance run(long deadlineNanos) throws InferenceException {
    long start = System.nanoTime();
    Bound busy = held;
    if (busy != null) {
      awaitTensors(busy, deadlineNanos);
      busy = null;
    }
    Generation tried = family.routes().trying(ref);
    if (tried != null && deadlineNanos - start > 0 && !closed) {
      Provenance answer = tryFirst(tried, start, deadlineNanos);
      if (answer != null) {
        return answer;
      }
    }
    Bound ready = bound.get();
    if (ready != null
        && ready.routes == family.routes()
        && deadlineNanos - start > 0
        && ready.generation.lease()) {
      Generation generation = ready.generation;
      if (!generation.gate.tryEnter(generation)) {
        generation.release();
      } else {
        InferenceException failure = call(ready, deadlineNanos);
        if (failure == null) {
          generation.model.metrics.answered(System.nanoTime() - start, 0);
          return generation.provenance;
        }
        ready = null;
        return runAgain(start, deadlineNanos, failure);
      }
    }
    ready = null;
    return runAgain(start, deadlineNanos, null);
  }

  /**
   * Has the call answered by a generation that does not answer yet, without a binding, if there is
   * a place at once. Returns null if what answers is to answer.
   */
  private @Nullable Provenance tryFirst(Generation tried, long start, long deadlineNanos) {
    if (!Engine.enterAtOnce(tried)) {
      return null;
    }
    InferenceResult result;
    try {
      result = engine.runOn(tried, inputs, start, deadlineNanos, false);
    } catch (InferenceException e) {
      LOG.debug("a generation on trial failed, what answers is asked {}", tried, e);
      return null;
    }
    try {
      for (int i = 0; i < outputs.size(); i++) {
        outputs.get(i).copyFrom(result.outputs().get(i));
      }
    } catch (IllegalArgumentException e) {
      // Outputs whose size depends on more than the inputs: the caller gets what answers gives.
      return null;
    }
    tried.model.metrics.answered(System.nanoTime() - start, result.queueNanos());
    return tried.provenance;
  }

  /** Waits until the device is done with a call that was given up, since it uses the tensors. */
  private void awaitTensors(Bound busy, long deadlineNanos) throws InferenceException {
    try {
      if (busy.awaitBack(deadlineNanos)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      engine.count(family, ref, Code.CANCELLED);
      throw new InferenceException(
          Code.CANCELLED,
          "interrupted while an earlier call still has the tensors model=" + ref,
          e);
    }
    engine.count(family, ref, Code.DEADLINE_EXCEEDED);
    throw new InferenceException(
        Code.DEADLINE_EXCEEDED,
        "an earlier call that was given up at its deadline has not come back from the accelerator"
            + " and still has the tensors; prepare again, on others "
            + busy.generation);
  }

  /** The way for every call but the plain one; counts the errors. */
  private Provenance runAgain(long start, long deadlineNanos, @Nullable InferenceException before)
      throws InferenceException {
    if (closed) {
      throw new IllegalStateException("the preparation is closed model=" + ref);
    }
    InferenceException failure = before;
    try {
      if (failure != null && failure.code() != Code.DEVICE_LOST) {
        throw failure;
      }
      engine.checkDeadline(ref, start, deadlineNanos);
      int losses = failure == null ? 0 : 1;
      do {
        Object outcome = attempt(start, deadlineNanos, failure);
        if (outcome instanceof Provenance provenance) {
          return provenance;
        }
        failure = (InferenceException) outcome;
        losses++;
      } while (failure.code() == Code.DEVICE_LOST && losses <= Engine.MOST_LOSSES);
      throw failure;
    } catch (InferenceException e) {
      engine.count(family, ref, e.code());
      throw e;
    }
  }

  /** Waits and runs once. Returns the provenance, or what the run failed with. */
  private Object attempt(long start, long deadlineNanos, @Nullable InferenceException lost)
      throws InferenceException {
    Generation generation = engine.enter(family, ref, start, deadlineNanos, lost);
    Bound ready;
    try {
      ready = bind(generation);
    } catch (InferenceException e) {
      engine.leave(generation, false);
      return e;
    }
    long begun = System.nanoTime();
    InferenceException failure = call(ready, deadlineNanos);
    if (failure != null) {
      return failure;
    }
    generation.model.metrics.answered(System.nanoTime() - start, begun - start);
    return generation.provenance;
  }

  /** Runs with lease and place, and gives both back; what it failed with, or null. */
  private @Nullable InferenceException call(Bound ready, long deadlineNanos) {
    Generation generation = ready.generation;
    Throwable thrown = null;
    long begun = System.nanoTime();
    if (engine.guard().releases(generation)) {
      thrown = runAway(ready, deadlineNanos);
    } else {
      try {
        ready.run(deadlineNanos);
      } catch (Exception | Error e) {
        thrown = e;
      } finally {
        generation.release();
      }
    }
    if (thrown == null) {
      generation.answered(inputs, outputs, System.nanoTime() - begun);
      return null;
    }
    InferenceException failure = engine.failed(generation, thrown);
    generation.failed(inputs, failure);
    return failure;
  }

  /**
   * Runs on a thread of the engine, which gives lease and place back when the device is done; what
   * it failed with, or null.
   */
  private @Nullable Throwable runAway(Bound ready, long deadlineNanos) {
    ready.lend();
    try {
      boolean unused =
          engine
              .guard()
              .away(
                  ready.generation,
                  deadlineNanos,
                  () -> {
                    try {
                      ready.binding.run(deadlineNanos);
                      return true;
                    } finally {
                      giveBack(ready);
                      ready.generation.release();
                    }
                  });
      return null;
    } catch (Exception | Error e) {
      synchronized (ready) {
        if (ready.lent) {
          held = ready;
        }
      }
      return e;
    }
  }

  private void giveBack(Bound ready) {
    synchronized (ready) {
      // Kept no longer than needed: it knows the driver.
      held = null;
      ready.giveBack();
    }
  }

  /** The binding for a generation whose lease the caller has; a new one if need be. */
  void prepareFor(Generation generation) throws InferenceException {
    bind(generation);
  }

  private Bound bind(Generation generation) throws InferenceException {
    Routes routes = family.routes();
    Bound ready = bound.get();
    if (ready != null && ready.generation == generation) {
      ready.routes = routes;
      return ready;
    }
    drop();
    try {
      Engine.check("input", generation.inputs, inputs);
      Engine.check("output", generation.outputs, outputs);
    } catch (InferenceException e) {
      throw boundBefore
          ? new InferenceException(
              e.code(),
              "the version that serves now takes other tensors, prepare again: "
                  + e.getMessage()
                  + " "
                  + generation,
              e)
          : e;
    }
    LoadedModel.Binding binding;
    try {
      binding = generation.loaded.bind(inputs, outputs);
    } catch (Exception | Error e) {
      throw engine.failed(generation, e);
    }
    Bound fresh = new Bound(engine.guard(), generation, binding, routes, bound);
    generation.attach(fresh);
    bound.set(fresh);
    boundBefore = true;
    return fresh;
  }

  /** Closes the binding; a generation that is retired has it, and closes it with itself. */
  private void drop() {
    Bound old = bound.getAndSet(null);
    if (old != null && old.generation.lease()) {
      try {
        old.generation.detach(old);
        old.close();
      } finally {
        old.generation.release();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    drop();
    Lent memory = lent.getAndSet(null);
    if (memory != null && memory.generation.lease()) {
      try {
        memory.generation.detach(memory);
        memory.close();
      } finally {
        memory.generation.release();
      }
    }
  }
}
