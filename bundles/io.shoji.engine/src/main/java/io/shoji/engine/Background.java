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
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs what a driver does to prepare a model (loading it, measuring it, its golden samples) on
 * threads that give way to every other in the operating system's scheduler, one for each caller
 * that waits for it. Only drivers' code runs there: a thread hands its low priority on to the
 * threads that it starts, for good, so none that serves may be started from here. Thread safe.
 */
final class Background implements AutoCloseable {
  private static final int IDLE_SECONDS = 30;

  /**
   * Time on a processor, time waited for one, both in nanoseconds, time slices (Linux,
   * Documentation/scheduler/sched-stats.rst).
   */
  private static final Path TURNS = Path.of("/proc/thread-self/schedstat");

  private static final String SCHED_IDLE = "5";
  private static final Path TASKS = Path.of("/proc/self/task");

  /** What a thread may wait for a processor before it counts as starved, see {@link Turns}. */
  private static final long PATIENCE_NANOS = 2_000_000_000L;

  /** Pause between two looks whether work is starved. */
  private static final long LOOK_MS = 500;

  /** Work for a driver. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws AcceleratorException, InterruptedException;
  }

  private final ThreadPoolExecutor threads;
  private final ThreadLocal<Boolean> lowered = new ThreadLocal<>();

  /**
   * Makes no thread yet.
   *
   * @param lower lowers the priority of the calling thread; whether it did
   */
  Background(BooleanSupplier lower) {
    Threads plain = new Threads("background");
    this.threads =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            work ->
                plain.newThread(
                    () -> {
                      if (lower.getAsBoolean()) {
                        mark();
                      }
                      work.run();
                    }));
  }

  /** Lets drivers tell a lowered thread from others, see {@code Accelerator.load}. */
  @SuppressWarnings("ThreadPriorityCheck")
  private void mark() {
    lowered.set(true);
    Thread.currentThread().setPriority(Thread.MIN_PRIORITY);
  }

  /**
   * Whether the calling thread is one of these, and gives way to others: what it computes on the
   * host's own processor needs no place then.
   */
  boolean givesWay() {
    return Boolean.TRUE.equals(lowered.get());
  }

  /**
   * Runs something and waits until it is over, whatever happens: an interruption of the caller is
   * handed on to the work, which gives up as soon as it can.
   *
   * @throws InterruptedException if the work gave up because of that, or the engine stops
   */
  <T> T call(Work<T> work) throws AcceleratorException, InterruptedException {
    return start(work).await(false).orElseThrow();
  }

  /**
   * The same, but if others leave it next to no time on a processor for long, the work is
   * interrupted: a gateway that is always busy must get its models nevertheless.
   *
   * @return what came of it; empty if it gave up because of that
   */
  <T> Optional<T> unlessStarved(Work<T> work) throws AcceleratorException, InterruptedException {
    return start(work).await(true);
  }

  private <T> Job<T> start(Work<T> work) throws InterruptedException {
    Job<T> job = new Job<>(work);
    try {
      threads.execute(job);
    } catch (RejectedExecutionException e) {
      InterruptedException given = new InterruptedException("the engine stops");
      given.initCause(e);
      throw given;
    }
    return job;
  }

  /** Lets nothing begin any more; what runs ends by itself. Idempotent. */
  @Override
  public void close() {
    threads.shutdown();
  }

  /**
   * What the scheduler says of a thread.
   *
   * @param ranNanos time on a processor since it started
   * @param waitedNanos time that it was ready to run and waited for a processor
   */
  record Turns(long ranNanos, long waitedNanos) {
    /** Of the calling thread; all 0 where the system does not say. */
    static Turns now() {
      return of(TURNS);
    }

    /**
     * Of all threads of this process together that have a low priority: a driver may do its work on
     * threads of its own, which inherit that.
     */
    static Turns ofAllThatGiveWay() {
      long ran = 0;
      long waited = 0;
      try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
        for (Path task : tasks) {
          if (givesWay(task)) {
            Turns turns = of(task.resolve("schedstat"));
            ran += turns.ranNanos;
            waited += turns.waitedNanos;
          }
        }
      } catch (IOException | DirectoryIteratorException e) {
        return new Turns(0, 0);
      }
      return new Turns(ran, waited);
    }

    /** By the fields nice and policy of {@code stat}, see proc(5); a thread may end meanwhile. */
    private static boolean givesWay(Path task) {
      try {
        String stat = Files.readString(task.resolve("stat"));
        String[] fromThird = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return Integer.parseInt(fromThird[19 - 3]) > 0 || fromThird[41 - 3].equals(SCHED_IDLE);
      } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
        return false;
      }
    }

    private static Turns of(Path file) {
      try {
        String[] fields = Files.readString(file).trim().split(" ", -1);
        return new Turns(Long.parseLong(fields[0]), Long.parseLong(fields[1]));
      } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
        return new Turns(0, 0);
      }
    }

    /** Whether a thread has waited long for a processor, and far longer than it ran, since then. */
    boolean starvedSince(Turns before) {
      long waited = waitedNanos - before.waitedNanos;
      return waited > PATIENCE_NANOS && waited > 4 * (ranNanos - before.ranNanos);
    }

    /** The time of both together, from where each was. */
    Turns plus(Turns from, Turns to) {
      return new Turns(
          ranNanos + to.ranNanos - from.ranNanos, waitedNanos + to.waitedNanos - from.waitedNanos);
    }

    /**
     * What a call would have taken had it not waited for a processor, which is no property of what
     * is measured.
     *
     * @param wallNanos what it took
     * @param before as it was before the call; this is as it was afterwards
     */
    long without(long wallNanos, Turns before) {
      long undisturbed = wallNanos - (waitedNanos - before.waitedNanos);
      // The thread may also have waited between the call and this reading.
      return Math.max(undisturbed, Math.min(wallNanos, ranNanos - before.ranNanos));
    }
  }

  /** Work under way, with who does it. */
  private static final class Job<T> implements Runnable {
    private final Work<T> work;
    private final CountDownLatch over = new CountDownLatch(1);
    private @Nullable T result;
    private @Nullable Throwable thrown;

    /** Who does it, while it is being done. Guarded by this. */
    private @Nullable Thread runner;

    private boolean interrupted;

    Job(Work<T> work) {
      this.work = work;
    }

    @Override
    public void run() {
      synchronized (this) {
        runner = Thread.currentThread();
        if (interrupted) {
          runner.interrupt();
        }
      }
      try {
        result = work.run();
      } catch (Throwable e) {
        // Handed to the caller, of whatever kind it is.
        thrown = e;
      } finally {
        synchronized (this) {
          runner = null;
          // One that was meant for the work ends with it.
          Thread.interrupted();
        }
        over.countDown();
      }
    }

    private synchronized void interrupt() {
      interrupted = true;
      if (runner != null) {
        runner.interrupt();
      }
    }

    private Optional<T> await(boolean impatient) throws AcceleratorException, InterruptedException {
      boolean told = false;
      boolean starved = false;
      Turns begun = impatient ? Turns.ofAllThatGiveWay() : new Turns(0, 0);
      while (true) {
        try {
          if (over.await(LOOK_MS, TimeUnit.MILLISECONDS)) {
            break;
          }
          if (impatient && !starved && Turns.ofAllThatGiveWay().starvedSince(begun)) {
            starved = true;
            interrupt();
          }
        } catch (InterruptedException e) {
          told = true;
          interrupt();
        }
      }
      Throwable failure = thrown;
      if (failure != null && starved && !told) {
        // It gave up because it was asked to; drivers say so in one way or another.
        return Optional.empty();
      }
      if (failure instanceof InterruptedException e) {
        throw e;
      }
      if (told) {
        // The work went on to its end all the same; the caller still finds out.
        Thread.currentThread().interrupt();
      }
      if (failure instanceof AcceleratorException e) {
        throw e;
      }
      if (failure instanceof RuntimeException e) {
        throw e;
      }
      if (failure instanceof Error e) {
        throw e;
      }
      if (failure != null) {
        throw new IllegalStateException("work of a driver failed in an unforeseen way", failure);
      }
      return Optional.of(Objects.requireNonNull(result));
    }
  }
}
