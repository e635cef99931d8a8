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
import io.shoji.inference.InferenceService;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has what answers run the golden samples too, one by one beside the new generation. For one
 * thread. Ends early where that takes too long or fails.
 */
final class Contest {
  private static final Logger LOG = LoggerFactory.getLogger(Contest.class);
  private static final long LIMIT_MS = 30_000;

  private final Trial.Rival rival;
  private final long mostNanos;
  private final List<Long> beforeNanos = new ArrayList<>();
  private final List<Long> nanos = new ArrayList<>();
  private boolean ended;
  private String failure = "";
  private long spentNanos;
  private int samples;
  private int differing;
  private int labelled;
  private int lost;
  private int won;

  Contest(Trial.Rival rival, long mostNanos) {
    this.rival = rival;
    this.mostNanos = mostNanos;
  }

  /** Time that what answers took, waiting for its turn included. */
  long spentNanos() {
    return spentNanos;
  }

  /** Has what answers run a sample, and compares. */
  void add(List<Tensor> inputs, List<Tensor> outputs, Optional<Long> label, long tookNanos) {
    if (ended) {
      return;
    }
    long start = System.nanoTime();
    List<Tensor> before = run(inputs);
    spentNanos += System.nanoTime() - start;
    ended = before.isEmpty() || spentNanos > mostNanos;
    if (before.isEmpty()) {
      return;
    }
    nanos.add(tookNanos);
    samples++;
    differing += rival.agreement().differing(before, outputs) > 0 ? 1 : 0;
    if (label.isPresent()) {
      labelled++;
      boolean wasRight = largest(before) == label.get();
      boolean isRight = largest(outputs) == label.get();
      lost += wasRight && !isRight ? 1 : 0;
      won += isRight && !wasRight ? 1 : 0;
    }
  }

  private static int largest(List<Tensor> outputs) {
    return Agreement.largest(outputs.get(0), 0, outputs.get(0).elementCount());
  }

  private List<Tensor> run(List<Tensor> inputs) {
    Generation generation = rival.generation();
    if (!generation.model.family.borrow(generation, InferenceService.deadlineIn(LIMIT_MS))) {
      failure = "it answers no more";
      return List.of();
    }
    try {
      Guard.Answer answer =
          rival
              .engine()
              .guard()
              .compare(
                  generation,
                  inputs,
                  InferenceService.deadlineIn(LIMIT_MS),
                  rival.engine().stopwatch());
      beforeNanos.add(answer.nanos());
      return answer.outputs();
    } catch (AcceleratorException | RuntimeException e) {
      // Requests find out themselves whether it is broken.
      LOG.debug("what answers cannot be compared with {}", generation, e);
      failure = String.valueOf(e.getMessage());
      return List.of();
    }
  }

  /** Why what answers could run no further sample; empty if it could. */
  String failure() {
    return failure;
  }

  /** What was found. */
  Likeness likeness() {
    return new Likeness(
        samples, differing, labelled, lost, won, median(beforeNanos), median(nanos));
  }

  private static long median(List<Long> all) {
    Collections.sort(all);
    return all.isEmpty() ? 0 : all.get(all.size() / 2);
  }
}
