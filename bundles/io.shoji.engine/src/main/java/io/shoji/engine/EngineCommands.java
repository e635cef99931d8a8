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

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The engine's commands of a Gogo shell, scope {@code shoji}. */
@Component(
    name = "io.shoji.engine.commands",
    service = EngineCommands.class,
    property = {
      "osgi.command.scope=shoji",
      "osgi.command.function=accelerators",
      "osgi.command.function=infer",
      "osgi.command.function=metrics",
      "osgi.command.function=model",
      "osgi.command.function=models"
    })
public final class EngineCommands {
  private static final long DEADLINE_MS = 30_000;
  private static final int MOST_RUNS = 100_000;

  private final InferenceService inference;

  /** Commands on a service. */
  @Activate
  public EngineCommands(@Reference InferenceService inference) {
    this.inference = inference;
  }

  /** {@code shoji:models}: every installed model, and what serves it. */
  public String models() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("MODEL", "VERSION", "STATE", "VARIANT", "ACCELERATOR", "RUNTIME", "REASON"));
    for (ModelStatus model : inference.models()) {
      Optional<Provenance> by = model.serving();
      rows.add(
          List.of(
              model.description().name(),
              model.description().version().toString(),
              model.state().toString(),
              by.map(Provenance::variant).orElse("-"),
              by.map(
                      p ->
                          p.accelerator()
                              + ":"
                              + p.device()
                              + (p.simulated() ? " (simulated)" : "")
                              + (p.degraded() ? " degraded" : ""))
                  .orElse("-"),
              by.map(p -> p.runtime() + " " + p.runtimeVersion()).orElse("-"),
              model.reason()));
    }
    return table(rows);
  }

  /** {@code shoji:model NAME}: every candidate of the newest version, and its verdict. */
  public String model(String name) {
    Optional<ModelStatus> found = inference.model(ModelRef.latest(name));
    if (found.isEmpty()) {
      return "no such model is installed name=" + name;
    }
    ModelStatus model = found.get();
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("", "VARIANT", "ACCELERATOR", "MEDIAN", "MEMORY", "VERDICT"));
    for (ModelStatus.Candidate candidate : model.candidates()) {
      rows.add(
          List.of(
              candidate.chosen() ? "*" : "",
              candidate.variant(),
              candidate.accelerator(),
              candidate.latencyNanos().isPresent()
                  ? time(candidate.latencyNanos().getAsLong())
                  : "-",
              candidate.memoryBytes().isPresent()
                  ? candidate.memoryBytes().getAsLong() / 1024 + " KiB"
                  : "-",
              candidate.verdict()));
    }
    return model.description()
        + " "
        + model.state()
        + (model.reason().isEmpty() ? "" : " " + model.reason())
        + "\n"
        + table(rows);
  }

  /** {@code shoji:accelerators}: every accelerator that is there. */
  public String accelerators() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("ACCELERATOR", "NAME", "RUNTIME", "DRIVER", "CALLS", "HEALTH", "MEMORY", "MODELS"));
    for (AcceleratorStatus accelerator : inference.accelerators()) {
      AcceleratorHealth health = accelerator.health();
      rows.add(
          List.of(
              accelerator.info().kind() + ":" + accelerator.info().device(),
              accelerator.info().deviceName()
                  + (accelerator.info().simulated() ? " (simulated)" : ""),
              accelerator.info().runtime() + " " + accelerator.info().runtimeVersion(),
              accelerator.info().driver() + " " + accelerator.info().driverVersion(),
              Integer.toString(accelerator.info().concurrency()),
              health.toString(),
              health.memoryUsedBytes().isPresent()
                  ? health.memoryUsedBytes().getAsLong() / (1024 * 1024) + " MiB"
                  : "-",
              accelerator.note().isEmpty()
                  ? String.join(", ", accelerator.models())
                  : "(" + accelerator.note() + ")"));
    }
    return table(rows);
  }

  /** {@code shoji:metrics}: requests, errors and latency of every model. */
  public String metrics() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "MODEL",
            "REQUESTS",
            "ANSWERED",
            "WAITING",
            "P50",
            "P99",
            "MAX",
            "QUEUE P99",
            "ERRORS"));
    for (ModelStatus model : inference.models()) {
      ModelMetrics metrics = model.metrics();
      rows.add(
          List.of(
              model.description().toString(),
              Long.toString(metrics.requests()),
              Long.toString(metrics.answered()),
              Integer.toString(metrics.waiting()),
              time(metrics.latency().p50Nanos()),
              time(metrics.latency().p99Nanos()),
              time(metrics.latency().maxNanos()),
              time(metrics.queue().p99Nanos()),
              metrics.errors().isEmpty() ? "-" : metrics.errors().toString()));
    }
    return table(rows);
  }

  /** {@code shoji:infer NAME}: runs a model once on zeros. */
  public String infer(String name) throws InferenceException {
    return infer(name, 1);
  }

  /** {@code shoji:infer NAME RUNS}: runs a model on zeros and says how long it took. */
  public String infer(String name, int runs) throws InferenceException {
    if (runs < 1 || runs > MOST_RUNS) {
      return "a number of runs from 1 to " + MOST_RUNS + " is asked runs=" + runs;
    }
    long deadline = InferenceService.deadlineIn(DEADLINE_MS);
    try (PreparedInference prepared = inference.prepare(ModelRef.latest(name), 1, deadline)) {
      long[] nanos = new long[runs];
      Provenance by = null;
      for (int i = 0; i < runs; i++) {
        long start = System.nanoTime();
        by = prepared.run(deadline);
        nanos[i] = System.nanoTime() - start;
      }
      Arrays.sort(nanos);
      return "runs="
          + runs
          + " median="
          + time(nanos[runs / 2])
          + " max="
          + time(nanos[runs - 1])
          + "\noutputs="
          + prepared.outputs()
          + "\n"
          + by;
    }
  }

  /** Nanoseconds for people. */
  static String time(long nanos) {
    return nanos < 1_000_000
        ? String.format(Locale.ROOT, "%.1f us", nanos / 1e3)
        : String.format(Locale.ROOT, "%.2f ms", nanos / 1e6);
  }

  /** Rows with their cells under each other; the first row is the heading. */
  static String table(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
