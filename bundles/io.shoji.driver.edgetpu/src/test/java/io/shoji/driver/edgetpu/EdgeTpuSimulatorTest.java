/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.testkit.SimulatedEdgeTpu;
import io.shoji.testkit.SimulatedEdgeTpuModel;
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

/**
 * The simulator's delegate in the real TensorFlow Lite called from C, on this machine's processor
 * and on an emulated aarch64.
 */
@Timeout(120)
class EdgeTpuSimulatorTest {
  private static final Path AARCH64_LIBRARIES = Path.of("/usr/aarch64-linux-gnu");

  @TempDir Path folder;

  @Test
  void shouldComputeInTensorFlowLiteFromC() throws Exception {
    String own = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    assertRuns(own, "gcc", List.of());
  }

  @Test
  void shouldComputeTheSameOnAarch64WhenItIsEmulated() throws Exception {
    assumeTrue(isInstalled("aarch64-linux-gnu-gcc"), "no aarch64-linux-gnu-gcc is installed");
    assumeTrue(isInstalled("qemu-aarch64"), "no qemu-aarch64 is installed");
    assumeTrue(
        Files.exists(AARCH64_LIBRARIES.resolve("lib/libstdc++.so.6")),
        "the C++ library for aarch64 is not installed");
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
            .mapToObj(value -> Integer.toString(value - 128))
            .collect(Collectors.joining(" "));
    Path model = Files.write(folder.resolve("model.tflite"), SimulatedEdgeTpuModel.classifier(0));
    Path source = copy("/io/shoji/driver/edgetpu/run.c", "run.c");
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
    String name = "libedgetpu.so.1.0-tf" + SimulatedEdgeTpu.FITTING;
    Path library = copy("/native/linux-" + architecture + "/" + name, name);
    Path runtime =
        copy("/native/linux-" + architecture + "/libtensorflowlite_c.so", "libtensorflowlite_c.so");
    Files.writeString(folder.resolve(name + ".tape"), "strict\n");
    List<String> command = new ArrayList<>(emulator);
    command.addAll(
        List.of(program.toString(), runtime.toString(), library.toString(), model.toString()));
    assertThat(run(command)).endsWith(expected);
    assertThat(Files.readString(folder.resolve(name + ".record"), StandardCharsets.US_ASCII))
        .contains("handle delegate made=1 released=1 open=0")
        .contains("handle kernel made=1 released=1 open=0")
        .contains("call KernelInvoke count=1 ")
        .doesNotContainPattern("misuse \\w+ count=[1-9]");
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
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(command.toString()).isTrue();
    assertThat(process.exitValue()).as(command + " " + said).isZero();
    return said;
  }
}
