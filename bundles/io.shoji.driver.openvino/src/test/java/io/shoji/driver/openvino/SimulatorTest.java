/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.testkit.OpenVinoIr;
import io.shoji.testkit.OpenVinoIr.Weights;
import io.shoji.testkit.SimulatedOpenVino;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The simulator called from C, on this machine's processor and on an emulated aarch64. */
@Timeout(60)
class SimulatorTest {
  private static final Path AARCH64_LIBRARIES = Path.of("/usr/aarch64-linux-gnu");

  @TempDir Path folder;

  @Test
  void shouldComputeFromCInEachRelease() throws Exception {
    String own = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    assertRuns(own, "gcc", List.of());
  }

  @Test
  void shouldComputeTheSameOnAarch64WhenItIsEmulated() throws Exception {
    assumeTrue(isInstalled("aarch64-linux-gnu-gcc"), "no aarch64-linux-gnu-gcc is installed");
    assumeTrue(isInstalled("qemu-aarch64"), "no qemu-aarch64 is installed");
    assumeTrue(Files.isDirectory(AARCH64_LIBRARIES), "the C library for aarch64 is not installed");
    assertRuns(
        "aarch64",
        "aarch64-linux-gnu-gcc",
        List.of("qemu-aarch64", "-L", AARCH64_LIBRARIES.toString()));
  }

  private void assertRuns(String architecture, String compiler, List<String> emulator)
      throws Exception {
    float[] classes = OpenVinoIr.apply(new float[] {0, 1, 2, 3, 4, 5, 6, 7});
    StringBuilder expected = new StringBuilder();
    for (float value : classes) {
      expected.append(String.format(Locale.ROOT, " %.6f", value));
    }
    Path model = OpenVinoIr.perceptron(Weights.F16, 1).write(folder.resolve("model")).get(0);
    Path source = copy("/io/shoji/driver/openvino/run.c", "run.c");
    Path program = folder.resolve("run");
    run(
        List.of(
            compiler,
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-o",
            program.toString(),
            source.toString(),
            "-ldl"));
    for (String release : SimulatedOpenVino.RELEASES) {
      String name = "libopenvino_c.so." + release;
      Path library = copy("/native/linux-" + architecture + "/" + name, name);
      Files.writeString(folder.resolve(name + ".tape"), "strict\n");
      List<String> command = new ArrayList<>(emulator);
      command.addAll(List.of(program.toString(), library.toString(), model.toString(), "CPU"));
      assertThat(run(command)).isEqualTo(release + expected);
      assertThat(Files.readString(folder.resolve(name + ".record"), StandardCharsets.US_ASCII))
          .contains("handle compiledModel made=1 released=1 open=0")
          .doesNotContainPattern("misuse \\w+ count=[1-9]");
    }
  }

  private Path copy(String resource, String name) throws IOException {
    URL url = MethodHandles.lookup().lookupClass().getResource(resource);
    assertThat(url).as(resource).isNotNull();
    Path file = folder.resolve(name);
    try (InputStream in = url.openStream()) {
      Files.copy(in, file);
    }
    return file;
  }

  private static boolean isInstalled(String program) {
    return Arrays.stream(System.getenv("PATH").split(":", -1))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  private static String run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(command.toString()).isTrue();
    assertThat(process.exitValue()).as(command + " " + said).isZero();
    return said;
  }
}
