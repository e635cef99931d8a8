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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedOnnxRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/**
 * A vendor's library that fails its process in every way at every call, by the simulated ONNX
 * Runtime in front of the real one, while eight threads ask: the gateway lives, each request has an
 * outcome, the driver comes back, and nothing stays behind.
 */
class FaultTableIT {
  private static final int ROUNDS = Proof.rounds(7, 2_000);
  private static final int CLIENTS = 8;

  /** Rounds from one line of progress to the next. */
  private static final int PROGRESS = 50;

  /** The ways, as a tape names them. */
  private static final List<String> WAYS =
      List.of("crash", "abort", "kill", "exit 7", "hang", "devour 0", "descriptors");

  /** Ways after which the process does not end of itself, or not at every call. */
  private static final Set<String> SURVIVED = Set.of("hang", "descriptors");

  /** Limits under which taking all there is ends soon, and a process of its own inherits. */
  private static final String[] LIMITS = {
    "sh", "-c", "ulimit -v 2500000; ulimit -n 200; exec \"$0\" \"$@\""
  };

  private static final long AT_ONCE_NANOS = 300_000_000;
  private static final long HUNG_NANOS = 4_000_000_000L;
  private static final long START_NANOS = 20_000_000_000L;
  private static final long GONE_NANOS = 30_000_000_000L;

  /** When a function is called. */
  private enum Stage {
    /** By requests, at any time. */
    RUN,
    /** When a process starts and loads. */
    START,
    /** When a model and its driver are closed. */
    CLOSE
  }

  /** What is done in a round. */
  private record Fault(Stage stage, String function, String way) {}

  private final Map<String, List<Long>> recoveries = new TreeMap<>();

  private Place place(Path folder, SimulatedOnnxRuntime simulated) throws Exception {
    Map<String, Object> settings = new HashMap<>();
    settings.put("crashesPerHour", 100_000);
    settings.put("longestPauseMs", 0);
    settings.put("hangMarginMs", 500);
    settings.put("loadMarginMs", 500);
    settings.put("handoverMs", 100);
    settings.put("stopMs", 2_000);
    settings.put("wrapper", LIMITS);
    settings.put("vmOptions", new String[] {"-XX:CompressedClassSpaceSize=32m"});
    Place place = new Place(folder, settings);
    place.felix.configure(
        "io.shoji.engine", Map.of("probationMs", 0, "loadTimeoutMs", 1_500, "hangGraceMs", 300));
    place.felix.configure(
        Place.DRIVER, Map.of("libraryPath", simulated.library().toAbsolutePath().toString()));
    place.driver(Place.RUNTIME);
    place.awaitAnswer();
    return place;
  }

  @Test
  void shouldGiveEveryRequestAnOutcomeWhenEveryCallFailsInEveryWay() throws Exception {
    Path folder = Place.WORK.resolve("faults");
    SimulatedOnnxRuntime simulated = SimulatedRuntime.in(folder);
    Set<String> met = new TreeSet<>();
    int descriptors = 0;
    try (Place place = place(folder, simulated)) {
      List<Fault> table = table(place, simulated);
      Clients clients = new Clients(place, CLIENTS, 1_000, true);
      place.awaitThat("clients are answered", () -> clients.answered() > 100);
      descriptors = ProcessFigures.descriptors();
      for (int round = 0; round < ROUNDS; round++) {
        Fault fault = table.get(round % table.size());
        if (play(place, simulated, clients, fault)) {
          met.add(fault.stage() + " " + fault.way());
        }
        if ((round + 1) % PROGRESS == 0) {
          System.out.printf(
              Locale.ROOT,
              "faults: round %d of %d, %d answers, complaints %s%n",
              round + 1,
              ROUNDS,
              clients.answered(),
              clients.complaints());
        }
      }
      long until = clients.answered() + 200;
      place.awaitThat("clients are answered to the end", () -> clients.answered() > until);
      boolean complete = clients.stop();

      print(place, clients, table, met);
      assertThat(complete).as("every request has an outcome").isTrue();
      assertThat(clients.complaints()).isEmpty();
      assertThat(clients.codes()).doesNotContainKey("QUARANTINED");
      for (String way : WAYS) {
        assertThat(met).as("a fault that was never met").contains(Stage.RUN + " " + way);
      }
      assertThat(place.events("WORKER_DIED"))
          .anyMatch(
              event ->
                  "SIGSEGV".equals(event.get("signal"))
                      && event.get("frame").contains("libonnxruntime-simulated"));
      place.awaitThat("one process is left", () -> Place.workers().size() == 1);
      place.awaitThat(
          "one link is left", () -> Place.links(ProcessHandle.current().pid()).size() == 1);
      place.awaitThat("one copy is left", () -> place.copies().size() == 1);
      int before = descriptors;
      place.awaitThat(
          "no descriptor is lost", () -> ProcessFigures.descriptors() <= before + 2 * CLIENTS);
    }
    assertThat(Place.workers()).isEmpty();
    assertThat(Place.links(ProcessHandle.current().pid())).isEmpty();
    assertThat(holdsWithin(GONE_NANOS, () -> threads().isEmpty())).as("%s", threads()).isTrue();
    assertThat(
            holdsWithin(
                GONE_NANOS,
                () -> {
                  // Memory that callers were given is the collector's.
                  System.gc();
                  return mappings().isEmpty();
                }))
        .as("%s", mappings())
        .isTrue();
  }

  private static List<String> threads() {
    List<String> all = new ArrayList<>(ProcessFigures.threads("shoji-worker-"));
    all.addAll(ProcessFigures.threads("shoji-link-"));
    return all;
  }

  private static List<String> mappings() {
    return ProcessFigures.mappedFiles().stream()
        .filter(file -> file.contains("shoji-link-"))
        .toList();
  }

