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

import static org.assertj.core.api.Assertions.fail;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A gateway that runs as a process of its own, and what it has said. */
final class GatewayProcess implements AutoCloseable {
  /** Generous: the machine that tests may be slow and busy. */
  private static final long SECONDS = 120;

  private final Process process;
  private final List<String> lines = new ArrayList<>();
  private final Thread reader;
  private int read;

  private GatewayProcess(Process process) {
    this.process = process;
    this.reader = new Thread(this::readAll, "gateway-output");
    this.reader.setDaemon(true);
    this.reader.start();
  }

  /** Starts the application with arguments. */
  static GatewayProcess start(Object... arguments) throws IOException {
    return startWith(List.of(), arguments);
  }

  /** Starts the application with options of Java, and arguments. */
  static GatewayProcess startWith(List<String> java, Object... arguments) throws IOException {
    return start(java, Path.of(System.getProperty("gateway.jar")), arguments);
  }

  /** Starts another application, with arguments by which it becomes a gateway. */
  static GatewayProcess startJar(Path jar, Object... arguments) throws IOException {
    return start(List.of(), jar, arguments);
  }

  private static GatewayProcess start(List<String> java, Path jar, Object... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx512m");
    command.addAll(java);
    command.add("-jar");
    command.add(jar.toRealPath().toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return new GatewayProcess(
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start());
  }

  private void readAll() {
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        synchronized (lines) {
          lines.add(line);
          lines.notifyAll();
        }
      }
    } catch (IOException e) {
      synchronized (lines) {
        lines.add("(output ended: " + e + ")");
        lines.notifyAll();
      }
    }
  }

  /** Waits for the next line, behind those already awaited, that contains all of {@code parts}. */
  String await(String... parts) throws InterruptedException {
    return await(
        line -> {
          for (String part : parts) {
            if (!line.contains(part)) {
              return false;
            }
          }
          return true;
        },
        String.join(" ... ", parts));
  }

  /** Waits for such a line wherever it is, also before those already awaited. */
  String awaitAnywhere(String... parts) throws InterruptedException {
    synchronized (lines) {
      read = 0;
    }
    return await(parts);
  }

  private String await(Predicate<String> wanted, String name) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    synchronized (lines) {
      while (true) {
        while (read < lines.size()) {
          String line = lines.get(read++);
          if (wanted.test(line)) {
            return line;
          }
        }
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        boolean over = !process.isAlive() && !reader.isAlive();
        if (left <= 0 || over) {
          return fail("the gateway has not said: %s%nbut:%n%s", name, String.join("\n", lines));
        }
        lines.wait(Math.min(left, 200));
      }
    }
  }

  /** All that it has said. */
  String output() {
    synchronized (lines) {
      return String.join("\n", lines);
    }
  }

  long pid() {
    return process.pid();
  }

  /** Tells it to end (SIGTERM), waits, and gives its exit code. */
  int terminate() throws InterruptedException {
    process.destroy();
    return exitCode();
  }

  /** Kills it without any notice (SIGKILL). */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    exitCode();
  }

  /** Waits until it has ended. */
  int exitCode() throws InterruptedException {
    if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      return fail("the gateway has not ended:%n%s", output());
    }
    reader.join(TimeUnit.SECONDS.toMillis(SECONDS));
    return process.exitValue();
  }

  @Override
  public void close() throws InterruptedException {
    if (process.isAlive()) {
      kill();
    }
  }
}
