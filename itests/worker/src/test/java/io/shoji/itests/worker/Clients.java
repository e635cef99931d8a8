/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import io.shoji.testkit.Proof;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** Threads that ask one question after the other and hold each answer against what is expected. */
final class Clients {
  /** Answers whose times are kept, the latest. */
  private static final long MOST_KEPT = 500_000;

  /** After its deadline an outcome may take so long to come, on a machine that others use. */
  private static final long LATE_MS = Proof.rounds(20_000, 2_000);

  private final Place place;
  private final Questions questions;
  private final long timeoutMs;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong number = new AtomicLong();
  private final LongAdder outcomes = new LongAdder();
  private final Map<String, LongAdder> codes = new ConcurrentHashMap<>();
  private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
  private final Queue<long[]> answers = new ConcurrentLinkedQueue<>();
  private volatile long lastAnswerNanos;
  private volatile boolean stopping;

  /** Threads that ask for digits. */
  Clients(Place place, int count, long timeoutMs, boolean prepared) {
    this(place, new Digits(place), count, timeoutMs, prepared);
  }

  /**
   * Threads that begin at once.
   *
   * @param prepared whether every second of them asks by a preparation
   */
  Clients(Place place, Questions questions, int count, long timeoutMs, boolean prepared) {
    this.place = place;
    this.questions = questions;
    this.timeoutMs = timeoutMs;
    for (int i = 0; i < count; i++) {
      int client = i;
      Thread thread =
          new Thread(
              () -> {
                while (!stopping) {
                  ask(prepared && client % 2 == 0 ? client : -1);
                }
              },
              "client-" + i);
      thread.start();
      threads.add(thread);
    }
  }

  private void ask(int client) {
    long own = number.getAndIncrement();
    Map<String, Object> question = questions.question(own, timeoutMs);
    if (client >= 0) {
      question.put("client", client);
    }
    long start = System.nanoTime();
    try {
      Map<String, Object> answer = place.felix.call(question);
      long now = System.nanoTime();
      if (answer.get("scores") instanceof float[] scores) {
        String fault = questions.fault(own, scores);
        if (!fault.isEmpty()) {
          complain(fault);
        }
        codes.computeIfAbsent("answered", c -> new LongAdder()).increment();
        answers.add(new long[] {now, now - start});
        if (own >= MOST_KEPT) {
          answers.poll();
        }
        lastAnswerNanos = now;
      } else {
        codes.computeIfAbsent((String) answer.get("code"), c -> new LongAdder()).increment();
        // Who is refused at once does not ask again at once.
        LockSupport.parkNanos(5_000_000);
        if (now - start > (timeoutMs + LATE_MS) * 1_000_000) {
          complain("late: " + answer + " after ms=" + (now - start) / 1_000_000);
        }
      }
    } catch (RuntimeException e) {
      complain(e.toString());
    } finally {
      outcomes.increment();
    }
  }

  private void complain(String complaint) {
    if (complaints.size() < 20) {
      complaints.add(complaint);
    }
  }

  /** When the last answer was there. */
  long lastAnswerNanos() {
    return lastAnswerNanos;
  }

  /** Requests that got an answer. */
  long answered() {
    LongAdder count = codes.get("answered");
    return count == null ? 0 : count.sum();
  }

  /** How requests ended, and how often. */
  Map<String, Long> codes() {
    Map<String, Long> all = new TreeMap<>();
    codes.forEach((code, count) -> all.put(code, count.sum()));
    return all;
  }

  List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** The quantile of latencies of answers between two moments, ms. */
  double latencyMs(double quantile, long fromNanos, long toNanos) {
    List<Long> found =
        answers.stream()
            .filter(a -> a[0] - fromNanos >= 0 && a[0] - toNanos < 0)
            .map(a -> a[1])
            .sorted()
            .toList();
    return found.isEmpty()
        ? Double.NaN
        : found.get((int) Math.min(found.size() - 1, quantile * found.size())) / 1e6;
  }

  /** The longest time between two moments in which nobody had an answer, ms. */
  double silenceMs(long fromNanos, long toNanos) {
    long longest = 0;
    long before = fromNanos;
    for (long at :
        answers.stream()
            .mapToLong(a -> a[0])
            .filter(at -> at - fromNanos >= 0 && at - toNanos < 0)
            .sorted()
            .toArray()) {
      longest = Math.max(longest, at - before);
      before = at;
    }
    return Math.max(longest, toNanos - before) / 1e6;
  }

  /** Ends them; returns whether every request had its outcome. */
  boolean stop() throws InterruptedException {
    stopping = true;
    for (Thread thread : threads) {
      thread.join(timeoutMs + 10_000);
      if (thread.isAlive()) {
        complain("still waiting: " + thread);
      }
    }
    return outcomes.sum() == number.get();
  }
}
