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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The driver of a device that one process at a time can have is exchanged while clients ask: the
 * simulated HailoRT, which holds the device by a lock of the system's.
 */
class HandoverIT {
  private static final int ROUNDS = Proof.rounds(1, 50);

  @Test
  void shouldHandTheDeviceOverWhenTheDriverOfAnExclusiveDeviceIsExchanged() throws Exception {
    Path folder = Place.WORK.resolve("handover");
    Chip chip = new Chip(folder);
    List<String> figures = new ArrayList<>();
    try (Place place = new Place(folder, Map.of())) {
      place.felix.configure(Chip.DRIVER, chip.settings());
      place.model("test.model.classes", chip.write(folder));
      place.driver(Chip.DRIVER, "1.0.0");
      place.awaitThat("the chip answers", () -> "1.0.0".equals(version(place, chip)));
      Clients clients = new Clients(place, chip, 4, 20_000, true);
      place.awaitThat("clients are answered", () -> clients.answered() > 200);
      for (int round = 1; round <= ROUNDS; round++) {
        String next = "1.0." + round;
        long start = System.nanoTime();

        place.driver(Chip.DRIVER, next);
        place.awaitThat("the next version answers", () -> next.equals(version(place, chip)));

        long end = System.nanoTime();
        place.awaitThat("one process is left", () -> Place.workers().size() == 1);
        SimulatedOnnxRuntime.Calls calls = chip.simulated().record();
        assertThat(calls.handles().get("vdevice").made())
            .as("the device was free whenever it was asked for")
            .isEqualTo(calls.of("hailo_create_vdevice"));
        figures.add(
            String.format(
                Locale.ROOT,
                "gap %s, no answer for %.0f ms, exchanged in %d ms",
                gap(place),
                clients.silenceMs(start, end),
                (end - start) / 1_000_000));
      }
      assertThat(clients.stop()).isTrue();

      System.out.println("exclusive device handed over: " + figures + " " + clients.codes());
      assertThat(clients.complaints()).isEmpty();
      assertThat(clients.codes()).containsOnlyKeys("answered");
      assertThat(place.events("WORKER_DIED")).isEmpty();
      place.awaitThat("one copy is left", () -> place.copies().size() == 1);
    }
    assertThat(chip.simulated().misuse()).isEmpty();
    assertThat(chip.simulated().record().open()).as("what the last one left open").isEmpty();
    assertThat(Place.workers()).isEmpty();
    assertThat(Place.links(ProcessHandle.current().pid())).isEmpty();
  }

  private static Object version(Place place, Chip chip) {
    return place.felix.call(chip.question(-1, 1_000)).get("driverVersion");
  }

  /** What the table says of the driver: {@code N ms}. */
  private static String gap(Place place) throws Exception {
    return place
        .table()
        .lines()
        .filter(line -> line.startsWith(Chip.DRIVER))
        .findFirst()
        .orElseThrow()
        .replaceAll(".*?(\\d+ ms).*", "$1");
  }
}
