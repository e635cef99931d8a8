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

import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A model in an accelerator, ready to run.
 *
 * <p>Threads: up to {@link #concurrency} calls may run at once, on different tensors; a caller that
 * brings more is served one after the other by the driver. Every call blocks its thread until the
 * result is there: a driver whose vendor works asynchronously starts and waits inside the call, and
 * says by its concurrency how many calls keep its queue full.
 *
 * <p>Deadlines are values of {@link System#nanoTime}. A deadline already past fails with TIMEOUT
 * before the device is touched. At the deadline a driver whose vendor can end a running inference
 * does so; one that cannot returns as soon as the vendor does and says TIMEOUT all the same, so no
 * result is ever given after its deadline.
 */
@ConsumerType
public interface LoadedModel extends AutoCloseable {
  /** A deadline that never passes: far from every {@link System#nanoTime} for a century. */
  static long noDeadline() {
    return System.nanoTime() + (Long.MAX_VALUE >> 1);
  }

  /** Inputs in the order of {@link #run}, as the runtime describes them; shapes may be dynamic. */
  List<TensorSpec> inputs();

  /** Outputs in the order of {@link #run}, as the runtime describes them; shapes may be dynamic. */
  List<TensorSpec> outputs();

  /** Calls that may usefully run at once; at least 1. */
  int concurrency();

  /**
   * Prepares a call on tensors that are used again and again: the vendor's handles are made once,
   * so that {@link Binding#run} neither copies nor allocates.
   *
   * @param inputs one per input, in order; borrowed until the binding is closed, never written
   * @param outputs one per output, in order; borrowed until the binding is closed, overwritten by
   *     each run
   * @return a binding that the caller closes before this model
   * @throws IllegalArgumentException if a tensor is missing, or one's type or shape does not match,
   *     naming it, what was asked and what was found
   * @throws AcceleratorException OUT_OF_MEMORY, DEVICE_LOST or FAILED
   * @throws IllegalStateException after {@link #close}
   */
  Binding bind(List<Tensor> inputs, List<Tensor> outputs) throws AcceleratorException;

  /**
   * Tensors for {@link #bind} in the memory that suits the accelerator best: bound together as they
   * are, they reach it without a copy where any others would be copied. Ordinary memory of the JVM
   * where that is as good.
   *
   * @param inputShapes one concrete shape per input, in order
   * @param outputShapes one concrete shape per output, in order
   * @return zeroed tensors, owned by the caller
   * @throws IllegalArgumentException if one does not match, naming it, what was asked and what was
   *     found
   * @throws AcceleratorException OUT_OF_MEMORY or DEVICE_LOST
   * @throws IllegalStateException after {@link #close}
   */
  default Buffers buffers(List<Shape> inputShapes, List<Shape> outputShapes)
      throws AcceleratorException {
    return new OrdinaryBuffers(
        OrdinaryBuffers.allocate("input", inputs(), inputShapes),
        OrdinaryBuffers.allocate("output", outputs(), outputShapes));
  }

  /**
   * Runs once into tensors of the caller and blocks until it is done or the deadline has passed.
   *
   * @param inputs one per input, in order; borrowed for the call, never written
   * @param outputs one per output, in order, of the very shape that results; content undefined if
   *     this throws
   * @param deadlineNanos value of {@link System#nanoTime}
   * @throws AcceleratorException TIMEOUT, INVALID_INPUT or OUT_OF_MEMORY (the model stays usable),
   *     DEVICE_LOST or FAILED (close it)
   * @throws IllegalArgumentException as {@link #bind}
   * @throws IllegalStateException after {@link #close}
   */
  default void run(List<Tensor> inputs, List<Tensor> outputs, long deadlineNanos)
      throws AcceleratorException {
    try (Binding binding = bind(inputs, outputs)) {
      binding.run(deadlineNanos);
    }
  }

  /**
   * Runs once and returns outputs of whatever shape results; for outputs whose size only the data
   * decides, and where speed matters less.
   *
   * @param inputs one per input, in order; borrowed for the call, never written
   * @return new tensors, one per output, in memory of the JVM, owned by the caller
   * @throws AcceleratorException as {@link #run(List, List, long)}
   * @throws IllegalArgumentException as {@link #bind}
   * @throws IllegalStateException after {@link #close}
   */
  List<Tensor> run(List<Tensor> inputs, long deadlineNanos) throws AcceleratorException;

  /** Memory that this model takes, as the vendor or the operating system gives it. */
  MemoryUse memory();

  /**
   * Key in {@link #details}: {@code true} promises the same bits for the same inputs on this
   * device, which is checked before the model serves.
   */
  String DETERMINISTIC = "deterministic";

  /**
   * Facts that help to judge how it runs, as key and value: share of operations on each provider,
   * engine cache hit, kernels chosen. May be empty.
   */
  Map<String, String> details();

  /**
   * Waits for running calls, then frees everything in reverse order of its making, open bindings
   * included. Idempotent.
   */
  @Override
  void close();

  /**
   * Tensors of {@link #buffers}. They are memory like any other: they may be read and written after
   * this and even after the model was closed, bound elsewhere, and kept for as long as anybody
   * likes; only the short way is gone then.
   */
  @ConsumerType
  interface Buffers extends AutoCloseable {
    /** One per input, in order; the same list at each call. */
    List<Tensor> inputs();

    /** One per output, in order; the same list at each call. */
    List<Tensor> outputs();

    /**
     * Ends the short way; bindings on the tensors go on. The memory is given back once nobody
     * reaches a tensor any more. Idempotent.
     */
    @Override
    void close();
  }

  /**
   * A prepared call. One thread at a time; different bindings of a model run at once up to its
   * concurrency.
   */
  @ConsumerType
  interface Binding extends AutoCloseable {
    /**
     * Runs on the bound tensors and blocks until it is done or the deadline has passed.
     *
     * @param deadlineNanos value of {@link System#nanoTime}
     * @throws AcceleratorException as {@link LoadedModel#run(List, List, long)}; the outputs'
     *     content is undefined then
     * @throws IllegalStateException after {@link #close} of this or of the model
     */
    void run(long deadlineNanos) throws AcceleratorException;

    /** Frees the vendor's handles; the tensors stay the caller's. Idempotent. */
    @Override
    void close();
  }
}
