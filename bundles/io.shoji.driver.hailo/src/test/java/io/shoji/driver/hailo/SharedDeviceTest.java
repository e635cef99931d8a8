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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedHailoRt;
import io.shoji.testkit.SimulatedHef;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * One device and two processes: the driver here, and a program in C there, each with the simulated
 * HailoRT, whose tape tells both what there is.
 */
@Timeout(120)
class SharedDeviceTest {
  private static final long PATIENCE_NANOS = 60_000_000_000L;
  private static final String GROUP = "line-1";

  /** Frames of 1 ms, so that both have some under way at once. */
  private static final byte[] CLASSIFIER = SimulatedHef.classifier(1).bytes(SimulatedHef.HAILO8);

  @TempDir Path folder;

  private Gateway gateway;
  private SimulatedHailoRt simulated;
  private Path program;
  private Path hef;
  private Optional<HailoDriver> driver = Optional.empty();
  private final List<Process> processes = new ArrayList<>();
  private final List<SimulatedHailoRt> others = new ArrayList<>();

  /** A program that has said something, or nothing yet. */
  private record Other(Process process, BufferedReader said) {
    private String line() throws IOException {
      return String.valueOf(said.readLine());
    }

    private void end() throws Exception {
      process.getOutputStream().close();
      assertThat(process.waitFor()).isZero();
    }
  }

  @BeforeEach
  void start() throws Exception {
    simulated = SimulatedHailoRt.in(folder.resolve("runtime"), "4.23.0");
    program = SimulatorTest.compiled(folder, "gcc");
    hef = Files.write(folder.resolve("model.hef"), CLASSIFIER);
    gateway = new Gateway(folder);
  }

  @AfterEach
  void stop() throws Exception {
    processes.forEach(Process::destroyForcibly);
    simulated.tape("# the end");
    driver.ifPresent(HailoDriver::stop);
    gateway.close();
    assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
    assertThat(simulated.record().open()).isEmpty();
    assertThat(simulated.misuse()).isEmpty();
    for (SimulatedHailoRt other : others) {
      assertThat(other.misuse()).isEmpty();
    }
  }

