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
import static org.assertj.core.api.Assertions.fail;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.cloud.DeployV2;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code shoji fleet}, as a process, with a gateway in a box and a real broker. */
class FleetIT {
  private static final long SECONDS = 120;

  @TempDir private Path folder;

  private record Ended(int code, String out, String err) {
    JsonObject json() {
      return JsonParser.parseString(out).getAsJsonObject();
    }
  }

  @Test
  void shouldManageGatewayFromTheCommandLine() throws Exception {
    Path made = Files.createDirectories(folder.resolve("made"));
    Path newer =
        Packages.digits(
            made,
            "1.1.0",
            "1.1.0",
            new Packages.Edit().modelJson("\"version\": \"1.0.0\"", "\"version\": \"1.1.0\""));
    try (Broker broker = Broker.moquette();
        FileServer files = new FileServer();
        Cloud cloud = new Cloud(broker.port());
        GatewayProcess gateway =
            GatewayProcess.start(
                "serve",
                "--work",
                Files.createDirectories(folder.resolve("work")),
                "--http-port",
                0,
                "--no-shell",
                "--broker",
                "mqtt://127.0.0.1:" + broker.port(),
                "--account",
                Cloud.ACCOUNT,
                "--client-id",
                Cloud.GATEWAY)) {
      gateway.await("ready in");
      cloud.awaitBirth(0, DeployV2.APPLICATION);

      assertThat(done(broker, "status", Cloud.GATEWAY).out())
          .contains("digits", "1.0.0", "cpu:cpu0");
      assertThat(done(broker, "packages", Cloud.GATEWAY).out())
          .contains("io.shoji.core", "io.shoji.kura");
      assertThat(done(broker, "models", Cloud.GATEWAY, "--json").json().toString())
          .contains("digits", "bearing");
      assertThat(done(broker, "verify", "digits", Cloud.GATEWAY).out()).contains("0.99");
      done(broker, "bench", "digits", Cloud.GATEWAY, "--runs", "200");

      done(broker, "install", files.serve(newer), Cloud.GATEWAY);
      assertThat(done(broker, "models", Cloud.GATEWAY).out()).contains("1.1.0");
      done(broker, "pin", "digits", "1.0.0", Cloud.GATEWAY);
      done(broker, "unpin", "digits", Cloud.GATEWAY);
      done(broker, "rollback", "digits", Cloud.GATEWAY);
      assertThat(done(broker, "events", Cloud.GATEWAY).out()).contains("MODEL_ROLLED_BACK");

      done(
          broker, "config", "set", "io.shoji.kura.Telemetry", Cloud.GATEWAY, "interval.seconds=20");
      assertThat(done(broker, "config", "get", "io.shoji.kura.Telemetry", Cloud.GATEWAY).out())
          .contains("interval.seconds", "20");
      // What shows in Kura, upgraded and downgraded: configurations stay.
      for (Path kura : List.of(Packages.kura(made, "0.1.1"), Packages.shipped("kura"))) {
        done(broker, "install", files.serve(kura), Cloud.GATEWAY);
        assertThat(done(broker, "config", "get", "io.shoji.kura.Telemetry", Cloud.GATEWAY).out())
            .contains("interval.seconds", "20");
      }

      assertThat(
              fleet(
                      broker,
                      "config",
                      "set",
                      "io.shoji.kura.Telemetry",
                      Cloud.GATEWAY,
                      "interval.seconds=0")
                  .code())
          .as("out of its range")
          .isNotZero();

      assertThat(fleet(broker, "pin", "digits", "9.9.9", Cloud.GATEWAY).code()).isEqualTo(1);
      assertThat(fleet(broker, "status", Cloud.GATEWAY, "absent", "--timeout", "2").code())
          .as("one of two answers")
          .isEqualTo(4);
      done(broker, "uninstall", "io.shoji.model.bearing", Cloud.GATEWAY);
      assertThat(done(broker, "packages", Cloud.GATEWAY).out()).doesNotContain("bearing");
      assertThat(gateway.terminate()).isZero();
    }
  }

  private Ended done(Broker broker, String... arguments) throws Exception {
    Ended ended = fleet(broker, arguments);
    assertThat(ended.code())
        .as("%s%n%s%n%s", String.join(" ", arguments), ended.out(), ended.err())
        .isZero();
    return ended;
  }

  private Ended fleet(Broker broker, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx128m");
    command.add("-jar");
    command.add(Path.of(System.getProperty("shoji.jar")).toRealPath().toString());
    command.add("fleet");
    command.addAll(List.of(arguments));
    command.addAll(
        List.of("--broker", "tcp://127.0.0.1:" + broker.port(), "--account", Cloud.ACCOUNT));
    Path out = Files.createTempFile(folder, "fleet", ".out");
    Path err = Files.createTempFile(folder, "fleet", ".err");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return fail("the command does not end: %s%n%s", command, Files.readString(err));
    }
    return new Ended(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }
}
