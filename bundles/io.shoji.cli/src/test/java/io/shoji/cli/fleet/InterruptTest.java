/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.shoji.cli.Shoji;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InterruptTest {
  @TempDir private Path home;

  @Test
  void shouldSayWhatGoesOnWhenCtrlCEndsIt() throws Exception {
    CompletableFuture<Void> asked = new CompletableFuture<>();
    assumeFalse(
        ignoresInterrupts(),
        "SIGINT is ignored by whoever started this, as a script does for what it puts in the background");
    try (TestBroker broker = TestBroker.open(home.resolve("broker"));
        FakeGateway gateway = new FakeGateway(broker.address(), "gw1")) {
      gateway.on(
          "SHOJI-V1 EXEC bench",
          (topic, request) -> {
            asked.complete(null);
            return null;
          });
      Path out = home.resolve("out");
      Path err = home.resolve("err");
      Process process =
          new ProcessBuilder(
                  List.of(
                      Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                      "-cp",
                      System.getProperty("java.class.path"),
                      Shoji.class.getName(),
                      "fleet",
                      "bench",
                      "digits",
                      "gw1",
                      "-b",
                      broker.address(),
                      "-a",
                      "acme",
                      "--timeout",
                      "60"))
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      asked.get(60, TimeUnit.SECONDS);

      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();

      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(130);
      assertThat(Files.readString(err, StandardCharsets.UTF_8))
          .contains("interrupted; goes on by itself at: gw1");
      assertThat(Files.readString(out, StandardCharsets.UTF_8)).isEmpty();
    }
  }

  /** What is ignored here is ignored by the processes started here, and Java leaves it at that. */
  private static boolean ignoresInterrupts() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("SigIgn:"))
        .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).trim(), 16) & 0b10) != 0);
  }
}
