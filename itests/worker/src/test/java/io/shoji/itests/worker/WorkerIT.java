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

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;

/** The CPU driver, unmodified, in a process of its own. */
class WorkerIT {
  private static final String LIBRARY = "libonnxruntime";

  @Test
  void shouldServeFromAProcessOfItsOwnWhenADriverIsHosted() throws Exception {
    Path folder = Place.WORK.resolve("serve");
    try (Place place = new Place(folder, Map.of())) {
      place.driver(Place.RUNTIME);
      Map<String, Object> answer = place.awaitAnswer();

      assertThat(answer).containsEntry("runtimeVersion", System.getProperty("worker.current"));
      assertThat((float[]) answer.get("scores"))
          .usingComparatorWithPrecision(1e-3f)
          .containsExactly(place.samples.sample("expected.logits", 0));
      assertThat(place.felix.bundle(Place.DRIVER).getState()).isEqualTo(Bundle.ACTIVE);
      List<ProcessHandle> workers = Place.workers();
      assertThat(workers).hasSize(1);
      long pid = workers.get(0).pid();
      assertThat(Place.maps(pid, LIBRARY)).isTrue();
      assertThat(Place.maps(ProcessHandle.current().pid(), LIBRARY)).isFalse();

      place.felix.configure("io.shoji.worker", Map.of("hosting", new String[] {"cpu=in-process"}));
      place.awaitThat("the worker ends", () -> Place.workers().isEmpty());
      place.awaitThat("answers in the gateway", () -> place.ask(1).containsKey("scores"));
      assertThat(Place.maps(ProcessHandle.current().pid(), LIBRARY)).isTrue();

      place.felix.configure("io.shoji.worker", Map.of("hosting", new String[] {"cpu=worker"}));
      place.awaitThat("a worker again", () -> Place.workers().size() == 1);
      place.awaitThat("answers from it", () -> place.ask(2).containsKey("scores"));
      place.awaitThat(
          "the library leaves the gateway",
          () -> !Place.maps(ProcessHandle.current().pid(), LIBRARY));
    }
    assertThat(Place.workers()).isEmpty();
    assertThat(Place.links(ProcessHandle.current().pid())).isEmpty();
  }
}
