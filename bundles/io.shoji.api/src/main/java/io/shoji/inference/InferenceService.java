/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Answers from models, whatever accelerator they run on. One OSGi service; thread safe.
 *
 * <p>Every accepted request ends in exactly one result or one {@link InferenceException}, by its
 * deadline. Deadlines are values of {@link System#nanoTime}; see {@link #deadlineIn}. A request for
 * a model that is being loaded, or whose accelerator is being exchanged, waits up to its deadline
 * in a bounded queue.
 */
@ProviderType
public interface InferenceService {
  /** The deadline that lies {@code millis} milliseconds ahead. */
  static long deadlineIn(long millis) {
    return System.nanoTime() + millis * 1_000_000;
  }

  /**
   * Runs a model once. On the caller's thread when the accelerator is free, else after waiting for
   * it.
   *
   * @param inputs one per input, in the model's order; direct, native order; borrowed for the call,
   *     never written. After DEADLINE_EXCEEDED the accelerator may still read them until it gives
   *     up: what they hold then does not matter, but their memory has to stay
   * @param deadlineNanos value of {@link System#nanoTime}
   * @return new output tensors, of whatever shape results
   * @throws InferenceException any code
   */
  InferenceResult infer(ModelRef model, List<Tensor> inputs, long deadlineNanos)
      throws InferenceException;

  /**
   * Runs a model once on a thread of the engine.
   *
   * @param inputs as {@link #infer}, but borrowed until the future completes
   * @return completes with the result, or exceptionally with an {@link InferenceException}, by the
   *     deadline; cancelling it takes a request that still waits out of the queue, and lets a
   *     running one finish unseen. Dependent stages run on the engine's thread: keep them short or
   *     hand them on
   */
  CompletableFuture<InferenceResult> inferAsync(
      ModelRef model, List<Tensor> inputs, long deadlineNanos);

  /**
   * Prepares calls on tensors that are used again and again: the fastest way, without copies and
   * nearly without garbage. The preparation outlives swaps: each run goes to the generation that
   * serves then.
   *
   * @param inputs one per input, in the model's order; borrowed until it is closed, never written
   * @param outputs one per output, of the very shapes that result; borrowed until it is closed,
   *     overwritten by each run
   * @return a preparation that the caller closes
   * @throws InferenceException any code but CANCELLED: NOT_READY after waiting up to the deadline;
   *     OVERLOADED if too many wait already; INVALID_INPUT if the tensors do not fit; DEVICE_LOST
   *     or FAILED if the accelerator cannot prepare it
   */
  PreparedInference prepare(
      ModelRef model, List<Tensor> inputs, List<Tensor> outputs, long deadlineNanos)
      throws InferenceException;

  /**
   * Prepares calls on new tensors, every dynamic dimension set to {@code batchSize}, in the memory
   * that suits the accelerator best: where others would be copied on their way to it, these are not
   * as long as the generation serves that the preparation was made on.
   *
   * @throws InferenceException as {@link #prepare(ModelRef, List, List, long)}; INVALID_INPUT also
   *     if an output's shape depends on the data, so that only {@link #infer} can run it
   */
  PreparedInference prepare(ModelRef model, long batchSize, long deadlineNanos)
      throws InferenceException;

  /**
   * The highest version of a model that is installed, however it is; for a reference to any version
   * of a model whose versions are pinned or under a policy, the one that answers or is to answer.
   */
  Optional<ModelStatus> model(ModelRef model);

  /** Every installed model, and those retained that serve, by name and then version. */
  List<ModelStatus> models();

  /** Every accelerator that is there now. */
  List<AcceleratorStatus> accelerators();
}
