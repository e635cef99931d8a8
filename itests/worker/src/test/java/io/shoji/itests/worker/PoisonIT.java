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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** An input that kills is refused, and no other. */
class PoisonIT {
  private static final long REQUESTS = Proof.rounds(500, 1_000_000);
  private static final long STEP = 10_000;

  @Test
  void shouldRefuseAnInputWhenItKillsTwiceWhileAllOthersFlow() throws Exception {
    Path folder = Place.WORK.resolve("poison");
    SimulatedOnnxRuntime simulated = SimulatedRuntime.in(folder);
    try (Place place = new Place(folder, Map.of("longestPauseMs", 200, "keepInputs", true))) {
      place.felix.configure(
          Place.DRIVER, Map.of("libraryPath", simulated.library().toAbsolutePath().toString()));
      place.driver(Place.RUNTIME);
      place.awaitAnswer();
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
      Clients clients = new Clients(place, 8, 20_000, true);
      for (long flown = 0; flown <= REQUESTS; flown = clients.answered()) {
        long more = flown + STEP;
        place.awaitThat("others flow", () -> clients.answered() > Math.min(more, REQUESTS));
      }
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