  /** Starts the program; its HailoRT plays the tape of the driver's. */
  private Other other(String group, boolean shared, int frames) throws IOException {
    // Of its own, with its record.
    SimulatedHailoRt own = SimulatedHailoRt.in(folder.resolve("other-" + others.size()), "4.23.0");
    others.add(own);
    ProcessBuilder builder =
        new ProcessBuilder(
            program.toString(),
            own.library().toString(),
            hef.toString(),
            group,
            shared ? "1" : "0",
            Integer.toString(frames));
    builder.environment().put("SHOJI_SIMULATED_TAPE", simulated.library() + ".tape");
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Process process = builder.start();
    processes.add(process);
    return new Other(
        process,
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII)));
  }

  private void drive(boolean shared) {
    driver =
        Optional.of(
            gateway.start(
                Map.of(
                    "libraryPath",
                    simulated.library().toString(),
                    "pollMs",
                    20,
                    "multiProcess",
                    shared,
                    "groupId",
                    shared ? GROUP : "")));
  }

  private LoadedModel load() throws Exception {
    return gateway
        .accelerator()
        .load(new HefArtifacts(folder).of("model", CLASSIFIER), LoadOptions.defaults());
  }

  private static Tensor pixels() {
    Tensor tensor = Tensor.allocate(ElementType.UINT8, Shape.of(1, 4, 4, 2));
    for (int i = 0; i < 32; i++) {
      tensor.setLong(i, 7L * i % 256);
    }
    return tensor;
  }

  private static String expected() {
    int[] in = IntStream.range(0, 32).map(i -> 7 * i % 256).toArray();
    return Arrays.stream(SimulatedHef.apply(SimulatedHef.classifier(), in))
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(" "));
  }

  private static String run(LoadedModel model) throws Exception {
    Tensor out = model.run(List.of(pixels()), System.nanoTime() + PATIENCE_NANOS).get(0);
    return IntStream.range(0, out.elementCount())
        .mapToObj(i -> Long.toString(out.getLong(i)))
        .collect(Collectors.joining(" "));
  }

  private static void assertRefused(HailoRt api, boolean shared, Code code, String... mentions) {
    assertThatThrownBy(
            () ->
                HailoDevice.open(
                        api,
                        "0000:01:00.0",
                        new HailoDevice.Sharing(shared ? GROUP : "UNIQUE", shared))
                    .close())
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> {
              assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
              assertThat(e.getMessage()).contains(mentions);
            });
  }

  @Test
  void shouldShareTheDeviceWithAnotherProcessOfItsGroup() throws Exception {
    simulated.tape("service");
    drive(true);
    assertThat(gateway.accelerator().info().exclusive()).isFalse();
    try (LoadedModel model = load()) {
      Other other = other(GROUP, true, 200);
      do {
        assertThat(run(model)).isEqualTo(expected());
      } while (!other.said.ready() && other.process.isAlive());
      assertThat(other.line()).isEqualTo("4.23.0 " + expected());
      // Those outside of the group get nothing.
      assertThat(other("line-2", true, 1).line()).isEqualTo("status 73");
      assertThat(other("UNIQUE", false, 1).line()).isEqualTo("status 73");
      // One that is killed takes nothing from the others.
      other.process.destroyForcibly().waitFor();
      assertThat(run(model)).isEqualTo(expected());
      Other next = other(GROUP, true, 5);
      assertThat(next.line()).isEqualTo("4.23.0 " + expected());
      next.end();
    }
  }

  @Test
  void shouldSayWhoMayShareWhenAnotherProcessHasTheDevice() throws Exception {
    simulated.tape("service");
    try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
      HailoRt api = HailoRt.of(library);
      Other alone = other("UNIQUE", false, 1);
      assertThat(alone.line()).isEqualTo("4.23.0 " + expected());
      for (boolean shared : new boolean[] {false, true}) {
        assertRefused(
            api,
            shared,
            Code.DEVICE_BUSY,
            "another process has the device",
            "set groupId and multiProcess in both",
            "0000:01:00.0");
      }
      alone.end();
      Other first = other("line-2", true, 1);
      assertThat(first.line()).isEqualTo("4.23.0 " + expected());
      assertRefused(api, true, Code.DEVICE_BUSY, "another process has the device");
      first.process.destroyForcibly().waitFor();
      HailoDevice.open(api, "0000:01:00.0", new HailoDevice.Sharing(GROUP, true)).close();
    }
  }

  @Test
  void shouldNeedTheServiceAndComeBackWithIt() throws Exception {
    try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
      assertRefused(
          HailoRt.of(library),
          true,
          Code.DEVICE_LOST,
          "start hailort.service",
          "unset multiProcess");
    }
    simulated.tape("service");
    drive(true);
    LoadedModel model = load();
    assertThat(run(model)).isEqualTo(expected());
    simulated.tape("# the service has ended");
    assertThatThrownBy(() -> run(model))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.DEVICE_LOST));
    Eventually.assertThat(() -> gateway.reference() == null);
    model.close();
    simulated.tape("service");
    try (LoadedModel again = load()) {
      assertThat(run(again)).isEqualTo(expected());
    }
  }

  @Test
  void shouldComeWhenTheProcessThatHadTheDeviceEnds() throws Exception {
    Other alone = other("UNIQUE", false, 1);
    assertThat(alone.line()).isEqualTo("4.23.0 " + expected());
    drive(false);
    Eventually.assertThat(
        () -> {
          try {
            return simulated.record().of("hailo_create_vdevice") >= 1;
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    assertThat(gateway.reference()).isNull();
    alone.process.destroyForcibly().waitFor();
    try (LoadedModel model = load()) {
      assertThat(run(model)).isEqualTo(expected());
      assertThat(other(GROUP, true, 1).line()).isEqualTo("status 77");
      assertThat(other("UNIQUE", false, 1).line()).isEqualTo("status 73");
    }
  }
}