  /**
   * Every call in every way: first each way at a call of requests, then all the others, shuffled
   * the same way each time.
   */
  private static List<Fault> table(Place place, SimulatedOnnxRuntime simulated) throws Exception {
    for (int i = 0; i < 20; i++) {
      place.ask(i);
    }
    Map<String, Long> first = simulated.record().counts();
    for (int i = 0; i < 20; i++) {
      place.ask(i);
    }
    Map<String, Long> second = simulated.record().counts();
    // Nobody else opens the library now, so the record stays that of the process that ends.
    place.felix.bundle(Place.DRIVER).stop();
    place.awaitThat("the process ends", () -> Place.workers().isEmpty());
    Map<String, Long> third = simulated.record().counts();
    place.felix.bundle(Place.DRIVER).start();
    place.awaitAnswer();

    List<Fault> runs = new ArrayList<>();
    List<Fault> others = new ArrayList<>();
    List<String> running =
        second.keySet().stream()
            .filter(f -> second.get(f) >= first.getOrDefault(f, 0L) + 20)
            .toList();
    assertThat(running).as("functions that requests call").isNotEmpty();
    String run = running.stream().filter(f -> f.startsWith("Run")).findFirst().orElseThrow();
    for (String way : WAYS) {
      runs.add(new Fault(Stage.RUN, run, way));
    }
    for (String function : third.keySet()) {
      Stage stage =
          running.contains(function)
              ? Stage.RUN
              : second.getOrDefault(function, 0L) > 0 ? Stage.START : Stage.CLOSE;
      for (String way : WAYS) {
        if (!function.equals(run)) {
          others.add(new Fault(stage, function, way));
        }
      }
    }
    Collections.shuffle(others, new Random(7));
    List<Fault> table = new ArrayList<>(runs);
    table.addAll(others);
    return table;
  }

  /** Plays one fault, and waits until all is well again; whether the fault was met. */
  private boolean play(Place place, SimulatedOnnxRuntime simulated, Clients clients, Fault fault)
      throws Exception {
    ProcessHandle worker =
        place.await(
            "one process", () -> Place.workers().size() == 1 ? Place.workers().get(0) : null);
    simulated.tape(
        "at " + fault.function() + " " + (fault.stage() == Stage.RUN ? 5 : 1) + " " + fault.way());
    boolean met =
        switch (fault.stage()) {
          case RUN -> holdsWithin(GONE_NANOS, () -> faults(simulated) > 0 || !worker.isAlive());
          case START -> {
            if (!holdsWithin(AT_ONCE_NANOS, () -> faults(simulated) > 0)) {
              // Every call that is made before a run is made again by the next process.
              worker.destroyForcibly();
              place.awaitThat("the process ends", () -> !worker.isAlive());
              long ended = System.nanoTime();
              boolean unused =
                  holdsWithin(
                      START_NANOS,
                      () -> faults(simulated) > 0 || clients.lastAnswerNanos() - ended > 0);
            }
            yield faults(simulated) > 0;
          }
          case CLOSE -> {
            place.felix.bundle(Place.DRIVER).stop();
            place.awaitThat("the process ends", () -> !worker.isAlive());
            boolean closed = faults(simulated) > 0;
            place.felix.bundle(Place.DRIVER).start();
            yield closed;
          }
        };
    List<ProcessHandle> hurt = Place.workers();
    if (met && fault.way().equals("hang")) {
      boolean unused =
          holdsWithin(HUNG_NANOS, () -> hurt.stream().noneMatch(ProcessHandle::isAlive));
    }
    if (met && fault.stage() == Stage.RUN && !SURVIVED.contains(fault.way())) {
      place.awaitThat("the process dies of " + fault, () -> !worker.isAlive());
    }
    simulated.tape();
    if (fault.way().equals("descriptors")) {
      // It lives, and can open nothing any more.
      hurt.forEach(ProcessHandle::destroyForcibly);
    }
    long healed = System.nanoTime();
    place.awaitThat(
        "clients are answered again after " + fault, () -> clients.lastAnswerNanos() - healed > 0);
    if (met) {
      recoveries
          .computeIfAbsent(fault.way(), way -> new ArrayList<>())
          .add((clients.lastAnswerNanos() - healed) / 1_000_000);
    }
    return met;
  }

  private static long faults(SimulatedOnnxRuntime simulated) {
    try {
      return simulated.record().faultCount();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean holdsWithin(long nanos, BooleanSupplier holds)
      throws InterruptedException {
    long until = System.nanoTime() + nanos;
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() - until > 0) {
        return false;
      }
      Thread.sleep(2);
    }
    return true;
  }

  private void print(Place place, Clients clients, List<Fault> table, Set<String> met) {
    System.out.printf(
        Locale.ROOT,
        "faults: rounds=%d of table=%d, deaths=%d, outcomes %s, met %s%n",
        ROUNDS,
        table.size(),
        deaths(place),
        clients.codes(),
        met);
    List<Long> all = new ArrayList<>();
    recoveries.forEach(
        (way, times) -> {
          all.addAll(times);
          System.out.println("  " + row(way, times));
        });
    System.out.println("  " + row("all", all));
  }

  /** Deaths are numbered, and only the latest are kept. */
  private static long deaths(Place place) {
    return place.events("WORKER_DIED").stream()
        .mapToLong(event -> Long.parseLong(event.get("crash")))
        .max()
        .orElse(0);
  }

  private static String row(String way, List<Long> times) {
    List<Long> sorted = times.stream().sorted().toList();
    return String.format(
        Locale.ROOT,
        "%-12s %5d  to the next answer: median %d ms, longest %d ms",
        way,
        sorted.size(),
        sorted.get(sorted.size() / 2),
        sorted.get(sorted.size() - 1));
  }
}
