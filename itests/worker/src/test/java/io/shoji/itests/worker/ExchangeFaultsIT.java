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

import io.shoji.testkit.SimulatedOnnxRuntime;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

/** Loads that do not come back, and processes that die while their driver is exchanged. */
class ExchangeFaultsIT {
  private static Map<String, Object> quick() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("longestPauseMs", 200);
    settings.put("crashesPerHour", 1_000);
    return settings;
  }

  @Test
  void shouldEndTheProcessAndStartAnotherWhenALoadDoesNotComeBack() throws Exception {
    Path folder = Place.WORK.resolve("hung-load");
    SimulatedOnnxRuntime simulated = SimulatedRuntime.in(folder);
    Map<String, Object> settings = quick();
    settings.put("loadMarginMs", 300);
    try (Place place = new Place(folder, settings)) {
      place.felix.configure(
          "io.shoji.engine", Map.of("probationMs", 0, "loadTimeoutMs", 1_000, "hangGraceMs", 200));
      place.felix.configure(
          Place.DRIVER, Map.of("libraryPath", simulated.library().toAbsolutePath().toString()));
      simulated.tape("from CreateSession 1 hang");

      place.driver(Place.RUNTIME);
      ProcessHandle hung =
          place.await("a process", () -> Place.workers().stream().findFirst().orElse(null));
      place.awaitThat("it is ended", () -> !hung.isAlive());
      simulated.tape();

      place.awaitAnswer();
      Map<String, String> death = place.events("WORKER_DIED").get(0);
      assertThat(death.get("message")).contains("HUNG").contains("load");
      place.awaitThat("one process", () -> Place.workers().size() == 1);
      assertThat(Place.workers().get(0).pid()).isNotEqualTo(hung.pid());
    }
  }

  @Test
  void shouldGoOnWithTheNextWhenTheFormerProcessDiesDuringTheExchange() throws Exception {
    // No answer is lost: what ran there is asked again where the model is next.
    exchange("former-dies", ExchangeFaultsIT::oldest, Set.of("answered", "DEVICE_LOST"));
  }

  @Test
  void shouldGoOnWithTheFormerWhenTheNextProcessDiesDuringTheExchange() throws Exception {
    exchange("next-dies", ExchangeFaultsIT::youngest, Set.of("answered"));
  }

  private static long oldest(ProcessHandle process) {
    return process.info().startInstant().orElseThrow().toEpochMilli();
  }

  private static long youngest(ProcessHandle process) {
    return -oldest(process);
  }

  private static void exchange(String name, ToLongFunction<ProcessHandle> who, Set<String> outcomes)
      throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try (Place place = new Place(Place.WORK.resolve(name), quick())) {
      place.driver(Place.PREVIOUS);
      place.awaitAnswer();
      Clients clients = new Clients(place, 4, 20_000, true);
      place.awaitThat("clients are answered", () -> clients.answered() > 100);

      CompletableFuture<Void> exchange =
          CompletableFuture.runAsync(
              () -> {
                try {
                  place.driver(Place.RUNTIME);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              },
              executor);
      List<ProcessHandle> both =
          place.await(
              "two processes",
              () -> {
                List<ProcessHandle> all = Place.workers();
                return all.size() == 2 ? all : null;
              });
      ProcessHandle victim = both.stream().min(Comparator.comparingLong(who)).orElseThrow();
      victim.destroyForcibly();
      exchange.get(60, TimeUnit.SECONDS);

      String current = System.getProperty("worker.current");
      place.awaitThat(
          "the new runtime answers", () -> current.equals(place.ask(0).get("runtimeVersion")));
      place.awaitThat("one process is left", () -> Place.workers().size() == 1);
      long until = clients.answered() + 200;
      place.awaitThat("clients are answered to the end", () -> clients.answered() > until);
      assertThat(clients.stop()).isTrue();

      System.out.println(name + ": " + clients.codes());
      assertThat(victim.isAlive()).isFalse();
      assertThat(clients.complaints()).isEmpty();
      assertThat(clients.codes().keySet()).isSubsetOf(outcomes);
      assertThat(place.events("WORKER_DIED")).hasSize(1);
      place.awaitThat("one copy is left", () -> place.copies().size() == 1);
      place.awaitThat(
          "one link is left", () -> Place.links(ProcessHandle.current().pid()).size() == 1);
    } finally {
      executor.shutdownNow();
    }
    assertThat(Place.workers()).isEmpty();
    assertThat(Place.links(ProcessHandle.current().pid())).isEmpty();
  }
}
