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

import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedOnnxRuntime;
import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/**
 * A vendor's library that ends its process in every way, by the simulated ONNX Runtime in front of
 * the real one: the gateway lives, each request has an outcome, and the driver comes back.
 */
class DeathIT {
  private static final int ROUNDS = Proof.rounds(3, 2_000);
  private static final List<String> WAYS =
      List.of("crash", "exit 7", "hang", "abort", "kill", "devour 0", "descriptors");

  /** Limits under which taking all there is ends soon, and a process of its own inherits. */
  private static final String[] LIMITS = {
    "sh", "-c", "ulimit -v 2500000; ulimit -n 200; exec \"$0\" \"$@\""
  };

  private static SimulatedOnnxRuntime simulated(Path folder) throws Exception {
    Files.createDirectories(folder);
    Path real = folder.resolve("libonnxruntime.so");
    try (ZipFile jar = new ZipFile(Place.SHOJI.resolve(Place.RUNTIME + ".jar").toFile());
        InputStream in =
            jar.getInputStream(
                jar.getEntry("native/linux-" + Place.ARCHITECTURE + "/libonnxruntime.so"))) {
      Files.copy(in, real, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
    SimulatedOnnxRuntime simulated = SimulatedOnnxRuntime.in(folder.resolve("simulated"), real);
    simulated.tape();
    return simulated;
  }

  private static Place place(Path folder, SimulatedOnnxRuntime simulated) throws Exception {
    Map<String, Object> settings = new HashMap<>();
    settings.put("crashesPerHour", 100_000);
    settings.put("hangMarginMs", 500);
    settings.put("wrapper", LIMITS);
    settings.put("vmOptions", new String[] {"-XX:CompressedClassSpaceSize=32m"});
    settings.put("keepInputs", true);
    Place place = new Place(folder, settings);
    place.felix.configure(
        Place.DRIVER, Map.of("libraryPath", simulated.library().toAbsolutePath().toString()));
    place.driver(Place.RUNTIME);
    place.awaitAnswer();
    return place;
  }

  @Test
  void shouldGiveEveryRequestAnOutcomeWhenTheProcessDiesAgainAndAgain() throws Exception {
    Path folder = Place.WORK.resolve("death");
    SimulatedOnnxRuntime simulated = simulated(folder);
    List<Long> recoveries = new ArrayList<>();
    try (Place place = place(folder, simulated)) {
      List<String> functions = List.copyOf(simulated.record().counts().keySet());
      List<String> called =
          functions.stream()
              .filter(f -> countOf(simulated, f) > 0 && !f.startsWith("Release"))
              .toList();
      List<String> running = called.stream().filter(f -> f.startsWith("Run")).toList();
      assertThat(running).isNotEmpty();
      Clients clients = new Clients(place, 8, 1_000, true);
      place.awaitThat("clients are answered", () -> clients.answered() > 100);
      int descriptors = descriptors();
      for (int round = 0; round < ROUNDS; round++) {
        String way = WAYS.get(round % WAYS.size());
        boolean atRun = round % 2 == 0 || way.equals("hang");
        String function =
            atRun ? running.get(0) : called.get((round / WAYS.size()) % called.size());
        ProcessHandle worker = worker(place);
        simulated.tape("at " + function + " " + (atRun ? 5 : 1) + " " + way);
        if (!atRun || way.equals("descriptors")) {
          // Every call that is made before a run is made again by the next process.
          Thread.sleep(atRun ? 200 : 0);
          worker.destroyForcibly();
        }
        place.awaitThat("the process dies of " + way, () -> !worker.isAlive());
        long died = System.nanoTime();
        if (!atRun) {
          place.awaitThat(
              "the next one meets the fault " + function + " " + way,
              () -> simulated.record().faultCount() > 0 || clients.lastAnswerNanos() > died);
        }
        simulated.tape();
        if (!atRun && way.equals("descriptors")) {
          Place.workers().forEach(ProcessHandle::destroyForcibly);
        }
        place.awaitThat(
            "clients are answered again after " + function + " " + way,
            () -> clients.lastAnswerNanos() > died);
        recoveries.add((clients.lastAnswerNanos() - died) / 1_000_000);
      }
      long until = clients.answered() + 200;
      place.awaitThat("clients are answered to the end", () -> clients.answered() > until);
      boolean complete = clients.stop();

      recoveries.sort(null);
      System.out.printf(
          Locale.ROOT,
          "deaths=%d outcomes %s  from death to answer: median %d ms, max %d ms%n",
          place.events("WORKER_DIED").size(),
          clients.codes(),
          recoveries.get(recoveries.size() / 2),
          recoveries.get(recoveries.size() - 1));
      assertThat(complete).isTrue();
      assertThat(clients.complaints()).isEmpty();
      assertThat(clients.codes()).doesNotContainKey("QUARANTINED");
      assertThat(place.events("WORKER_DIED")).hasSizeGreaterThanOrEqualTo(Math.min(ROUNDS, 500));
      assertThat(place.events("WORKER_DIED"))
          .anyMatch(
              event ->
                  "SIGSEGV".equals(event.get("signal"))
                      && event.get("frame").contains("libonnxruntime-simulated"));
      place.awaitThat("one process is left", () -> Place.workers().size() == 1);
      place.awaitThat(
          "one link is left", () -> Place.links(ProcessHandle.current().pid()).size() == 1);
      place.awaitThat("no descriptor is lost", () -> descriptors() <= descriptors + 16);
    }
    assertThat(Place.workers()).isEmpty();
    assertThat(Place.links(ProcessHandle.current().pid())).isEmpty();
  }

  private static long countOf(SimulatedOnnxRuntime simulated, String function) {
    try {
      return simulated.record().of(function);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static ProcessHandle worker(Place place) throws Exception {
    return place.await("a worker", () -> Place.workers().stream().findFirst().orElse(null));
  }

  private static int descriptors() {
    String[] all = new File("/proc/self/fd").list();
    return all == null ? 0 : all.length;
  }

  @Test
  void shouldRefuseAnInputWhenItKillsTwiceWhileAllOthersFlow() throws Exception {
    Path folder = Place.WORK.resolve("poison");
    SimulatedOnnxRuntime simulated = simulated(folder);
    try (Place place = place(folder, simulated)) {
      simulated.tape("from Run 1 poison", "from RunWithBinding 1 poison");
      Map<String, Object> poison = new HashMap<>(place.question(0, 10_000));
      ((float[]) poison.get("values"))[0] = 666_666;
      List<String> codes = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        codes.add(String.valueOf(place.felix.call(poison).get("code")));
      }

      assertThat(codes).last().isEqualTo("QUARANTINED");
      assertThat(place.events("WORKER_DIED")).hasSize(2);
      assertThat(place.events("INPUT_QUARANTINED")).hasSize(1);
      place.awaitAnswer();
      Clients clients = new Clients(place, 8, 5_000, true);
      place.awaitThat("others flow", () -> clients.answered() > Proof.rounds(500, 1_000_000));
      assertThat(clients.stop()).isTrue();
      assertThat(clients.complaints()).isEmpty();
      assertThat(clients.codes()).containsOnlyKeys("answered");
      assertThat(place.felix.call(poison)).containsEntry("code", "QUARANTINED");
      assertThat(place.events("WORKER_DIED")).hasSize(2);
      Path kept =
          place
              .felix
              .bundle("io.shoji.worker")
              .getDataFile("quarantine")
              .toPath()
              .resolve(place.events("INPUT_QUARANTINED").get(0).get("input"));
      assertThat(kept.resolve("input-0.bin")).isNotEmptyFile();
    }
  }
}
