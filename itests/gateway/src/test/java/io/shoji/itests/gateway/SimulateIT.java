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
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The gateway with a device that is not there. */
class SimulateIT {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "hailo8, hailo:SIMULATED000001, hailort 4.23.0",
    "myriad, openvino:MYRIAD, openvino",
    "edgetpu, edgetpu:usb0, libedgetpu 14",
    // Behind the colon what the machine has.
    "tensorrt, tensorrt:, onnxruntime"
  })
  void shouldShowTheWholeDemonstrationOnASimulatedDevice(
      String device, String accelerator, String runtime) throws Exception {
    try (GatewayProcess gateway =
        GatewayProcess.start("demo", "--simulate", device, "--rate", 0, "--ready-timeout", 120)) {
      gateway.await("SIMULATED: no ", " is there");
      gateway.await("Summary");
      gateway.await("digits 1.0.0.simulated", "of 500 right", "0 without an answer");
      gateway.await("per second on " + accelerator, " (simulated)");
      gateway.await("accelerator", accelerator, runtime, ", simulated)");
      gateway.await("SIMULATED", accelerator, ": no such device is there");
      gateway.await("runtime", accelerator, " by io.shoji.driver.");
      gateway.await("result", "passed");
      assertThat(gateway.exitCode()).isZero();
    }
  }

  @Test
  void shouldServeSayWhatIsSimulatedAndPlayATape() throws Exception {
    Path work = folder.resolve("work");
    Path tape = folder.resolve("gone.tape");
    Files.writeString(tape, "after 5 s unplugged\nno device\n");
    int port = freePort();
    try (GatewayProcess gateway =
        shoji(
            "--simulate",
            "hailo8l",
            "--tape",
            tape,
            "--work",
            work,
            "--http-port",
            port,
            "--no-shell",
            "--ready-timeout",
            120)) {
      gateway.await("SIMULATED: no Hailo-8L is there");
      gateway.await("ready in", "digits 1.0.0.simulated on hailo:SIMULATED000001 (simulated)");
      gateway.await("watching");
      assertThat(console(port, work)).contains("Hailo-8L SIMULATED");
      gateway.await("SIMULATED: tape " + tape + ", after 5.0 s: unplugged");
      gateway.awaitAnywhere("a Hailo device changes SIMULATED000001", "-> LOST");
      assertThat(gateway.terminate()).isZero();
    }
    // Never as if it were real.
    try (GatewayProcess gateway =
        GatewayProcess.start("serve", "--work", work, "--http-port", 0, "--no-shell")) {
      gateway.await("a gateway with a simulated device: give --simulate hailo8l");
      assertThat(gateway.exitCode()).isEqualTo(4);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "edgetpu, no device, an Edge TPU changes usb0",
    "tensorrt, from RunWithBinding 1 status 15 gone, the GPU changes"
  })
  void shouldLoseASimulatedDeviceWhenItsTapeSaysSo(String device, String line, String changes)
      throws Exception {
    Path tape = folder.resolve("gone.tape");
    Files.writeString(tape, "after 1 s gone\n" + line + "\n");
    try (GatewayProcess gateway =
        GatewayProcess.start(
            "demo", "--simulate", device, "--tape", tape, "--rate", 20, "--ready-timeout", 120)) {
      gateway.await(changes, "-> LOST");
      gateway.terminate();
    }
  }

  @Test
  void shouldListWhatThereIsWhenDeviceOrTapeIsUnknown() throws Exception {
    try (GatewayProcess gateway = GatewayProcess.start("serve", "--simulate", "hailo9")) {
      gateway.await(
          "no such device to simulate",
          "edgetpu, hailo8, hailo8l, myriad, tensorrt",
          "found=hailo9");
      assertThat(gateway.exitCode()).isEqualTo(2);
    }
    try (GatewayProcess gateway =
        GatewayProcess.start(
            "demo", "--work", folder, "--simulate", "hailo8", "--tape", "nothing")) {
      gateway.await("no such tape", "faults, heat, unplug", "found=nothing");
      assertThat(gateway.exitCode()).isEqualTo(2);
    }
  }

  /** As {@code shoji gateway}. */
  private static GatewayProcess shoji(Object... arguments) throws IOException {
    Object[] all = new Object[arguments.length + 1];
    all[0] = "gateway";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return GatewayProcess.startJar(Path.of(System.getProperty("shoji.jar")), all);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String console(int port, Path work) throws IOException {
    HttpURLConnection connection =
        (HttpURLConnection)
            URI.create("http://127.0.0.1:" + port + "/system/console/bundles")
                .toURL()
                .openConnection();
    String password = Files.readString(work.resolve("web-console-password")).strip();
    connection.setRequestProperty(
        "Authorization",
        "Basic "
            + Base64.getEncoder()
                .encodeToString(("admin:" + password).getBytes(StandardCharsets.UTF_8)));
    try (var in = connection.getInputStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
