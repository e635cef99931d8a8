/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.GatewayException.Exit;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
  @Test
  void shouldTakeDefaultsWhenOnlyCommandIsGiven() throws Exception {
    Options options = Options.parse(List.of("serve"));

    assertThat(options.command()).isEqualTo(Options.Command.SERVE);
    assertThat(options.httpPort()).isEqualTo(8080);
    assertThat(options.rate()).isEqualTo(50);
    assertThat(options.shell()).isTrue();
    assertThat(options.work()).isEmpty();
  }

  @Test
  void shouldReadEveryOptionWhenGiven() throws Exception {
    Options options =
        Options.parse(
            List.of(
                "serve",
                "--work",
                "/w",
                "--packages",
                "/p/../q",
                "--uninstall-removed",
                "--bare",
                "--http-port",
                "0",
                "--ready-file",
                "/r",
                "--rest-basic-auth",
                "--no-shell",
                "--ready-timeout",
                "5",
                "--verbose",
                "--simulate",
                "hailo8",
                "--tape",
                "unplug",
                "--broker",
                "mqtts://broker:8883",
                "--account",
                "acme"));

    assertThat(options.cloud())
        .contains(
            new Options.Cloud(
                "mqtts://broker:8883",
                Optional.of("acme"),
                Optional.empty(),
                Optional.empty(),
                Optional.empty()));
    assertThat(options.work()).contains(Path.of("/w"));
    assertThat(options.packages()).contains(Path.of("/q"));
    assertThat(options.uninstallRemoved()).isTrue();
    assertThat(options.bare()).isTrue();
    assertThat(options.httpPort()).isZero();
    assertThat(options.restBasicAuth()).isTrue();
    assertThat(options.readyFile()).contains(Path.of("/r"));
    assertThat(options.shell()).isFalse();
    assertThat(options.readySeconds()).isEqualTo(5);
    assertThat(options.verbose()).isTrue();
    assertThat(options.simulate()).contains("hailo8");
    assertThat(options.tape()).contains("unplug");
  }

  @Test
  void shouldHelpWhenAskedBehindCommand() throws Exception {
    assertThat(Options.parse(List.of("demo", "--help")).command()).isEqualTo(Options.Command.HELP);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "start",
        "demo --http-port 1",
        "serve --rate 1",
        "demo --rate",
        "demo --rate fast",
        "demo --rate -1",
        "demo --rate NaN",
        "serve --account acme",
        "serve --simulate",
        "demo --tape unplug",
        "demo --broker mqtt://localhost:1883",
        "serve --http-port 65536",
        "serve --http-port 80a",
        "serve --ready-timeout 0",
        "--version --plain"
      })
  void shouldRefuseAsWrongUsageWhenCommandLineMakesNoSense(String line) {
    List<String> arguments = line.isEmpty() ? List.of() : List.of(line.split(" ", -1));

    assertThatThrownBy(() -> Options.parse(arguments))
        .isInstanceOfSatisfying(
            GatewayException.class, e -> assertThat(e.exit()).isEqualTo(Exit.USAGE));
  }

  @Test
  void shouldNameEveryOptionInHelp() {
    assertThat(Options.HELP)
        .contains(
            "--work",
            "--ready-timeout",
            "--verbose",
            "--rate",
            "--images",
            "--recordings",
            "--plain",
            "--packages",
            "--uninstall-removed",
            "--bare",
            "--http-port",
            "--ready-file",
            "--no-shell");
  }
}
