/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A request on its way, and whoever waits for its answer. */
final class Exchange {
  private static final int STEPS = 1_000;

  private final Message.Request request;
  private final String subject;
  private final String subjectSha256;
  private final long sentNanos = System.nanoTime();
  private final ArrayDeque<String> steps = new ArrayDeque<>();
  private Message.@Nullable Answer answer;
  private boolean ended;

  Exchange(Message.Request request, String subject, String subjectSha256) {
    this.request = request;
    this.subject = subject;
    this.subjectSha256 = subjectSha256;
  }

  Message.Request request() {
    return request;
  }

  /** It is answered, or told of a step. */
  synchronized void take(Message.Answer message) {
    if (message instanceof Message.Progress progress) {
      if (steps.size() < STEPS) {
        steps.add(progress.step());
      }
    } else {
      answer = message;
    }
    notifyAll();
  }

  /** There will be no answer. */
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  /**
   * Waits for the answer.
   *
   * @param progress told of each step, on this thread
   * @param deadlineNanos value of {@link System#nanoTime}
   * @return the answer; null if there will be none, or not in time
   */
  Message.@Nullable Answer await(Consumer<String> progress, long deadlineNanos)
      throws InterruptedException {
    while (true) {
      String step;
      synchronized (this) {
        while (steps.isEmpty() && answer == null && !ended) {
          long left = deadlineNanos - System.nanoTime();
          if (left <= 0) {
            return null;
          }
          wait(Math.max(1, left / 1_000_000));
        }
        step = steps.poll();
        if (step == null) {
          return answer;
        }
      }
      progress.accept(step);
    }
  }

  /** What it is about, for a report. */
  CallRecord record(CallPage page) {
    return new CallRecord(
        request.label(),
        page.hasBegun(request.request()),
        subject,
        subjectSha256,
        List.of(),
        "",
        System.nanoTime() - sentNanos);
  }
}
