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

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.tensor.Tensor;
import java.util.List;

/**
 * Has a share of the requests that one of two generations answers run on the other one too, and
 * shows both answers to whoever judges them. Attached to the generation whose requests these are;
 * the requests wait for nothing but the copy.
 */
final class Comparer implements Tap {
  private static final long PLACE_LIMIT_MS = 1_000;
  private static final long RUN_LIMIT_MS = 10_000;

  private final Engine engine;
  private final Shadow shadow;
  private final Generation before;
  private final Generation next;
  private final Sampler sampler;
  private final Comparison judge;
  private final Runnable decided;

  /**
   * A comparer.
   *
   * @param share share of the requests that is compared
   * @param decided is told when the judge has found something
   */
  Comparer(
      Engine engine,
      Shadow shadow,
      Generation before,
      Generation next,
      double share,
      Comparison judge,
      Runnable decided) {
    this.engine = engine;
    this.shadow = shadow;
    this.before = before;
    this.next = next;
    this.sampler = new Sampler(share);
    this.judge = judge;
    this.decided = decided;
  }

  @Override
  public void answered(
      Generation generation, List<Tensor> inputs, List<Tensor> outputs, long runNanos) {
    if (!sampler.take() || !shadow.hasRoom()) {
      return;
    }
    List<Tensor> given;
    List<Tensor> answer;
    try {
      given = copy(inputs);
      answer = copy(outputs);
    } catch (OutOfMemoryError e) {
      // A request must not suffer from being compared.
      return;
    }
    shadow.offer(() -> compare(generation, given, answer, runNanos));
  }

  @Override
  public void failed(Generation generation, List<Tensor> inputs, InferenceException failure) {
    if (generation == next && failure.code() != InferenceException.Code.INVALID_INPUT) {
      judge.failed(failure.code() + ": " + failure.getMessage());
      tell();
    }
  }

  private static List<Tensor> copy(List<Tensor> tensors) {
    return tensors.stream()
        .map(
            tensor -> {
              Tensor copy = Tensor.allocate(tensor.type(), tensor.shape());
              copy.copyFrom(tensor);
              return copy;
            })
        .toList();
  }

  private void compare(
      Generation answered, List<Tensor> inputs, List<Tensor> outputs, long runNanos) {
    Generation other = answered == next ? before : next;
    if (!other.model.family.borrow(other, InferenceService.deadlineIn(PLACE_LIMIT_MS))) {
      return;
    }
    List<Tensor> found = List.of();
    Throwable thrown = null;
    long took = 0;
    try {
      Guard.Answer answer =
          engine
              .guard()
              .compare(other, inputs, InferenceService.deadlineIn(RUN_LIMIT_MS), System::nanoTime);
      found = answer.outputs();
      took = answer.nanos();
    } catch (Exception | Error e) {
      thrown = e;
    }
    if (thrown != null) {
      // Takes it out of service if it is broken, as for any request.
      InferenceException failure = engine.failed(other, thrown);
      if (other == next) {
        judge.failed(failure.code() + ": " + failure.getMessage());
      }
    } else {
      boolean live = answered == next;
      judge.compared(
          live ? found : outputs,
          live ? outputs : found,
          live ? took : runNanos,
          live ? runNanos : took);
    }
    tell();
  }

  private void tell() {
    if (judge.decided()) {
      decided.run();
    }
  }
}
