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

import io.shoji.accelerator.LoadedModel;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Calls prepared on fixed tensors. Keeps a binding of the generation that serves; a generation that
 * is closed takes its binding with it, so that nothing of a driver stays here while no call runs.
 */
final class Prepared implements PreparedInference {
  /** A binding, and the generation it belongs to. */
  static final class Bound {
    final Generation generation;
    final LoadedModel.Binding binding;

    /** The routes by which the generation was found. Only the thread that runs. */
    Routes routes;

    private final AtomicReference<@Nullable Bound> place;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Bound(
        Generation generation,
        LoadedModel.Binding binding,
        Routes routes,
        AtomicReference<@Nullable Bound> place) {
      this.generation = generation;
      this.binding = binding;
      this.routes = routes;
      this.place = place;
    }

    /**
     * Closes the binding and lets the preparation forget it. The caller has a lease, or is about to
     * close the generation.
     */
    void close() {
      place.compareAndSet(this, null);
      if (closed.compareAndSet(false, true)) {
        binding.close();
      }
    }
  }

  private final Engine engine;
  private final Family family;
  private final ModelRef ref;
  private final List<Tensor> inputs;
  private final List<Tensor> outputs;
  private final AtomicReference<@Nullable Bound> bound = new AtomicReference<>();
  private volatile boolean closed;

  /** Whether the tensors ever fitted. Only the thread that runs. */
  private boolean boundBefore;

  Prepared(Engine engine, Family family, ModelRef ref, List<Tensor> inputs, List<Tensor> outputs) {
    this.engine = engine;
    this.family = family;
    this.ref = ref;
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
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
    List<Tensor> answer = null;
    Throwable thrown = null;
    long begun = System.nanoTime();
    try {
      answer = tried.loaded.run(inputs, deadlineNanos);
    } catch (Exception | Error e) {
      thrown = e;
    } finally {
      engine.leave(tried, false);
    }
    long runNanos = System.nanoTime() - begun;
    if (answer == null) {
      tried.failed(inputs, engine.failed(tried, Objects.requireNonNull(thrown)));
      return null;
    }
    try {
      for (int i = 0; i < outputs.size(); i++) {
        outputs.get(i).copyFrom(answer.get(i));
      }
    } catch (IllegalArgumentException e) {
      // Outputs whose size depends on more than the inputs: the caller gets what answers gives.
      return null;
    }
    tried.answered(inputs, outputs, runNanos);
    tried.model.metrics.answered(System.nanoTime() - start, begun - start);
    return tried.provenance;
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
      do {
        Object outcome = attempt(start, deadlineNanos, failure);
        if (outcome instanceof Provenance provenance) {
          return provenance;
        }
        // A lost device is worth one more attempt, elsewhere.
        if (failure != null) {
          throw (InferenceException) outcome;
        }
        failure = (InferenceException) outcome;
      } while (failure.code() == Code.DEVICE_LOST);
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
    try {
      ready.binding.run(deadlineNanos);
    } catch (Exception | Error e) {
      thrown = e;
    } finally {
      engine.leave(generation, false);
    }
    if (thrown == null) {
      generation.answered(inputs, outputs, System.nanoTime() - begun);
      return null;
    }
    InferenceException failure = engine.failed(generation, thrown);
    generation.failed(inputs, failure);
    return failure;
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
    Bound fresh = new Bound(generation, binding, routes, bound);
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
  }
}
