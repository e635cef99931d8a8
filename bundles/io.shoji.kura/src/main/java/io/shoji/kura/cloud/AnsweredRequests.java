/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.cloud;

import io.shoji.kura.operations.Reply;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/**
 * Remembers the answers to requests that change something, so that one that comes twice (a broker's
 * redelivery, or a requester that saw no reply and asks again) has its effect once. Bounded in
 * number and time. Thread safe.
 */
final class AnsweredRequests {
  /** Requests that are remembered. */
  static final int MOST = 1_000;

  private static final long NANOS = TimeUnit.MINUTES.toNanos(60);

  private final Map<String, Answer> answers =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Answer> eldest) {
          return size() > MOST;
        }
      };
  private final LongAdder repeated = new LongAdder();

  private record Answer(FutureTask<Reply> reply, long nanos) {}

  /**
   * Answers a request, or gives the answer again.
   *
   * @param key what makes the request; one that ends with an empty line names no request
   * @param answer does it; throws nothing
   */
  Reply once(String key, Supplier<Reply> answer) {
    if (key.endsWith("\n")) {
      return answer.get();
    }
    FutureTask<Reply> task = new FutureTask<>(answer::get);
    FutureTask<Reply> first;
    synchronized (answers) {
      Answer known = answers.get(key);
      if (known != null && System.nanoTime() - known.nanos() < NANOS) {
        first = known.reply();
      } else {
        answers.remove(key);
        answers.put(key, new Answer(task, System.nanoTime()));
        first = task;
      }
    }
    if (first == task) {
      task.run();
    } else {
      repeated.increment();
    }
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return first.get();
        } catch (InterruptedException e) {
          // The effect is under way: who asked gets its answer, and then the interrupt.
          interrupted = true;
        } catch (ExecutionException e) {
          throw new IllegalStateException("an answer threw", e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** How many requests came again. */
  long repeated() {
    return repeated.sum();
  }
}
