/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong before a gateway runs; that it does run, SimulateIT shows. */
final class GatewayCommandTest {
  @TempDir private Path folder;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(Path jar, String... arguments) {
    return Shoji.run(
        new Environment(
            new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            new ByteArrayInputStream(new byte[0]),
            Map.of("SHOJI_GATEWAY_JAR", jar.toString()),
            folder,
            false),
        arguments);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void shouldSayWhereItSearchedWhenThereIsNoGateway() {
    Path nowhere = folder.resolve("shoji-gateway.jar");

    assertThat(run(nowhere, "gateway", "--simulate", "hailo8")).isEqualTo(2);

    assertThat(err()).contains("is not there", "SHOJI_GATEWAY_JAR", "searched=[" + nowhere + "]");
  }

  @Test
  void shouldSayThatItIsNoneWhenTheFileIsAnotherJar() throws IOException {
    Path other = folder.resolve("other.jar");
    new JarOutputStream(Files.newOutputStream(other), new Manifest()).close();

    ClassLoader before = Thread.currentThread().getContextClassLoader();

    assertThat(run(other, "gateway", "serve", "--bare")).isEqualTo(1);

    assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(before);

    assertThat(err()).contains("this is no gateway", "file=" + other);
  }

  @Test
  void shouldLeaveSignalsToTheGatewayOnly() {
    assertThat(GatewayCommand.isAsked("gateway", "--simulate", "hailo8")).isTrue();
    assertThat(GatewayCommand.isAsked("fleet", "gateway")).isFalse();
    assertThat(GatewayCommand.isAsked()).isFalse();
  }
}
