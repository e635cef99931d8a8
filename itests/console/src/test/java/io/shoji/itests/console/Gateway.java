/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.console;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A gateway that serves, as a process of its own. */
final class Gateway implements AutoCloseable {
  private static final long SECONDS = 180;

  private final Process process;
  private final Path work;
  private final Path output;
  private final int port;

  /** Starts it, and waits until its web console is there. */
  Gateway(Path folder) throws IOException, InterruptedException {
    this.work = folder.resolve("work");
    this.output = folder.resolve("output");
    try (ServerSocket socket = new ServerSocket(0)) {
      this.port = socket.getLocalPort();
    }
    this.process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-jar",
                Path.of(System.getProperty("gateway.jar")).toRealPath().toString(),
                "serve",
                "--work",
                work.toString(),
                "--http-port",
                Integer.toString(port),
                "--no-shell")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!said().contains("watching ")) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        close();
        throw new AssertionError("the gateway does not start: " + said());
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  /** All that it has said. */
  String said() throws IOException {
    return Files.exists(output) ? Files.readString(output) : "";
  }

  String password() throws IOException {
    return Files.readString(work.resolve("web-console-password")).strip();
  }

  /** An address, with the administrator's name and password or without. */
  String url(boolean administrator, String path) throws IOException {
    return "http://"
        + (administrator ? "admin:" + password() + "@" : "")
        + "127.0.0.1:"
        + port
        + path;
  }

  /** Names of the snapshots of configurations, the newest last. */
  List<String> snapshots() throws IOException {
    Path folder = work.resolve("kura/user/snapshots");
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("snapshot_"))
          .sorted(Comparator.naturalOrder())
          .toList();
    }
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }
}
