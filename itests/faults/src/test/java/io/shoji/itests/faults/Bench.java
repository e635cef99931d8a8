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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelChange;
import io.shoji.operations.Operations;
import io.shoji.testkit.SimulatedOnnxRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.osgi.framework.Bundle;

/**
 * A gateway on the simulated runtime with one {@link Multiplier}, whose versions follow one another
 * by updates of its bundle, while it is asked all the time.
 */
final class Bench implements AutoCloseable {
  static final String MODEL = "multiplier";

  /** Threads of a model that is loaded and tried; names of threads are 15 characters long. */
  static final List<String> CANDIDATE =
      List.of("shoji-cpu-load", "shoji-engine-lo", "shoji-engine-tr", "shoji-engine-ba");

  /** Threads that answer requests. */
  static final List<String> REQUESTS = List.of("shoji-engine-ca", "asker");

  /** Threads that answer asynchronous requests. */
  static final List<String> FUTURES = List.of("shoji-engine-wo");

  final Path folder;
  final SimulatedOnnxRuntime runtime;
  private final Map<String, Map<String, Object>> configurations;
  private final Multiplier multiplier = new Multiplier(MODEL);
  Gateway gateway;
  InferenceService inference;
  Operations operations;
  Asker asker;
  private Bundle bundle;
  private int patch;

  /** What the simulator itself has not released because its tape said so. */
  private final Map<String, Long> kept = new TreeMap<>();

  Bench(Path folder, Map<String, Object> engine) throws Exception {
    this.folder = folder;
    runtime = SimulatedOnnxRuntime.in(folder.resolve("runtime"), Gateway.realRuntime(folder));
    Map<String, Object> settings = Gateway.engine(engine);
    // On a busy machine loads that give way would take longer than what counts as a hang here.
    settings.put("loaderNiceness", 0);
    configurations = Map.of(Gateway.ENGINE, settings, Gateway.CPU, Gateway.driver(runtime));
    gateway = new Gateway(folder, configurations);
    bundle = gateway.install(multiplier.write(folder, patch));
    bundle.start();
    ask();
  }

  private void ask() throws Exception {
    inference = gateway.inference();
    operations = gateway.operations();
    Waiting.until(
        "an answer of any version",
        () ->
            inference.models().stream()
                .flatMap(each -> each.serving().stream())
                .anyMatch(each -> each.model().equals(MODEL)));
    asker = new Asker(inference, MODEL, 5_000);
    asker.awaitMore(3);
  }

  /** Stops the framework and starts it anew in the same folder, until something answers. */
  void restart() throws Exception {
    asker.close();
    gateway.close();
    gateway = new Gateway(folder, configurations);
    bundle = gateway.bundle(Multiplier.symbolicName(MODEL));
    ask();
  }

  /** Version that answers from now on. */
  String answering() {
    asker.awaitMore(2);
    return asker.version();
  }

  /** The change to the version that was installed last; empty before it is staged. */
  Optional<ModelChange> change() {
    return operations.changes(MODEL).stream()
        .filter(each -> each.to().version().equals(version()))
        .findFirst();
  }

  /** The version that was installed last. */
  String version() {
    return Multiplier.version(patch);
  }

  /** Installs the next version. */
  void upgrade() throws Exception {
    patch++;
    Gateway.update(bundle, multiplier.write(folder, patch));
  }

  boolean serves() {
    return inference.model(ModelRef.latest(MODEL)).stream()
        .flatMap(status -> status.serving().stream())
        .anyMatch(serving -> serving.modelVersion().equals(version()));
  }

  void awaitServing() {
    Waiting.until(() -> "serving " + version() + " status=" + describe(), this::serves);
  }

  /** Status of the version that was installed last. */
  Optional<ModelStatus> status() {
    return inference.models().stream()
        .filter(each -> each.description().version().toString().equals(version()))
        .findFirst();
  }

  String describe() {
    return inference.models().stream()
        .map(
            each ->
                each.description().version()
                    + " "
                    + each.state()
                    + " "
                    + each.reason()
                    + " "
                    + each.candidates().stream().map(ModelStatus.Candidate::verdict).toList())
        .toList()
        .toString();
  }

  /** Number of the latest event. */
  long lastEvent() {
    List<EngineEvent> all = operations.events(0);
    return all.isEmpty() ? 0 : all.get(all.size() - 1).sequence();
  }

  /** What was said of failures of the version that was installed last, in events after that one. */
  List<String> failures(long afterEvent) {
    return operations.events(afterEvent).stream()
        .filter(event -> event.type() == EngineEvent.Type.MODEL_FAILED)
        .map(EngineEvent::message)
        .toList();
  }

  /** Why the version that answers could not be compared with the one of the last change. */
  String notCompared() {
    List<ModelChange> changes = operations.changes(MODEL);
    return changes.isEmpty() ? "" : changes.get(0).evidence().getOrDefault("agreement.failure", "");
  }

  /** Whether no call hangs. */
  boolean isWell() {
    return inference.accelerators().stream()
        .allMatch(each -> each.health().state() == AcceleratorHealth.State.HEALTHY);
  }

  /** A tape for calls on such threads. */
  void tape(List<String> threads, String... rules) throws IOException {
    List<String> lines = new ArrayList<>();
    threads.forEach(each -> lines.add("thread " + each));
    lines.addAll(List.of(rules));
    runtime.tape(lines.toArray(new String[0]));
  }

  long faults() {
    return record().faultCount();
  }

  SimulatedOnnxRuntime.Calls record() {
    try {
      return runtime.record();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Says that the tape keeps one object of that kind for good. */
  void keeps(String kind) {
    kept.merge(kind, 1L, Long::sum);
  }

  /** Waits until only what serves is open, by the simulator's own account. */
  void awaitNothingLeft(String after) {
    Map<String, Long> expected = new TreeMap<>(kept);
    for (String kind : List.of("Env", "Session", "Allocator", "MemoryInfo")) {
      expected.merge(kind, 1L, Long::sum);
    }
    Waiting.until(
        () ->
            "only what serves is open after "
                + after
                + " asked="
                + expected
                + " found="
                + record().open(),
        () -> record().open().equals(expected));
    assertThat(record().twice()).as("released twice after %s", after).isEmpty();
  }

  @Override
  public void close() throws Exception {
    runtime.tape();
    asker.close();
    gateway.close();
    assertThat(record().open()).as("open when the driver is gone").isEqualTo(kept);
    assertThat(record().twice()).as("released twice").isEmpty();
  }
}
