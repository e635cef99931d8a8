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
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.ModelRef;
import io.shoji.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/**
 * Measures how fast a model that was just loaded runs on its device: zeros, batch size 1, in a way
 * that disturbs requests as little as the device allows.
 */
final class Probe {
  private static final int WARM_UP_RUNS = 3;

  /** After a run beside requests the device is theirs for as long, but not for longer than this. */
  private static final long MOST_PAUSE_NANOS = 50_000_000L;

  private static final Background.Turns NO_TURNS = new Background.Turns(0, 0);
  private static final ModelRef NONE = ModelRef.latest("-");

  /** One call on the device. */
  @FunctionalInterface
  interface Call<T> {
    T run(long deadlineNanos) throws AcceleratorException;
  }

  private final Engine engine;
  private final Device device;
  private final GuardedModel loaded;
  private final boolean urgent;

  /** Of all runs that gave way; once they were starved, the others do not any more. */
  private volatile Background.Turns turns = NO_TURNS;

  /**
   * A probe.
   *
   * @param urgent whether requests wait for this very model, so that it does not give way to others
   */
  Probe(Engine engine, Device device, GuardedModel loaded, boolean urgent) {
    this.engine = engine;
    this.device = device;
    this.loaded = loaded;
    this.urgent = urgent;
  }

  /**
   * Warms up, then measures.
   *
   * @return median of at most {@code runs} runs in about {@code timeMs}, at least of one,
   *     nanoseconds
   * @throws AcceleratorException what a run failed with; TIMEOUT if one took longer than configured
   * @throws InterruptedException if the thread was interrupted, as when the device leaves
   */
  long medianNanos(int runs, int timeMs) throws AcceleratorException, InterruptedException {
    List<Tensor> inputs =
        loaded.inputs().stream()
            .map(spec -> Tensor.allocate(spec.type(), spec.shape().withDynamicAs(1)))
            .toList();
    // The first run also tells the outputs' shapes, which the model's description may leave open.
    List<Tensor> outputs = timed(deadline -> loaded.run(inputs, deadline), new long[1]);
    try (LoadedModel.Binding binding = loaded.bind(inputs, outputs)) {
      Call<Boolean> call =
          deadline -> {
            binding.run(deadline);
            return true;
          };
      long[] nanos = new long[1];
      long end = System.nanoTime() + timeMs * 1_000_000L;
      for (int i = 0; i < WARM_UP_RUNS && System.nanoTime() - end < 0; i++) {
        timed(call, nanos);
      }
      long[] all = new long[runs];
      int done = 0;
      do {
        timed(call, nanos);
        all[done++] = nanos[0];
      } while (done < runs && System.nanoTime() - end < 0);
      Arrays.sort(all, 0, done);
      return all[done / 2];
    }
  }

  /**
   * One call that does not disturb requests: on a thread that gives way to theirs where the host's
   * own processor computes, and else in turn with them.
   *
   * @param nanos its first element is set to how long the call took, without what it gave way
   * @throws AcceleratorException what the call failed with; TIMEOUT if it took longer than
   *     configured
   * @throws InterruptedException if the thread was interrupted, as when the device leaves
   */
  <T> T timed(Call<T> call, long[] nanos) throws AcceleratorException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("measurement given up accelerator=" + device);
    }
    if (!urgent && device.isHost() && !turns.starvedSince(NO_TURNS)) {
      Background background = engine.background();
      long deadline = engine.guard().deadline();
      Optional<T> result =
          guarded(
              deadline,
              () ->
                  background.call(
                      () ->
                          background.givesWay()
                              ? Optional.of(givingWay(call, nanos, deadline))
                              : Optional.<T>empty()),
              () -> {});
      if (result.isPresent()) {
        return result.get();
      }
    }
    T result = inTurn(call, nanos);
    if (!urgent && device.gate.isBusy()) {
      LockSupport.parkNanos(Math.min(nanos[0], MOST_PAUSE_NANOS));
    }
    return result;
  }

  private <T> T guarded(long deadlineNanos, Callable<T> task, Runnable leave)
      throws AcceleratorException, InterruptedException {
    return loaded.guarded("run", deadlineNanos, task, tooLate -> {}, leave);
  }

  private <T> T givingWay(Call<T> call, long[] nanos, long deadlineNanos)
      throws AcceleratorException {
    Background.Turns before = Background.Turns.now();
    T result = engine.guard().within(() -> run(call, nanos, deadlineNanos));
    Background.Turns after = Background.Turns.now();
    nanos[0] = after.without(nanos[0], before);
    turns = turns.plus(before, after);
    return result;
  }

  /**
   * One call on a place of the device, in turn with requests.
   *
   * @param nanos its first element is set to how long the call took
   * @throws AcceleratorException what the call failed with; TIMEOUT if it took longer than
   *     configured
   * @throws InterruptedException if the thread was interrupted, as when the device leaves
   */
  <T> T inTurn(Call<T> call, long[] nanos) throws AcceleratorException, InterruptedException {
    enter();
    long deadline = engine.guard().deadline();
    return guarded(
        deadline,
        () -> run(call, nanos, deadline),
        () -> engine.deliver(device.gate.exit(null, false)));
  }

  private <T> T run(Call<T> call, long[] nanos, long deadlineNanos) throws AcceleratorException {
    long start = engine.stopwatch().getAsLong();
    T result = call.run(deadlineNanos);
    nanos[0] = engine.stopwatch().getAsLong() - start;
    return result;
  }

  private void enter() throws AcceleratorException, InterruptedException {
    long deadline = engine.guard().deadline();
    Waiter waiter = new Waiter(NONE, System.nanoTime(), deadline, false, null);
    device.gate.enter(waiter, null, Integer.MAX_VALUE);
    while (waiter.outcome() == null) {
      if (Thread.interrupted()) {
        if (waiter.settle(new Ending(Code.CANCELLED, "measurement given up"))) {
          device.gate.remove(waiter);
          throw new InterruptedException("measurement given up accelerator=" + device);
        }
        Thread.currentThread().interrupt();
        return;
      }
      long left = deadline - System.nanoTime();
      if (left <= 0
          && waiter.settle(new Ending(Code.DEADLINE_EXCEEDED, "no place on the device in time"))) {
        device.gate.remove(waiter);
        throw new AcceleratorException(
            AcceleratorException.Code.TIMEOUT,
            "the accelerator had no place in time; its calls take too long or do not come back "
                + engine.guard().suspicion(device));
      }
      LockSupport.parkNanos(waiter, Math.max(1, left));
    }
  }
}
