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
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The driver's package is exchanged through DeploymentAdmin while clients ask. */
class UpgradeIT {
  private static final int ROUNDS = Proof.rounds(1, 20);

  @Test
  void shouldLetNothingWaitWhenTheDriverIsUpgraded() throws Exception {
    try (Place place = new Place(Place.WORK.resolve("upgrade"), Map.of())) {
      place.driver(Place.PREVIOUS);
      place.awaitAnswer();
      Clients clients = new Clients(place, 2, 20_000, true);
      place.awaitThat("clients are answered", () -> clients.answered() > 500);
      List<String> figures = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        boolean up = round % 2 == 0;
        String expected = System.getProperty(up ? "worker.current" : "worker.previous");
        long before = System.nanoTime();
        long steadyUntil = clients.answered() + 1_000;
        place.awaitThat("steady", () -> clients.answered() > steadyUntil);
        long start = System.nanoTime();

        place.driver(up ? Place.RUNTIME : Place.PREVIOUS);
        place.awaitThat(
            "the new runtime answers", () -> expected.equals(place.ask(0).get("runtimeVersion")));
        long end = System.nanoTime();
        place.awaitThat("the old process ends", () -> Place.workers().size() == 1);

        figures.add(
            String.format(
                Locale.ROOT,
                "steady p99 %.1f ms, while exchanged p99 %.1f ms max %.1f ms in %d ms",
                clients.latencyMs(0.99, before, start),
                clients.latencyMs(0.99, start, end),
                clients.latencyMs(1, start, end),
                (end - start) / 1_000_000));
      }
      assertThat(clients.stop()).isTrue();

      System.out.println("driver upgrades: " + figures + " " + clients.codes());
      assertThat(clients.complaints()).isEmpty();
      assertThat(clients.codes()).containsOnlyKeys("answered");
      assertThat(place.events("DEVICE_LOST")).isEmpty();
      assertThat(place.events("WORKER_DIED")).isEmpty();
    }
  }
}
