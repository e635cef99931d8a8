/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.testkit.SimulatedHailoRt;
import io.shoji.testkit.SimulatedHef;
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
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The simulator called from C, on this machine's processor and on an emulated aarch64. */
@Timeout(60)
class SimulatorTest {
  private static final Path AARCH64_LIBRARIES = Path.of("/usr/aarch64-linux-gnu");

  @TempDir Path folder;

  @Test
  void shouldComputeFromCInEachLayout() throws Exception {
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
    int[] in = IntStream.range(0, 32).map(i -> 7 * i).toArray();
    String expected =
        Arrays.stream(SimulatedHef.apply(SimulatedHef.classifier(), in))
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(" "));
    Path hef =
        Files.write(
            folder.resolve("model.hef"), SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO8));
    Path program = compiled(folder, compiler);
    for (String release : SimulatedHailoRt.RELEASES) {
      String name = "libhailort.so." + release;
      Path library = copy("/native/linux-" + architecture + "/" + name, folder.resolve(name));
      Files.writeString(folder.resolve(name + ".tape"), "strict\n");
      List<String> command = new ArrayList<>(emulator);
      command.addAll(List.of(program.toString(), library.toString(), hef.toString()));
      assertThat(run(command)).isEqualTo(release + " " + expected);
      assertThat(Files.readString(folder.resolve(name + ".record"), StandardCharsets.US_ASCII))
          .contains("handle hef made=1 released=1 open=0")
          .doesNotContainPattern("misuse \\w+ count=[1-9]");
    }
  }

  /** The program that uses HailoRT from C. */
  static Path compiled(Path folder, String compiler) throws Exception {
    Path source = copy("/io/shoji/driver/hailo/run.c", folder.resolve("run.c"));
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
    return program;
  }

  private static Path copy(String resource, Path file) throws IOException {
    URL url = MethodHandles.lookup().lookupClass().getResource(resource);
    assertThat(url).as(resource).isNotNull();
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
