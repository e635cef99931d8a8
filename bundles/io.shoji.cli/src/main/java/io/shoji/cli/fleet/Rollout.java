/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One thing on many gateways: a few at a time, some of them first, and not on once too many fail.
 */
final class Rollout {
  private static final long END_SECONDS = 2;

  private final Plan plan;
  private final Progress progress;
  private final Task task;
  private final Map<String, Outcome> outcomes = Collections.synchronizedMap(new LinkedHashMap<>());
  private final AtomicInteger failures = new AtomicInteger();

  private Rollout(Plan plan, Progress progress, Task task) {
    this.plan = plan;
    this.progress = progress;
    this.task = task;
  }

  /**
   * How.
   *
   * @param parallel gateways at a time, at least 1
   * @param canary gateways that must all have done it before the others begin; 0 for none
   * @param maxFailures gateways that may fail before no further one begins
   */
  record Plan(int parallel, int canary, int maxFailures) {}

  /**
   * What a gateway did.
   *
   * @param answer what it said
   * @param changed whether there was anything to do
   * @param message for people; may be empty
   */
  record Done(JsonObject answer, boolean changed, String message) {}

  /** The thing. */
  interface Task {
    /** Does it on one gateway. */
    Done run(String gateway, ShojiV1.Watcher watcher) throws GatewayException, InterruptedException;
  }

  /**
   * Does it.
   *
   * @return one outcome per gateway, in their order
   * @throws InterruptedException after no further one was begun
   */
  static List<Outcome> run(List<String> gateways, Plan plan, Progress progress, Task task)
      throws InterruptedException {
    Rollout rollout = new Rollout(plan, progress, task);
    int first = Math.min(plan.canary(), gateways.size());
    if (first > 0) {
      rollout.stage(gateways.subList(0, first));
      if (rollout.failures.get() > 0) {
        rollout.skip(gateways.subList(first, gateways.size()), "not begun: a canary failed");
      }
    }
    List<String> rest =
        gateways.stream().filter(gateway -> !rollout.outcomes.containsKey(gateway)).toList();
    rollout.stage(rest);
    List<Outcome> all = new ArrayList<>();
    for (String gateway : gateways) {
      Outcome outcome = rollout.outcomes.get(gateway);
      if (outcome != null) {
        all.add(outcome);
      }
    }
    return all;
  }

  private void stage(List<String> gateways) throws InterruptedException {
    if (gateways.isEmpty()) {
      return;
    }
    CountDownLatch open = new CountDownLatch(gateways.size());
    ExecutorService threads =
        Executors.newFixedThreadPool(
            Math.min(plan.parallel(), gateways.size()),
            work -> {
              Thread thread = new Thread(work, "shoji-gateway");
              thread.setDaemon(true);
              return thread;
            });
    try {
      for (String gateway : gateways) {
        threads.execute(
            () -> {
              try {
                one(gateway);
              } finally {
                open.countDown();
              }
            });
      }
      open.await();
    } finally {
      threads.shutdownNow();
      boolean ended = threads.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
      if (!ended) {
        progress.note("a gateway's thread does not end");
      }
    }
  }

  private void one(String gateway) {
    if (failures.get() > plan.maxFailures()) {
      skip(
          List.of(gateway),
          "not begun: " + failures.get() + " failed, and --max-failures is " + plan.maxFailures());
      return;
    }
    progress.begins(gateway);
    Outcome outcome;
    try {
      outcome = Outcome.of(gateway, task.run(gateway, progress.watcher(gateway)));
    } catch (GatewayException e) {
      outcome = Outcome.failed(gateway, e);
    } catch (InterruptedException e) {
      // Left among those under way, which are named at the end.
      Thread.currentThread().interrupt();
      return;
    } catch (RuntimeException e) {
      outcome = Outcome.failed(gateway, "UNEXPECTED", "a fault of this command: " + e);
    }
    if (!outcome.isGood()) {
      failures.incrementAndGet();
    }
    outcomes.put(gateway, outcome);
    progress.ended(outcome);
  }

  private void skip(List<String> gateways, String why) {
    for (String gateway : gateways) {
      Outcome outcome = Outcome.skipped(gateway, why);
      outcomes.put(gateway, outcome);
      progress.ended(outcome);
    }
  }
}
