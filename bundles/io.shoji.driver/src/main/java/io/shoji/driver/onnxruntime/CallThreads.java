/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.driver.ThreadStarter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver's own threads, for calls that would tie ONNX Runtime's library to the thread they run
 * on.
 *
 * <p>Some of its code keeps objects per thread: the integer matrix products, recurrent operators,
 * and every session with threads of its own. Such an object's destructor keeps the library mapped
 * until the thread ends, and a caller's thread may live as long as the gateway. These threads end
 * before the library is closed.
 *
 * <p>There are as many threads as calls at once, and an idle one ends after a minute. Calls from
 * threads of low priority (a model is being prepared) have threads of their own, started by them:
 * those inherit that priority, and would slow down requests.
 */
final class CallThreads implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CallThreads.class);
  private static final long IDLE_NANOS = TimeUnit.MINUTES.toNanos(1);
  private static final long CLOSE_MILLIS = 2_000;

  private final String threadName;
  private final ThreadEnds ends;
  private final Object lock = new Object();

  /** The last one that was used is used next: its caches are warm, and the others may end. */
  private final ArrayDeque<Worker> idle = new ArrayDeque<>();

  /** The same of those with a low priority. */
  private final ArrayDeque<Worker> lowIdle = new ArrayDeque<>();

  private final Set<Worker> all = new HashSet<>();
  private int started;
  private boolean closed;

  /** Threads of that name, with a number behind it; each is remembered in {@code ends}. */
  CallThreads(String threadName, ThreadEnds ends) {
    this.threadName = threadName;
    this.ends = ends;
  }

  /**
   * Makes a native call on one of the threads, and waits for it whatever happens to the caller.
   *
   * @return what the call returned
   */
  long call(LongSupplier nativeCall) {
    ArrayDeque<Worker> pool = ThreadStarter.isNeeded() ? lowIdle : idle;
    Worker worker = take(pool);
    try {
      return worker.call(nativeCall);
    } finally {
      synchronized (lock) {
        pool.push(worker);
      }
    }
  }

  private Worker take(ArrayDeque<Worker> pool) {
    synchronized (lock) {
      if (closed) {
        throw new IllegalStateException("the driver's threads have ended");
      }
      Worker worker = pool.poll();
      if (worker == null) {
        worker = new Worker(threadName + ++started);
        all.add(worker);
        worker.thread.start();
      }
      return worker;
    }
  }

  /** Whether a worker that has had nothing to do for long may end; it is used no more then. */
  private boolean retire(Worker worker) {
    synchronized (lock) {
      return (idle.remove(worker) || lowIdle.remove(worker)) && all.remove(worker);
    }
  }

  /** Ends the threads, none of which is in a call. */
  @Override
  public void close() {
    List<Worker> ending;
    synchronized (lock) {
      closed = true;
      ending = new ArrayList<>(all);
      all.clear();
      idle.clear();
      lowIdle.clear();
    }
    ending.forEach(Worker::end);
    boolean interrupted = false;
    long giveUp = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSE_MILLIS);
    for (Worker worker : ending) {
      while (worker.thread.isAlive() && giveUp - System.nanoTime() > 0) {
        try {
          worker.thread.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (worker.thread.isAlive()) {
        LOG.warn("a thread does not end thread={} waitedMs={}", worker.thread, CLOSE_MILLIS);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** One thread, and what it hands to and fro. */
  private final class Worker implements Runnable {
    private final Thread thread;
    private volatile @Nullable LongSupplier task;
    private volatile boolean done;
    private volatile boolean ended;
    private volatile @Nullable Thread caller;
    private long result;
    private @Nullable Throwable failure;

    private Worker(String name) {
      thread = new Thread(this, name);
      thread.setDaemon(true);
      thread.setContextClassLoader(null);
    }

    private long call(LongSupplier nativeCall) {
      caller = Thread.currentThread();
      done = false;
      task = nativeCall;
      LockSupport.unpark(thread);
      boolean interrupted = false;
      while (!done) {
        LockSupport.park(this);
        // A set flag would turn the waiting into spinning.
        interrupted |= Thread.interrupted();
      }
      caller = null;
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      Throwable thrown = failure;
      if (thrown != null) {
        failure = null;
        throw new IllegalStateException("a native call could not be made", thrown);
      }
      return result;
    }

    private void end() {
      ended = true;
      LockSupport.unpark(thread);
    }

    @Override
    public void run() {
      ends.register();
      long idleSince = System.nanoTime();
      while (!ended) {
        LongSupplier next = task;
        if (next != null) {
          task = null;
          try {
            result = next.getAsLong();
          } catch (RuntimeException | Error e) {
            failure = e;
          }
          Thread waiting = caller;
          done = true;
          LockSupport.unpark(waiting);
          idleSince = System.nanoTime();
        } else if (System.nanoTime() - idleSince > IDLE_NANOS && retire(this)) {
          return;
        } else {
          LockSupport.parkNanos(this, IDLE_NANOS);
        }
      }
    }
  }
}
