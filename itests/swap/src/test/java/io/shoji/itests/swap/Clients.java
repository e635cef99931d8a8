/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import io.shoji.testkit.FelixWithPackages;
import io.shoji.testkit.Proof;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that send on a timetable of their own, whatever comes back: a request that is sent late
 * because the one before took long counts from when it was to be sent. Half of them wait for their
 * answers, a quarter ask for futures, a quarter use a preparation. No question is asked by two.
 */
final class Clients {
  static final int COUNT = 8;
  private static final String[] WAYS = {"wait", "later", "wait", "prepared"};
  private static final long LATE_NANOS = 10_000_000;
  private static final long ON_TIME_NANOS = 1_000_000;
  private static final double[] SHARES = {1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2};

  /** How often each rate is tried. */
  private static final int ATTEMPTS = Proof.rounds(1, 2);

  private final FelixWithPackages felix;
  private final Answers answers;
  private final List<Map<String, Object>> questions;
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong answered = new AtomicLong();
  private final AtomicLong lastAnswer = new AtomicLong();
  private final List<Client> running = new ArrayList<>();
  private final long[] seen = new long[COUNT];
  private volatile Window window = new Window(Phase.SETTLING);
  private volatile boolean ended;

  /**
   * Clients that ask nothing yet.
   *
   * @param questions what the probe takes, all different
   */
  Clients(FelixWithPackages felix, Answers answers, List<Map<String, Object>> questions) {
    this.felix = felix;
    this.answers = answers;
    this.questions = questions;
  }

  /** Another time begins; returns it. The one before has ended. */
  Window enter(Phase phase) {
    Window next = new Window(phase);
    Window before = window;
    window = next;
    before.end();
    return next;
  }

  /** Begins to send so many requests a second. */
  void start(double perSecond) {
    ended = false;
    lastAnswer.set(System.nanoTime());
    long period = (long) (1e9 * COUNT / perSecond);
    for (int i = 0; i < COUNT; i++) {
      running.add(new Client(i, period));
    }
    running.forEach(Thread::start);
  }

  /** Ends when every request that was sent has its outcome. */
  void stop() throws InterruptedException {
    ended = true;
    for (Client client : running) {
      client.join();
    }
    running.clear();
  }

  /** Waits until all are on time again, or for so long; whether they are. */
  boolean awaitOnTime(long millis) throws InterruptedException {
    long deadline = System.nanoTime() + millis * 1_000_000;
    while (late() > ON_TIME_NANOS && System.nanoTime() - deadline < 0) {
      Thread.sleep(1);
    }
    return late() <= ON_TIME_NANOS;
  }

  private long late() {
    return running.stream().mapToLong(c -> c.late).max().orElse(0);
  }

  long sent() {
    return sent.get();
  }

  long answered() {
    return answered.get();
  }

  /**
   * The highest rate at which these clients keep up with their timetable, requests a second, their
   * own cost included: from what they get when each sends the next request upon the answer, down
   * until none is late at the end.
   *
   * @param millis how long each rate is tried
   */
  double capacity(long millis) throws InterruptedException {
    enter(Phase.SETTLING);
    double closed = 0;
    for (int round = 0; round < 2; round++) {
      long before = answered.get();
      long start = System.nanoTime();
      start(Double.POSITIVE_INFINITY);
      Thread.sleep(millis);
      stop();
      closed = Math.max(closed, (answered.get() - before) * 1e9 / (System.nanoTime() - start));
    }
    for (double share : SHARES) {
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        start(share * closed);
        Thread.sleep(millis);
        long late = late();
        stop();
        if (late < LATE_NANOS) {
          return share * closed;
        }
      }
    }
    throw new AssertionError("the clients keep up with no rate, closed=" + closed);
  }

  private final class Client extends Thread {
    private final int number;
    private final long periodNanos;
    private final List<Map<String, Object>> requests = new ArrayList<>();
    private volatile long late;

    Client(int number, long periodNanos) {
      super("client-" + number);
      this.number = number;
      this.periodNanos = periodNanos;
      for (int i = number; i < questions.size(); i += COUNT) {
        Map<String, Object> request = new HashMap<>(questions.get(i));
        request.put("way", WAYS[number % WAYS.length]);
        request.put("client", number);
        requests.add(request);
      }
    }

    @Override
    public void run() {
      long due = System.nanoTime() + periodNanos * number / COUNT;
      for (int i = 0; !ended; i = (i + 1) % requests.size(), due += periodNanos) {
        long now = System.nanoTime();
        while (due - now > 0 && periodNanos > 0) {
          LockSupport.parkNanos(due - now);
          now = System.nanoTime();
        }
        late = now - due;
        ask(i, due);
      }
    }

    private void ask(int request, long due) {
      Window before = window;
      sent.incrementAndGet();
      int question = number + COUNT * request;
      try {
        Map<String, Object> answer = felix.call(requests.get(request));
        seen[number] = answers.check(question, answer, seen[number]);
        if (answer.containsKey("scores")) {
          answered.incrementAndGet();
        }
      } catch (RuntimeException e) {
        answers.complain("client " + number + ": " + e);
      }
      long now = System.nanoTime();
      Window after = window;
      after.silence(now - lastAnswer.getAndSet(now));
      // What touches a swap counts to the swap.
      (before.phase == Phase.STEADY ? after : before).add(now - due);
    }
  }
}
