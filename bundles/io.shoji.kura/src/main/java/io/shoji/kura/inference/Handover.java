/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.wire.WireRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands the records of an envelope to the one thread of a box and waits for the answers, at most
 * until the deadline: whatever an accelerator does, the emitter goes on then. Envelopes are
 * answered one after the other, in the order in which they came; at most {@link #MAX_WAITING} wait.
 *
 * <p>The samples of an envelope that came too late are still taken in, so that the windows of a
 * signal stay whole; only one that was turned away leaves a gap, and empties the windows.
 */
final class Handover {
  private static final Logger LOG = LoggerFactory.getLogger(Handover.class);

  /** Envelopes that wait at once. */
  static final int MAX_WAITING = 16;

  private static final long IDLE_SECONDS = 60;
  private static final long STOP_SECONDS = 2;

  /**
   * What a record led to.
   *
   * @param answers properties of each answer
   * @param failure why there is none; null if there is
   */
  record Outcome(List<Map<String, TypedValue<?>>> answers, @Nullable InferenceException failure) {
    static Outcome failed(InferenceException failure) {
      return new Outcome(List.of(), failure);
    }
  }

  private final Session session;
  private final ThreadPoolExecutor thread;
  private final LongAdder late = new LongAdder();

  /** Whether an envelope was turned away since the last one that was taken. */
  private final AtomicBoolean gap = new AtomicBoolean();

  private volatile boolean closed;

  /**
   * @param name of the box, which its thread gets
   */
  Handover(String name, Session session) {
    this.session = session;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            task -> {
              Thread made = new Thread(task, "shoji-wire-" + name);
              made.setDaemon(true);
              return made;
            });
    thread.allowCoreThreadTimeOut(true);
  }

  /** Answers that came after their emitter had gone on. */
  long late() {
    return late.sum();
  }

  /**
   * Has records answered.
   *
   * @return one outcome for each, in their order, by the deadline
   */
  List<Outcome> answer(WireSettings settings, List<WireRecord> records, long deadlineNanos) {
    Job job = new Job(settings, records, deadlineNanos, gap.getAndSet(false));
    InferenceException unanswered;
    try {
      thread.execute(job);
      unanswered = job.await();
    } catch (RejectedExecutionException e) {
      gap.set(true);
      unanswered =
          closed
              ? new InferenceException(
                  InferenceException.Code.SHUTTING_DOWN, "the box is being stopped", e)
              : new InferenceException(
                  InferenceException.Code.OVERLOADED,
                  "too many envelopes wait for the box; emit fewer, or give it a shorter deadline"
                      + " waiting="
                      + MAX_WAITING,
                  e);
    }
    return job.take(unanswered);
  }

  /** Stops, within two seconds or when the accelerator lets go. Idempotent. */
  void close() {
    closed = true;
    thread.shutdownNow();
    boolean ended = false;
    try {
      ended = thread.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (ended) {
      session.close();
    }
  }

  private final class Job implements Runnable {
    private final WireSettings settings;
    private final List<WireRecord> records;
    private final long deadlineNanos;
    private final boolean afterGap;
    // null until there is one; each is set once, by whoever comes first.
    private final AtomicReferenceArray<@Nullable Outcome> outcomes;
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile boolean abandoned;

    Job(WireSettings settings, List<WireRecord> records, long deadlineNanos, boolean afterGap) {
      this.afterGap = afterGap;
      this.settings = settings;
      this.records = records;
      this.deadlineNanos = deadlineNanos;
      this.outcomes = new AtomicReferenceArray<>(records.size());
    }

    @Override
    public void run() {
      try {
        if (afterGap) {
          session.reset();
        }
        for (int i = 0; i < records.size(); i++) {
          if (abandoned && (closed || !session.keepsWindows())) {
            break;
          }
          Outcome outcome = answer(records.get(i));
          if (!outcomes.compareAndSet(i, null, outcome)) {
            late.add(outcome.answers.size());
          }
        }
      } finally {
        done.countDown();
        if (closed) {
          session.close();
        }
      }
    }

    private Outcome answer(WireRecord record) {
      try {
        return new Outcome(session.answer(settings, record, deadlineNanos), null);
      } catch (InferenceException e) {
        return Outcome.failed(e);
      } catch (RuntimeException | Error e) {
        LOG.error("a record could not be answered model={}", settings.model(), e);
        session.close();
        return Outcome.failed(
            new InferenceException(InferenceException.Code.FAILED, e.toString(), e));
      }
    }

    /** Waits; returns what a record ended with that is not answered by then. */
    InferenceException await() {
      try {
        long left = deadlineNanos - System.nanoTime();
        if (done.await(Math.max(0, left), TimeUnit.NANOSECONDS)) {
          return new InferenceException(
              InferenceException.Code.CANCELLED, "the box gave the record up");
        }
        return new InferenceException(
            InferenceException.Code.DEADLINE_EXCEEDED,
            "the record was not answered in time; give the box a longer deadline or fewer records"
                + " deadlineMs="
                + settings.deadlineMs());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return new InferenceException(
            InferenceException.Code.CANCELLED, "interrupted while waiting for the answer", e);
      }
    }

    List<Outcome> take(InferenceException unanswered) {
      abandoned = true;
      List<Outcome> taken = new ArrayList<>(outcomes.length());
      for (int i = 0; i < outcomes.length(); i++) {
        Outcome none = Outcome.failed(unanswered);
        Outcome found = outcomes.compareAndExchange(i, null, none);
        taken.add(found == null ? none : found);
      }
      return taken;
    }
  }
}
