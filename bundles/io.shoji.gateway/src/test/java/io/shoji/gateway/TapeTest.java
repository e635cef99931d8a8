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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TapeTest {
  private static final String DEVICE = "device 0000:01:00.0 SIMULATED000001 hailo8l";

  @TempDir private Path folder;

  private static Tape read(String... lines) {
    return Tape.read("test", List.of(lines), "hailo8l", DEVICE);
  }

  @Test
  void shouldReadScenesWithTheDeviceWhereNothingElseIsSaid() {
    Tape tape =
        read(
            "# a comment",
            "temperature 50 51",
            "after 2.5 s unplugged",
            "  no device",
            "after 20 s",
            "",
            "device 0000:02:00.0 SIMULATED000001 ${architecture}",
            "from hailo_vstream_read_raw_buffer 1 slow 50");

    assertThat(tape.scenes())
        .containsExactly(
            new Tape.Scene(0, "", List.of(DEVICE, "temperature 50 51")),
            new Tape.Scene(2_500, "unplugged", List.of("no device")),
            new Tape.Scene(
                20_000,
                "",
                List.of(
                    "device 0000:02:00.0 SIMULATED000001 hailo8l",
                    "from hailo_vstream_read_raw_buffer 1 slow 50")));
    assertThat(tape.scenes().get(1)).hasToString("2.5 s: unplugged");
    assertThat(tape.scenes().get(2)).hasToString("20.0 s");
  }

  @ParameterizedTest
  @ValueSource(strings = {"after soon", "after 5", "after 3 s", "after -1 s", "after 0 s"})
  void shouldNameTheLineWhenASceneHasNoTimeOrAnEarlierOne(String line) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> read("after 3 s first", "no device", line))
        .withMessageContaining("tape=test line=3 found=" + line);
  }

  @Test
  void shouldPutEachSceneInTheSimulatorsPlace() throws Exception {
    Path file = folder.resolve("library.so.tape");
    BlockingQueue<String> told = new LinkedBlockingQueue<>();
    try (TapePlayer player =
        new TapePlayer(read("after 0.1 s gone", "no device", "after 0.2 s back"), file)) {
      assertThat(file).content().contains(DEVICE);
      player.play(told::add);

      assertThat(told.poll(60, TimeUnit.SECONDS)).contains("tape test, after 0.1 s: gone");
      assertThat(told.poll(60, TimeUnit.SECONDS)).contains("tape test, after 0.2 s: back");
      assertThat(file).content().contains(DEVICE).doesNotContain("no device");
      assertThat(player).hasToString("test, after 0.2 s: back");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hailort/tapes/unplug",
        "hailort/tapes/heat",
        "hailort/tapes/faults",
        "openvino/tapes/unplug",
        "openvino/tapes/heat",
        "openvino/tapes/faults",
        "edgetpu/tapes/unplug",
        "edgetpu/tapes/faults",
        "onnxruntime/tapes/unplug",
        "onnxruntime/tapes/faults"
      })
  void shouldReadTheTapesThatShip(String name) throws IOException {
    List<String> lines = Files.readAllLines(Path.of("src/main/simulations", name + ".tape"));

    Tape tape = Tape.read(name, lines, "hailo8", DEVICE);

    assertThat(tape.scenes()).hasSizeGreaterThan(2);
    assertThat(tape.scenes()).flatExtracting(Tape.Scene::lines).noneMatch(l -> l.contains("${"));
    assertThat(tape.scenes().get(tape.scenes().size() - 1).lines())
        .as("all is well in the end")
        .hasSize(1)
        .first()
        .asString()
        .startsWith("device ");
  }
}
