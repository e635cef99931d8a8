/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Asks a {@link Multiplier} all the time, and holds each answer against what the version named in
 * it has to give.
 */
final class Asker implements AutoCloseable {
  private static final long PAUSE_NANOS = 2_000_000;
  private static final int MOST_COMPLAINTS = 20;

  private final InferenceService inference;
  private final ModelRef ref;

  /** What a request is given. */
  volatile long deadlineMs;

  /** Version that gave the last answer. */
  private volatile String version = "";

  private final Thread thread;
  private final AtomicLong answered = new AtomicLong();
  private final ConcurrentLinkedQueue<String> complaints = new ConcurrentLinkedQueue<>();
  private volatile boolean ended;

  Asker(InferenceService inference, String model, long deadlineMs) {
    this.inference = inference;
    this.ref = ModelRef.latest(model);
    this.deadlineMs = deadlineMs;
    this.thread = new Thread(this::run, "asker-" + model);
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    for (int number = 0; !ended; number++) {
      try {
        InferenceResult result = ask(inference, ref, number, deadlineMs);
        wrong(result, number).ifPresent(this::complain);
        version = result.provenance().modelVersion();
        answered.incrementAndGet();
      } catch (InferenceException e) {
        complain("a request failed code=" + e.code() + " " + e.getMessage());
      } catch (RuntimeException e) {
        complain("a request failed " + e);
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  /** Asks once; what is wrong with the answer, if anything. */
  static java.util.Optional<String> check(
      InferenceService inference, ModelRef ref, int number, long deadlineMs)
      throws InferenceException {
    return wrong(ask(inference, ref, number, deadlineMs), number);
  }

  private static InferenceResult ask(
      InferenceService inference, ModelRef ref, int number, long deadlineMs)
      throws InferenceException {
    Tensor input = Tensor.ofFloats(Shape.of(1, Multiplier.WIDTH), Multiplier.input(number));
    return inference.infer(ref, List.of(input), InferenceService.deadlineIn(deadlineMs));
  }

  private static java.util.Optional<String> wrong(InferenceResult result, int number) {
    String version = result.provenance().modelVersion();
    int patch = Integer.parseInt(version.substring(version.lastIndexOf('.') + 1));
    float[] found = new float[Multiplier.WIDTH];
    result.outputs().get(0).floats().get(found);
    float[] expected = Multiplier.answer(number, patch);
    return Arrays.equals(found, expected)
        ? java.util.Optional.empty()
        : java.util.Optional.of(
            "a wrong answer version="
                + version
                + " asked="
                + Arrays.toString(expected)
                + " found="
                + Arrays.toString(found));
  }

  private void complain(String what) {
    if (complaints.size() < MOST_COMPLAINTS) {
      complaints.add(what);
    }
  }

  /** Right answers so far. */
  long answered() {
    return answered.get();
  }

  /** Version that gave the last answer. */
  String version() {
    return version;
  }

  /** What went wrong since this was asked last. */
  List<String> complaints() {
    List<String> all = List.copyOf(complaints);
    complaints.removeAll(all);
    return all;
  }

  /** Waits for so many more answers. */
  void awaitMore(int count) {
    long wanted = answered() + count;
    Waiting.until("more answers, complaints=" + complaints, () -> answered() >= wanted);
  }

  @Override
  public void close() throws InterruptedException {
    ended = true;
    thread.join(TimeUnit.SECONDS.toMillis(30));
  }
}
