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

import io.moquette.BrokerConstants;
import io.moquette.broker.Server;
import io.moquette.broker.config.MemoryConfig;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A real MQTT broker on a free port of the loopback address: Moquette in this process, or Mosquitto
 * as a process of its own.
 */
final class Broker implements AutoCloseable {
  private static final long SECONDS = 30;

  private final int port;
  private final AutoCloseable broker;

  private interface Start {
    AutoCloseable on(int port) throws IOException, InterruptedException;
  }

  private Broker(Start start) throws IOException, InterruptedException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    broker = start.on(port);
  }

  static Broker moquette() throws IOException, InterruptedException {
    return new Broker(Broker::startMoquette);
  }

  /** Where Mosquitto is, if it is installed. */
  static Optional<Path> mosquittoProgram() {
    String folders = System.getenv().getOrDefault("PATH", "") + File.pathSeparator + "/usr/sbin";
    return Stream.of(folders.split(File.pathSeparator))
        .map(folder -> Path.of(folder, "mosquitto"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  static Broker mosquitto(Path program, Path folder) throws IOException, InterruptedException {
    return new Broker(port -> startMosquitto(program, folder, port));
  }

  private static AutoCloseable startMoquette(int port) throws IOException {
    Properties properties = new Properties();
    properties.setProperty(BrokerConstants.HOST_PROPERTY_NAME, "127.0.0.1");
    properties.setProperty(BrokerConstants.PORT_PROPERTY_NAME, Integer.toString(port));
    properties.setProperty(BrokerConstants.ALLOW_ANONYMOUS_PROPERTY_NAME, "true");
    properties.setProperty("persistence_enabled", "false");
    properties.setProperty("telemetry_enabled", "false");
    properties.setProperty(
        BrokerConstants.NETTY_MAX_BYTES_PROPERTY_NAME, Integer.toString(32 * 1024 * 1024));
    Server server = new Server();
    server.startServer(new MemoryConfig(properties));
    return server::stopServer;
  }

  private static AutoCloseable startMosquitto(Path program, Path folder, int port)
      throws IOException, InterruptedException {
    Path configuration = folder.resolve("mosquitto.conf");
    Files.write(
        configuration,
        List.of("listener " + port + " 127.0.0.1", "allow_anonymous true", "persistence false"));
    Path log = folder.resolve("mosquitto.log");
    Process process =
        new ProcessBuilder(program.toString(), "-c", configuration.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (System.nanoTime() < deadline && process.isAlive()) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return () -> {
          process.destroy();
          process.waitFor();
        };
      } catch (IOException e) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
    process.destroyForcibly();
    return fail("mosquitto does not start:%n%s", Files.readString(log));
  }

  int port() {
    return port;
  }

  @Override
  public void close() throws Exception {
    broker.close();
  }
}
