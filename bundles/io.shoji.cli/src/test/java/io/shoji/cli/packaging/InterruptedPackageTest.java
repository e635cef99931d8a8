/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.cli.Shoji;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What stays when a package is not made to its end. */
final class InterruptedPackageTest {
  @TempDir private Path folder;

  private List<String> command(SampleVariants samples, Path out) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1",
        "-cp",
        System.getProperty("java.class.path"),
        Shoji.class.getName(),
        "package",
        "--base",
        samples.base().toString(),
        "--model-version",
        "1.1.0",
        "--variant",
        samples.int8().toString(),
        "-o",
        out.toString());
  }

  @Test
  void shouldLeaveNothingWhenTheDiskIsFull() throws Exception {
    SampleVariants samples = SampleVariants.get();
    Path out = Files.createDirectory(folder.resolve("out"));
    Files.writeString(out.resolve("io.shoji.model.digits-1.1.0.dp"), "what was there");
    // No file may grow above 64 KiB: the bundle does not fit.
    StringBuilder line = new StringBuilder("ulimit -f 128; exec");
    command(samples, out).forEach(word -> line.append(" '").append(word).append('\''));
    Process process =
        new ProcessBuilder("sh", "-c", line.toString()).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(said).isEqualTo(1);
    assertThat(said).contains("cannot be").contains("nothing was left behind");
    try (Stream<Path> left = Files.list(out)) {
      assertThat(left).containsExactly(out.resolve("io.shoji.model.digits-1.1.0.dp"));
    }
    assertThat(out.resolve("io.shoji.model.digits-1.1.0.dp")).hasContent("what was there");
  }

  @Test
  void shouldLeaveNothingWhenItIsToldToEnd() throws Exception {
    SampleVariants samples = SampleVariants.get();
    Path out = Files.createDirectory(folder.resolve("out"));
    Path said = folder.resolve("said");
    Process process =
        new ProcessBuilder(command(samples, out))
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    boolean begun = false;
    while (!begun && !process.waitFor(5, TimeUnit.MILLISECONDS)) {
      try (Stream<Path> inside = Files.list(out)) {
        begun = inside.findAny().isPresent();
      }
    }
    process.destroy();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();

    assertThat(begun).as(Files.readString(said)).isTrue();
    List<String> whole =
        List.of("io.shoji.model.digits-1.1.0.dp", "io.shoji.model.digits-1.1.0.jar");
    try (Stream<Path> left = Files.list(out)) {
      // Ended in time, or done before it was told: never something in between.
      assertThat(left.map(f -> f.getFileName().toString()).sorted().toList())
          .isIn(List.of(), whole);
    }
  }
}
