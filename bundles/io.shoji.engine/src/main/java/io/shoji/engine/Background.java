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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
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
    Job<T> job = new Job<>(work);
    try {
      threads.execute(job);
    } catch (RejectedExecutionException e) {
      InterruptedException given = new InterruptedException("the engine stops");
      given.initCause(e);
      throw given;
    }
    return job.await();
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
      try {
        String[] fields = Files.readString(TURNS).trim().split(" ", -1);
        return new Turns(Long.parseLong(fields[0]), Long.parseLong(fields[1]));
      } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
        return new Turns(0, 0);
      }
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

    private T await() throws AcceleratorException, InterruptedException {
      boolean told = false;
      while (true) {
        try {
          over.await();
          break;
        } catch (InterruptedException e) {
          told = true;
          interrupt();
        }
      }
      Throwable failure = thrown;
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
      return Objects.requireNonNull(result);
    }
  }
}
