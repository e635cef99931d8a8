/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.moquette.BrokerConstants;
import io.moquette.broker.Server;
import io.moquette.broker.config.MemoryConfig;
import io.moquette.broker.security.IAuthenticator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** A real MQTT broker in this process, on free ports of the loopback address. */
final class TestBroker implements AutoCloseable {
  private final Server server = new Server();
  private final int port;
  private final int tlsPort;

  private TestBroker(
      Path folder, int wantedPort, @Nullable IAuthenticator users, @Nullable Path keyStore)
      throws IOException {
    Properties properties = new Properties();
    properties.setProperty(BrokerConstants.HOST_PROPERTY_NAME, "127.0.0.1");
    properties.setProperty(BrokerConstants.PORT_PROPERTY_NAME, Integer.toString(wantedPort));
    properties.setProperty(
        BrokerConstants.ALLOW_ANONYMOUS_PROPERTY_NAME, Boolean.toString(users == null));
    properties.setProperty(BrokerConstants.ENABLE_TELEMETRY_NAME, "false");
    properties.setProperty(
        BrokerConstants.DATA_PATH_PROPERTY_NAME, Files.createDirectories(folder).toString());
    properties.setProperty(BrokerConstants.PERSISTENCE_ENABLED_PROPERTY_NAME, "false");
    properties.setProperty(
        BrokerConstants.NETTY_MAX_BYTES_PROPERTY_NAME, Integer.toString(32 * 1024 * 1024));
    if (keyStore != null) {
      properties.setProperty(BrokerConstants.SSL_PORT_PROPERTY_NAME, "0");
      properties.setProperty(BrokerConstants.JKS_PATH_PROPERTY_NAME, keyStore.toString());
      properties.setProperty(BrokerConstants.KEY_STORE_TYPE, "pkcs12");
      properties.setProperty(BrokerConstants.KEY_STORE_PASSWORD_PROPERTY_NAME, "secret");
      properties.setProperty(BrokerConstants.KEY_MANAGER_PASSWORD_PROPERTY_NAME, "secret");
    }
    server.startServer(new MemoryConfig(properties), List.of(), null, users, null);
    port = bound(server::getPort);
    tlsPort = keyStore == null ? 0 : bound(server::getSslPort);
  }

  /** A port is 0 until another thread has written it down. */
  private static int bound(IntSupplier port) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (port.getAsInt() == 0) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the broker listens at no port");
      }
      Thread.onSpinWait();
    }
    return port.getAsInt();
  }

  static TestBroker open(Path folder) throws IOException {
    return new TestBroker(folder, 0, null, null);
  }

  /** At a port that another one has left. */
  static TestBroker openAt(Path folder, int port) throws IOException {
    return new TestBroker(folder, port, null, null);
  }

  /** That lets in only one user. */
  static TestBroker withUser(Path folder, String user, String password) throws IOException {
    return new TestBroker(
        folder,
        0,
        (client, name, given) ->
            user.equals(name)
                && given != null
                && password.equals(new String(given, java.nio.charset.StandardCharsets.UTF_8)),
        null);
  }

  /** With TLS, beside a port without. */
  static TestBroker withTls(Path folder, Path keyStore) throws IOException {
    return new TestBroker(folder, 0, null, keyStore);
  }

  int port() {
    return port;
  }

  int tlsPort() {
    return tlsPort;
  }

  String address() {
    return "tcp://127.0.0.1:" + port;
  }

  @Override
  public void close() {
    server.stopServer();
  }
}
