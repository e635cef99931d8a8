/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.GatewayException.Exit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulationTest {
  @TempDir private Path folder;

  private static void assertRefused(WorkFolder work, Optional<String> asked, String advice) {
    assertThatThrownBy(() -> Simulation.check(work, asked))
        .isInstanceOfSatisfying(
            GatewayException.class, e -> assertThat(e.exit()).isEqualTo(Exit.NOT_STARTED))
        .hasMessageContaining(advice)
        .hasMessageContaining("folder=" + work.root());
  }

  @Test
  void shouldTakeAFolderForOneSimulatedDeviceOrForNone() throws Exception {
    try (WorkFolder work = WorkFolder.open(folder.resolve("fresh"))) {
      Simulation.check(work, Optional.empty());
      Simulation.check(work, Optional.of("hailo8"));

      Files.writeString(work.root().resolve("simulated-device"), "hailo8\n");
      Files.createDirectories(work.installed());

      assertThatCode(() -> Simulation.check(work, Optional.of("hailo8")))
          .doesNotThrowAnyException();
      assertRefused(work, Optional.empty(), "give --simulate hailo8");
      assertRefused(work, Optional.of("hailo8l"), "give --simulate hailo8");
    }
  }

  @Test
  void shouldNotSimulateInAFolderThatIsUsedWithoutIt() throws Exception {
    try (WorkFolder work = WorkFolder.open(folder.resolve("used"))) {
      Files.createDirectories(work.installed());

      assertThatCode(() -> Simulation.check(work, Optional.empty())).doesNotThrowAnyException();
      assertRefused(work, Optional.of("hailo8"), "give another one with --work");
    }
  }
}
