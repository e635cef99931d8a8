/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.testkit.OnnxModels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * A disk that is full: in a process of its own that may write no file beyond some megabytes, which
 * the kernel refuses in the middle of a write as it does when there is no room.
 */
@Isolated
final class FullDiskTest {
  private static final long PATIENCE_SECONDS = 120;

  /** In units of the shell, 512 or 1,024 bytes: the model is larger in both. */
  private static final int LIMIT = 40_000;

  /** Reads a model and writes it. */
  public static void main(String[] arguments) throws Exception {
    OnnxModel.read(Path.of(arguments[0])).write(Path.of(arguments[1]));
  }

  @Test
  void shouldLeaveNothingBehindWhenThereIsNoRoomForTheResult(@TempDir Path folder)
      throws Exception {
    String text = failed(FullDiskTest.class, folder);
    assertThat(text).contains("UNWRITABLE", "result.onnx");
  }

  @Test
  void shouldLeaveNothingBehindWhenThereIsNoRoomToWork(@TempDir Path folder) throws Exception {
    String text = failed(LargeModelTest.class, folder);
    assertThat(text).contains("UNWRITABLE", "working folder");
    String line = text.lines().filter(each -> each.startsWith("folder=")).findFirst().orElse("");
    try (var files = Files.list(Path.of(line.substring("folder=".length())))) {
      assertThat(files.toList()).noneMatch(file -> file.toString().endsWith(".onnx"));
    }
  }

  /** What a program says that cannot write: it ends in an error and leaves only its input. */
  private static String failed(Class<?> program, Path folder) throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "no shell to set a limit");
    Path from = Files.write(folder.resolve("large.onnx"), OnnxModels.mlp(7, 1024, 3072, 3072, 10));
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                "/bin/sh",
                "-c",
                "ulimit -f " + LIMIT + " && exec \"$@\"",
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                program.getName(),
                from.toString(),
                folder.resolve("result.onnx").toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    String text = Files.readString(log);
    assertThat(ended).as(text).isTrue();
    assertThat(process.exitValue()).as(text).isEqualTo(1);
    try (var files = Files.list(folder)) {
      assertThat(files.toList()).containsExactlyInAnyOrderElementsOf(List.of(from, log));
    }
    return text;
  }
}
