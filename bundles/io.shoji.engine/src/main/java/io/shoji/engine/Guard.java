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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadedModel;
import io.shoji.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the engine going when a vendor's library does not come back from a call. Thread safe.
 *
 * <p>Every call is watched: one that is not back some time after its deadline hangs, its device is
 * suspect for as long as it does, and what serves there serves no more. A call that runs on a
 * thread of its own has, besides, whoever waits for it go on at its deadline. That change of
 * threads costs some 10 microseconds, so that requests change only where it matters little, or once
 * the device has hung; see {@link #releases}.
 *
 * <p>What cannot be done in one process: the thread that hangs stays, with what it holds, until the
 * library comes back, and so does the library. A device of which {@link #MOST_HUNG} calls hang gets
 * no further model until one is back, so that threads do not pile up.
 */
final class Guard {
  /** Calls that hang on a device until it is given no more. */
  static final int MOST_HUNG = 2;

  /** From how long a call takes on the processor that the change of threads is worth it. */
  static final long CHANGES_FROM_NANOS = 500_000;

  /** How much later than its deadline a call may say itself that it was passed. */
  static final long SLACK_NANOS = 20_000_000;

  /** Calls are looked at so often while the grace of one passes. */
  private static final int LOOKS = 4;

  private static final int SHORTEST_LOOK_MS = 5;
  private static final int IDLE_SECONDS = 30;
  private static final Logger LOG = LoggerFactory.getLogger(Guard.class);

  private final Engine engine;
  private final ThreadPoolExecutor requests;
  private final ThreadPoolExecutor trials;

  /** Calls that run, and those that are made again and again. */
  private final Set<InFlight> watched = ConcurrentHashMap.newKeySet();

  /** Whether this thread is one of those that calls run on: a call within a call needs no other. */
  private final ThreadLocal<Boolean> inside = new ThreadLocal<>();

  Guard(Engine engine) {
    this.engine = engine;
    this.requests = threads("call");
    this.trials = threads("trial");
  }

  private static ThreadPoolExecutor threads(String role) {
    return new ThreadPoolExecutor(
        0,
        Integer.MAX_VALUE,
        IDLE_SECONDS,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        new Threads(role));
  }

  /** Looks at what runs, and again later. */
  void look() {
    try {
      long now = System.nanoTime();
      long grace = patience().hangGraceMs() * 1_000_000L;
      for (InFlight flight : watched) {
        if (flight.hangsAt(now, grace)) {
          tell(flight);
        }
      }
    } finally {
      engine.after(Math.max(SHORTEST_LOOK_MS, patience().hangGraceMs() / LOOKS), this::look);
    }
  }

  private void tell(InFlight flight) {
    flight.device.hung();
    if (flight.device.isHost()) {
      // Others can run there meanwhile.
      flight.leave.run();
    }
    String reason =
        "the accelerator does not come back from a call call="
            + flight.what
            + " lateMs="
            + flight.lateMs()
            + " hung="
            + hung(flight.device)
            + "; its thread and the library stay until it does";
    LOG.error("{} accelerator={}", reason, flight.device);
    flight.hung.hangs(reason);
  }

  /** Has the calls of something looked at from now on. */
  void watch(InFlight flight) {
    watched.add(flight);
  }

  /** Looks no more at what will make no further call. */
  void unwatch(InFlight flight) {
    watched.remove(flight);
  }

  /** A call is back: its place is free, if it was not before. */
  static void back(InFlight flight) {
    boolean hung = flight.end();
    if (!hung || !flight.device.isHost()) {
      flight.leave.run();
    }
    if (hung) {
      LOG.warn(
          "a call that hung has come back accelerator={} call={} lateMs={}",
          flight.device,
          flight.what,
          flight.lateMs());
    }
  }

  private Patience patience() {
    return engine.settings().patience();
  }

  /** Why a device is suspect, as it has calls that hang; empty if it is not. */
  String suspicion(Device device) {
    StringBuilder all = new StringBuilder();
    for (InFlight flight : watched) {
      if (flight.device == device && flight.isHung()) {
        all.append(all.length() == 0 ? "a call does not come back call=" : " call=")
            .append(flight.what)
            .append(" lateMs=")
            .append(flight.lateMs());
      }
    }
    return all.toString();
  }

  private long hung(Device device) {
    return watched.stream().filter(flight -> flight.device == device && flight.isHung()).count();
  }

  /** Whether callers of a generation are let go at their deadlines, on the engine's threads. */
  boolean releases(Generation generation) {
    return switch (patience().guarding()) {
      case AUTO -> generation.changesThreads || generation.device.hasHung();
      case ALWAYS -> true;
      case NEVER -> false;
    };
  }

  /**
   * Loads a model, as {@link io.shoji.accelerator.Accelerator#load} does.
   *
   * @param what the model, for messages
   * @throws AcceleratorException also TIMEOUT if it takes longer than configured, DEVICE_LOST if
   *     too many calls of the device hang
   * @throws InterruptedException if this thread was interrupted; a load that does not give up goes
   *     on alone, and what it makes is closed
   */
  LoadedModel load(Device device, String what, Callable<LoadedModel> load)
      throws AcceleratorException, InterruptedException {
    if (hung(device) >= MOST_HUNG) {
      throw new AcceleratorException(
          Code.DEVICE_LOST,
          "the accelerator is given no model until its calls come back or its driver restarts "
              + suspicion(device));
    }
    Call<LoadedModel> call =
        new Call<>(
            new InFlight(
                device,
                "load",
                reason -> LOG.warn("a load does not come back {}: {}", what, reason),
                () -> {}),
            System.nanoTime() + patience().loadTimeoutMs() * 1_000_000L,
            load,
            LoadedModel::close);
    execute(trials, call);
    InterruptedException interrupted = null;
    try {
      if (call.await(true)) {
        return call.result();
      }
    } catch (InterruptedException e) {
      interrupted = e;
    }
    call.interrupt();
    // It is to give up at its next step.
    boolean back = call.awaitFor(patience().hangGraceMs() * 1_000_000L);
    if (back) {
      call.discard();
    } else {
      call.abandon();
      if (call.flight.hangs()) {
        tell(call.flight);
      }
    }
    if (interrupted != null) {
      throw interrupted;
    }
    throw new AcceleratorException(
        Code.TIMEOUT,
        "the model was not loaded in time"
            + (back ? "" : ", and the call does not come back")
            + " loadTimeoutMs="
            + patience().loadTimeoutMs());
  }

  /**
   * Makes a call that is no request, on this thread if it is one of those that calls run on
   * already. One that is not back by its deadline hangs.
   *
   * @param deadlineNanos value of {@link System#nanoTime}
   * @param late gets the result of a call that came back after nobody waited for it any more
   * @throws AcceleratorException what the call failed with; TIMEOUT if it is not back by its
   *     deadline
   * @throws InterruptedException if the call was interrupted
   */
  <T> T call(InFlight flight, long deadlineNanos, Callable<T> task, Consumer<T> late)
      throws AcceleratorException, InterruptedException {
    Call<T> call = new Call<>(flight, deadlineNanos, task, late);
    if (Boolean.TRUE.equals(inside.get())) {
      call.run();
      return call.result();
    }
    return tryOut(call);
  }

  private <T> T tryOut(Call<T> call) throws AcceleratorException, InterruptedException {
    try {
      return waitFor(trials, call);
    } finally {
      // It had time enough.
      if (call.isAbandoned() && call.flight.hangs()) {
        tell(call.flight);
      }
    }
  }

  private <T> T waitFor(ThreadPoolExecutor threads, Call<T> call)
      throws AcceleratorException, InterruptedException {
    execute(threads, call);
    if (call.await(false)) {
      return call.result();
    }
    call.abandon();
    throw late(call.deadlineNanos);
  }

  /** What a call ends with that is not back in time. */
  static AcceleratorException late(long deadlineNanos) {
    return new AcceleratorException(
        Code.TIMEOUT,
        "the deadline passed, and the accelerator has not come back from the call lateMs="
            + Math.max(0, (System.nanoTime() - deadlineNanos) / 1_000_000));
  }

  /**
   * Runs a request on this thread, watched, and gives its place back.
   *
   * @param task gives the lease back
   * @throws Exception what the task failed with
   */
  <T> T here(Generation generation, boolean async, long deadlineNanos, Callable<T> task)
      throws Exception {
    InFlight flight = flight(generation, async);
    flight.begin(deadlineNanos);
    watched.add(flight);
    try {
      return task.call();
    } finally {
      watched.remove(flight);
      back(flight);
    }
  }

  /**
   * Runs a request on a thread of the engine, and gives its place back when the device is done.
   *
   * @param task is run in any case, maybe after the deadline, and gives the lease back
   * @throws Exception what the task failed with; an AcceleratorException with TIMEOUT if it is not
   *     back by the deadline
   */
  <T> T away(Generation generation, long deadlineNanos, Callable<T> task) throws Exception {
    return waitFor(
        requests, new Call<>(flight(generation, false), deadlineNanos, task, tooLate -> {}));
  }

  /** What is seen of runs of a generation. */
  InFlight flight(Generation generation, boolean async) {
    return new InFlight(
        generation.device,
        "run",
        generation.loaded::hangs,
        () -> engine.leavePlace(generation, async));
  }

  /** An answer and how long it took on the device. */
  record Answer(List<Tensor> outputs, long nanos) {}

  /**
   * Runs something that nobody asked for, to compare it; with lease and place, which are given back
   * when the device is done with it.
   *
   * @param clock what its time is taken by
   * @throws AcceleratorException what the run failed with; TIMEOUT if it is not back by the
   *     deadline, or by that of calls without one
   */
  Answer compare(Generation generation, List<Tensor> inputs, long deadlineNanos, LongSupplier clock)
      throws AcceleratorException {
    long own = deadline();
    long earlier = own - deadlineNanos < 0 ? own : deadlineNanos;
    try {
      return tryOut(
          new Call<>(
              flight(generation, false),
              earlier,
              () -> {
                try {
                  long begun = clock.getAsLong();
                  List<Tensor> outputs = generation.loaded.run(inputs, earlier);
                  return new Answer(outputs, clock.getAsLong() - begun);
                } finally {
                  generation.release();
                }
              },
              tooLate -> {}));
    } catch (InterruptedException e) {
      throw new IllegalStateException("a driver's run is never interrupted " + generation, e);
    }
  }

  /** A call that runs on this thread, which somebody who is guarded waits for. */
  @FunctionalInterface
  interface Inner<T> {
    T run() throws AcceleratorException;
  }

  /** Runs something whose calls need no thread of their own, as this one is not waited for. */
  <T> T within(Inner<T> inner) throws AcceleratorException {
    boolean outermost = enter();
    try {
      return inner.run();
    } finally {
      leave(outermost);
    }
  }

  private boolean enter() {
    boolean outermost = !Boolean.TRUE.equals(inside.get());
    inside.set(true);
    return outermost;
  }

  private void leave(boolean outermost) {
    if (outermost) {
      inside.remove();
    }
  }

  private static void execute(ThreadPoolExecutor threads, Runnable call) {
    try {
      threads.execute(call);
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      // The engine has stopped, or the process can have no more threads: it is done all the same.
      LOG.debug("no thread to be had, running on {}", Thread.currentThread().getName(), e);
      call.run();
    }
  }

  /** A deadline for a call that has none of its own. */
  long deadline() {
    return System.nanoTime() + patience().callTimeoutMs() * 1_000_000L;
  }

  /** A deadline for a call that closes something: its thread may wait for a driver that leaves. */
  long closeDeadline() {
    return System.nanoTime() + engine.settings().drainTimeoutMs() * 1_000_000L;
  }

  /** Ends the threads that nothing runs on; those that hang end when they come back. */
  void close() {
    requests.shutdown();
    trials.shutdown();
  }

  /** Its threads, to wait for. */
  List<ThreadPoolExecutor> threads() {
    return List.of(requests, trials);
  }

  /** How far a call is. */
  private enum State {
    RUNNING,
    /** It came back, and its result is for whoever waits. */
    BACK,
    /** Nobody waits for it any more. */
    ABANDONED
  }

  /** One call of a driver, on a thread that nobody else needs. */
  private final class Call<T> implements Runnable {
    private final InFlight flight;
    private final long deadlineNanos;
    private final Callable<T> task;
    private final Consumer<T> late;
    private final AtomicReference<State> state = new AtomicReference<>(State.RUNNING);
    private final Thread waiting = Thread.currentThread();

    /** Who runs it, while it runs. Guarded by this. */
    private @Nullable Thread runner;

    private @Nullable T result;
    private @Nullable Throwable failure;

    private Call(InFlight flight, long deadlineNanos, Callable<T> task, Consumer<T> late) {
      this.flight = flight;
      this.deadlineNanos = deadlineNanos;
      this.task = task;
      this.late = late;
      flight.begin(deadlineNanos);
      watched.add(flight);
    }

    @Override
    public void run() {
      boolean outermost = enter();
      synchronized (this) {
        runner = Thread.currentThread();
      }
      try {
        result = task.call();
      } catch (Exception | Error e) {
        failure = e;
      } finally {
        leave(outermost);
        synchronized (this) {
          runner = null;
        }
        if (outermost) {
          // An interruption was meant for this call only.
          boolean unused = Thread.interrupted();
        }
        watched.remove(flight);
        back(flight);
      }
      if (state.compareAndSet(State.RUNNING, State.BACK)) {
        LockSupport.unpark(waiting);
      } else {
        discard();
      }
    }

    /** Closes what nobody waits for any more. */
    private void discard() {
      T made = result;
      if (made != null) {
        try {
          late.accept(made);
        } catch (RuntimeException | Error e) {
          LOG.warn("what a call made too late cannot be closed call={}", flight.what, e);
        }
      }
    }

    /** Waits for it until a little after its deadline; whether it is back. */
    private boolean await(boolean interruptibly) throws InterruptedException {
      return awaitUntil(deadlineNanos + SLACK_NANOS, interruptibly);
    }

    private boolean awaitFor(long nanos) {
      try {
        return awaitUntil(System.nanoTime() + nanos, false);
      } catch (InterruptedException e) {
        throw new IllegalStateException("waited without being interrupted " + flight.what, e);
      }
    }

    private boolean awaitUntil(long untilNanos, boolean interruptibly) throws InterruptedException {
      boolean interrupted = false;
      try {
        while (state.get() == State.RUNNING) {
          long left = untilNanos - System.nanoTime();
          if (left <= 0) {
            return false;
          }
          LockSupport.parkNanos(this, left);
          // A set flag would turn the waiting into spinning.
          if (Thread.interrupted()) {
            if (interruptibly) {
              throw new InterruptedException("given up while waiting for call=" + flight.what);
            }
            interrupted = true;
          }
        }
        return true;
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    private synchronized void interrupt() {
      Thread thread = runner;
      if (thread != null) {
        thread.interrupt();
      }
    }

    private boolean isAbandoned() {
      return state.get() == State.ABANDONED;
    }

    /** Nobody waits for it any more. */
    private void abandon() {
      if (!state.compareAndSet(State.RUNNING, State.ABANDONED)) {
        // It came back at this very moment.
        discard();
      }
    }

    private T result() throws AcceleratorException, InterruptedException {
      Throwable thrown = failure;
      if (thrown instanceof AcceleratorException e) {
        throw e;
      }
      if (thrown instanceof InterruptedException e) {
        throw e;
      }
      if (thrown instanceof RuntimeException e) {
        throw e;
      }
      if (thrown instanceof Error e) {
        throw e;
      }
      if (thrown != null) {
        throw new IllegalStateException("a driver threw what its contract does not allow", thrown);
      }
      return Objects.requireNonNull(result);
    }
  }
}
