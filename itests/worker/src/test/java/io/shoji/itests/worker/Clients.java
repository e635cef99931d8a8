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

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that ask one request after the other and hold each answer against what the package says.
 * No two requests have the same input: one pixel differs by less than counts.
 */
final class Clients {
  private static final float TOLERANCE = 0.05f;

  private final Place place;
  private final long timeoutMs;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong number = new AtomicLong();
  private final LongAdder outcomes = new LongAdder();
  private final Map<String, LongAdder> codes = new ConcurrentHashMap<>();
  private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
  private final Queue<long[]> answers = new ConcurrentLinkedQueue<>();
  private volatile long lastAnswerNanos;
  private volatile boolean stopping;

  Clients(Place place, int count, long timeoutMs, boolean prepared) {
    this.place = place;
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
    int index = (int) (own % 50);
    Map<String, Object> question = new HashMap<>(place.question(index, timeoutMs));
    float[] values = (float[]) question.get("values");
    values[values.length - 1] += 1e-7f * own;
    if (client >= 0) {
      question.put("client", client);
    }
    long start = System.nanoTime();
    try {
      Map<String, Object> answer = place.felix.call(question);
      long now = System.nanoTime();
      if (answer.get("scores") instanceof float[] scores) {
        check(index, scores);
        codes.computeIfAbsent("answered", c -> new LongAdder()).increment();
        answers.add(new long[] {now, now - start});
        lastAnswerNanos = now;
      } else {
        codes.computeIfAbsent((String) answer.get("code"), c -> new LongAdder()).increment();
        // Who is refused at once does not ask again at once.
        LockSupport.parkNanos(5_000_000);
        if (now - start > (timeoutMs + 2_000) * 1_000_000) {
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

  private void check(int index, float[] scores) {
    float[] expected = place.samples.sample("expected.logits", index);
    for (int i = 0; i < expected.length; i++) {
      if (Math.abs(scores[i] - expected[i]) > TOLERANCE * (1 + Math.abs(expected[i]))) {
        complain("sample " + index + " class " + i + ": " + scores[i] + " " + expected[i]);
        return;
      }
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
