/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Provenance;
import io.shoji.itests.faults.Forms.Form;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that ask {@link Forms} one request after the other, and hold each answer against the
 * generation that is named in it: the numbers are those of its variant, its accelerator is of the
 * variant's kind and was plugged in, and no generation is ever two things.
 */
final class Crowd implements AutoCloseable {
  private static final long LEAST_PAUSE_NANOS = 2_000_000;
  private static final long DEADLINE_MS = 60_000;
  private static final int MOST_COMPLAINTS = 20;

  private final InferenceService inference;
  private final Map<Form, Socket> sockets;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong asked = new AtomicLong();
  private final Map<Form, AtomicLong> answers = new EnumMap<>(Form.class);
  private final Map<Long, String> generations = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<String> complaints = new ConcurrentLinkedQueue<>();
  private volatile boolean ended;

  Crowd(InferenceService inference, Map<Form, Socket> sockets, int clients) {
    this.inference = inference;
    this.sockets = sockets;
    for (Form form : Form.values()) {
      answers.put(form, new AtomicLong());
    }
    for (int i = 0; i < clients; i++) {
      Thread thread = new Thread(this::run, "crowd-" + i);
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
  }

  private void run() {
    while (!ended) {
      long number = asked.incrementAndGet();
      long begun = System.nanoTime();
      try {
        ask(Forms.input(number));
      } catch (InferenceException e) {
        complain("a request was not answered code=" + e.code() + " " + e.getMessage());
      } catch (RuntimeException e) {
        complain("a request was not answered " + e);
      }
      // As long as it took: so the processor has room for other work even while it computes all.
      LockSupport.parkNanos(Math.max(LEAST_PAUSE_NANOS, System.nanoTime() - begun));
    }
  }

  private void ask(float[] input) throws InferenceException {
    long begun = System.nanoTime();
    InferenceResult result =
        inference.infer(
            ModelRef.latest(Forms.MODEL),
            List.of(Tensor.ofFloats(Shape.of(1, Forms.IN), input)),
            InferenceService.deadlineIn(DEADLINE_MS));
    long done = System.nanoTime();
    Provenance by = result.provenance();
    Form form = Form.of(by.variant());
    float[] found = new float[Forms.OUT];
    result.outputs().get(0).floats().get(found);
    if (!Arrays.equals(found, form.answer(input))) {
      complain(
          "an answer is not that of its variant asked="
              + Arrays.toString(form.answer(input))
              + " found="
              + Arrays.toString(found)
              + " "
              + by);
    }
    Socket socket = sockets.get(form);
    if (!by.accelerator().equals(form.kind) || by.simulated() != (socket != null)) {
      complain("an answer names another accelerator than its variant is for " + by);
    }
    if (socket != null && !socket.wasPlugged(begun, done)) {
      complain("an answer names a device that was not there " + by);
    }
    String what = by.variant() + " on " + by.accelerator() + ":" + by.device();
    String before = generations.putIfAbsent(by.generation(), what);
    if (before != null && !before.equals(what)) {
      complain("a generation is two things " + before + ", " + what);
    }
    answers.get(form).incrementAndGet();
  }

  private void complain(String what) {
    if (complaints.size() < MOST_COMPLAINTS) {
      complaints.add(what);
    }
  }

  /** What went wrong. */
  List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** Answers that a form gave. */
  long answers(Form form) {
    return answers.get(form).get();
  }

  /** Answers of all. */
  long answers() {
    return answers.values().stream().mapToLong(AtomicLong::get).sum();
  }

  /** Requests. */
  long asked() {
    return asked.get();
  }

  /** What answered, by the number of the generation: variant and accelerator. */
  Map<Long, String> generations() {
    return Map.copyOf(generations);
  }

  /** Asks no more, and waits for the answers that are due. */
  @Override
  public void close() throws InterruptedException {
    ended = true;
    for (Thread thread : threads) {
      thread.join(DEADLINE_MS + TimeUnit.SECONDS.toMillis(30));
      if (thread.isAlive()) {
        complain("a request has no end " + Arrays.toString(thread.getStackTrace()));
      }
    }
  }
}
