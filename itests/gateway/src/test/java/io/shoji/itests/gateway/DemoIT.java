/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demonstration, on its own inputs and on spoilt ones. */
class DemoIT {
  private static final Path DEMO = Path.of(System.getProperty("gateway.demo"));

  @TempDir private Path folder;

  @Test
  void shouldPassWhenModelsAreAsRightAsTheyPromise() throws Exception {
    try (GatewayProcess gateway = GatewayProcess.start("demo", "--rate", 0)) {
      gateway.await("Summary");
      gateway.await("digits 1.0.0", "of 500 right", "0 without an answer");
      gateway.await("latency p50", "p99");
      gateway.await("bearing 1.0.0", "right", "0 without an answer");
      gateway.await("runtime", "onnxruntime 1.29.0, build-id");
      gateway.await("installed", "io.shoji.core 0.1.0");
      gateway.await("result", "passed");
      assertThat(gateway.exitCode()).isZero();
      assertThat(gateway.output()).doesNotContain("\033").doesNotContain("ERROR");
    }
  }

  @Test
  void shouldFailAndSayByHowMuchWhenAnswersAreWrong() throws Exception {
    Path images = Files.createDirectory(folder.resolve("images"));
    for (Path file : someImages()) {
      // 000_7.png
      int truth = file.getFileName().toString().charAt(4) - '0';
      Files.copy(
          file,
          images.resolve(
              file.getFileName().toString().substring(0, 4) + (truth + 1) % 10 + ".png"));
    }
    try (GatewayProcess gateway = GatewayProcess.start("demo", "--rate", 0, "--images", images)) {
      gateway.await("result", "failed: digits 1.0.0 is right too rarely asked=0.9700 found=0.");
      assertThat(gateway.exitCode()).isEqualTo(1);
    }
  }

  @Test
  void shouldFailAndSayWhyWhenSampleCannotBeRead() throws Exception {
    Path images = Files.createDirectory(folder.resolve("images"));
    for (Path file : someImages()) {
      Files.copy(file, images.resolve(file.getFileName()));
    }
    Path damaged = images.resolve("999_1.png");
    Packages.cut(someImages().get(0), damaged, 0.5);
    try (GatewayProcess gateway = GatewayProcess.start("demo", "--rate", 0, "--images", images)) {
      gateway.await("digits 1.0.0", "of 51 right", "1 without an answer");
      gateway.await("result", "failed: digits 1.0.0 did not answer every sample: INVALID_INPUT");
      assertThat(gateway.exitCode()).isEqualTo(1);
    }
  }

  @Test
  void shouldFailWhenThereIsNothingToShow() throws Exception {
    try (GatewayProcess gateway = GatewayProcess.start("demo", "--images", folder)) {
      gateway.await("the demonstration cannot run: no images", "folder=" + folder);
      assertThat(gateway.exitCode()).isEqualTo(1);
    }
  }

  @Test
  void shouldLeaveNothingWhenItIsInterrupted() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    try (GatewayProcess gateway =
        GatewayProcess.startWith(List.of("-Djava.io.tmpdir=" + temporary), "demo", "--rate", 1)) {
      gateway.await("digits 1.0.0", "on cpu:cpu0");
      assertThat(gateway.terminate()).isEqualTo(1);
      assertThat(gateway.output()).doesNotContain("passed");
    }
    try (var left = Files.list(temporary)) {
      assertThat(left.filter(file -> file.getFileName().toString().startsWith("shoji"))).isEmpty();
    }
  }

  @Test
  void shouldExplainItselfWhenUsedWrongly() throws Exception {
    try (GatewayProcess gateway = GatewayProcess.start("demonstrate")) {
      gateway.await("there is no such command; say demo or serve found=demonstrate");
      assertThat(gateway.exitCode()).isEqualTo(2);
    }
    try (GatewayProcess gateway = GatewayProcess.start("--help")) {
      gateway.await("usage: java -jar shoji-gateway.jar COMMAND");
      assertThat(gateway.exitCode()).isZero();
    }
    try (GatewayProcess gateway = GatewayProcess.start("--version")) {
      gateway.await("shoji-gateway 0.1.0");
      assertThat(gateway.exitCode()).isZero();
    }
  }

  private static List<Path> someImages() throws IOException {
    try (var files = Files.list(DEMO.resolve("digits"))) {
      return files.sorted().limit(50).toList();
    }
  }
}
