/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import io.shoji.kura.operations.JobState.Phase;
import io.shoji.operations.OperationException;
import io.shoji.operations.Progress;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work that takes long: few at a time, one per model, few that wait, and a history of bounded
 * length. Thread safe.
 */
final class Jobs implements AutoCloseable {
  /** Jobs that run at once. */
  static final int RUNNING = 2;

  /** Jobs that wait at most. */
  static final int WAITING = 16;

  /** Jobs that have ended and are remembered. */
  static final int REMEMBERED = 100;

  private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);
  private static final long STOP_SECONDS = 5;

  private final Clock clock;
  private final String prefix;
  private final ThreadPoolExecutor threads;
  private final Map<String, Job> jobs = new LinkedHashMap<>();
  private int waiting;
  private long count;
  private boolean closed;

  Jobs(Clock clock) {
    this.clock = clock;
    // The start's time makes the ids of two starts differ.
    this.prefix = Long.toString(clock.millis(), Character.MAX_RADIX);
    AtomicInteger number = new AtomicInteger();
    this.threads =
        new ThreadPoolExecutor(
            RUNNING,
            RUNNING,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            work -> {
              Thread thread = new Thread(work, "shoji-job-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /** What a job does. */
  interface Work {
    /**
     * Does it.
     *
     * @return what it found
     * @throws OperationException CANCELLED after the progress said so, or any other code
     */
    Document run(Progress progress) throws OperationException;
  }

  /**
   * Takes a job.
   *
   * @param listener told of every change, the last one being an ended phase; on the job's thread or
   *     on that of a canceller, so quick
   * @return its state, WAITING
   * @throws RequestException CONFLICT if the model has one, TOO_MANY if too many wait
   */
  JobState start(
      String operation, String model, String requester, Consumer<JobState> listener, Work work)
      throws RequestException {
    JobState taken;
    synchronized (this) {
      if (closed) {
        throw new RequestException(Reason.DISABLED, "the management stops");
      }
      for (Job other : jobs.values()) {
        if (other.state.model().equals(model) && !other.state.phase().ended()) {
          throw new RequestException(
              Reason.CONFLICT,
              "the model has a job already model="
                  + model
                  + " job="
                  + other.state.id()
                  + " operation="
                  + other.state.operation());
        }
      }
      if (waiting >= WAITING) {
        throw new RequestException(
            Reason.TOO_MANY, "too many jobs wait waiting=" + waiting + " limit=" + WAITING);
      }
      count++;
      taken =
          new JobState(
              prefix + "-" + count,
              operation,
              model,
              requester,
              Phase.WAITING,
              0,
              "waits",
              clock.instant(),
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              Optional.empty());
      Job job = new Job(taken, listener, work);
      jobs.put(taken.id(), job);
      waiting++;
      threads.execute(job);
    }
    LOG.info(
        "job taken id={} operation={} model={} requester={}",
        taken.id(),
        operation,
        model,
        Arguments.shown(requester));
    return taken;
  }

  /** Every job that is known, oldest first. */
  synchronized List<JobState> all() {
    List<JobState> all = new ArrayList<>();
    jobs.values().forEach(job -> all.add(job.state));
    return all;
  }

  /**
   * A job.
   *
   * @throws RequestException UNKNOWN_JOB
   */
  synchronized JobState find(String id) throws RequestException {
    return get(id).state;
  }

  private synchronized Job get(String id) throws RequestException {
    Job job = jobs.get(id);
    if (job == null) {
      throw new RequestException(
          Reason.UNKNOWN_JOB,
          "no such job is known id="
              + Arguments.shown(id)
              + " (the last "
              + REMEMBERED
              + " that ended are remembered, until a restart)");
    }
    return job;
  }

  /**
   * Asks a job to stop; one that waits ends at once, one that runs at its next step. One that has
   * ended stays as it is.
   *
   * @return its state now
   * @throws RequestException UNKNOWN_JOB
   */
  JobState cancel(String id) throws RequestException {
    Job job = get(id);
    job.cancel();
    return job.state;
  }

  /** Forgets the oldest that have ended. */
  private synchronized void forget() {
    long ended = jobs.values().stream().filter(job -> job.state.phase().ended()).count();
    for (Iterator<Job> all = jobs.values().iterator(); ended > REMEMBERED && all.hasNext(); ) {
      if (all.next().state.phase().ended()) {
        all.remove();
        ended--;
      }
    }
  }

  /** Cancels every job and waits a while for those that run. */
  @Override
  public void close() {
    List<Job> open;
    synchronized (this) {
      closed = true;
      open = new ArrayList<>(jobs.values());
    }
    open.forEach(Job::cancel);
    threads.shutdown();
    try {
      if (!threads.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("a job did not stop in time seconds={} running={}", STOP_SECONDS, running());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private List<String> running() {
    return all().stream()
        .filter(state -> !state.phase().ended())
        .map(state -> state.operation() + " " + state.model())
        .toList();
  }

  /** One job. */
  private final class Job implements Runnable, Progress {
    private final Consumer<JobState> listener;
    private final AtomicBoolean cancelled = new AtomicBoolean();
    private @Nullable Work work;
    private volatile JobState state;

    Job(JobState state, Consumer<JobState> listener, Work work) {
      this.state = state;
      this.listener = listener;
      this.work = work;
    }

    @Override
    public void run() {
      Work todo;
      synchronized (Jobs.this) {
        if (state.phase() != Phase.WAITING) {
          return;
        }
        waiting--;
        todo = work;
        change(Phase.RUNNING, 0, "starts", Optional.empty(), Optional.empty());
      }
      tell();
      if (todo == null) {
        throw new IllegalStateException("a job without work id=" + state.id());
      }
      try {
        Document result = todo.run(this);
        end(Phase.SUCCEEDED, "done", Optional.of(result), Optional.empty());
      } catch (OperationException e) {
        if (e.code() == OperationException.Code.CANCELLED) {
          end(Phase.CANCELLED, text(e), Optional.empty(), Optional.empty());
        } else {
          end(Phase.FAILED, text(e), Optional.empty(), Optional.of(Management.reason(e.code())));
        }
      } catch (RuntimeException | LinkageError | OutOfMemoryError | StackOverflowError e) {
        LOG.error("a job met an unexpected fault id={}", state.id(), e);
        end(Phase.FAILED, e.toString(), Optional.empty(), Optional.of(Reason.UNEXPECTED));
      }
    }

    private String text(OperationException e) {
      return String.valueOf(e.getMessage());
    }

    void cancel() {
      cancelled.set(true);
      synchronized (Jobs.this) {
        if (state.phase() != Phase.WAITING) {
          return;
        }
        waiting--;
        threads.remove(this);
        work = null;
        change(
            Phase.CANCELLED, 0, "cancelled before it started", Optional.empty(), Optional.empty());
        forget();
      }
      tell();
    }

    private void end(
        Phase phase, String message, Optional<Document> result, Optional<Reason> reason) {
      synchronized (Jobs.this) {
        work = null;
        change(phase, phase == Phase.SUCCEEDED ? 1 : state.fraction(), message, result, reason);
        forget();
      }
      LOG.info(
          "job ended id={} operation={} model={} state={}: {}",
          state.id(),
          state.operation(),
          state.model(),
          phase.name().toLowerCase(Locale.ROOT),
          message);
      tell();
    }

    /** Under the lock. */
    private void change(
        Phase phase,
        double fraction,
        String message,
        Optional<Document> result,
        Optional<Reason> reason) {
      Instant now = clock.instant();
      state =
          new JobState(
              state.id(),
              state.operation(),
              state.model(),
              state.requester(),
              phase,
              fraction,
              message,
              state.asked(),
              state.started().isPresent() || phase != Phase.RUNNING
                  ? state.started()
                  : Optional.of(now),
              phase.ended() ? Optional.of(now) : Optional.empty(),
              result.map(Document::json),
              reason);
    }

    private void tell() {
      try {
        listener.accept(state);
      } catch (RuntimeException e) {
        LOG.warn("the progress of a job could not be told id={}", state.id(), e);
      }
    }

    @Override
    public void report(double fraction, String message) {
      synchronized (Jobs.this) {
        if (state.phase() != Phase.RUNNING) {
          return;
        }
        // Never back, and never whole before the end.
        double done = Double.isFinite(fraction) ? Math.min(Math.max(fraction, 0), 1) : 0;
        change(
            Phase.RUNNING,
            Math.max(done, state.fraction()),
            message,
            Optional.empty(),
            Optional.empty());
      }
      tell();
    }

    @Override
    public boolean cancelled() {
      return cancelled.get();
    }
  }
}
