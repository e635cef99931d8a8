/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import io.moquette.BrokerConstants;
import io.moquette.broker.Server;
import io.moquette.broker.config.MemoryConfig;
import io.moquette.interception.AbstractInterceptHandler;
import io.moquette.interception.messages.InterceptPublishMessage;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.PayloadException;
import io.shoji.cloud.Topic;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;

/** A broker on the loopback address, that can be taken away and brought back. */
public final class TestBroker implements AutoCloseable {
  private final Path keyStore;
  private final int port;
  private final int securePort;
  private final List<Payload> telemetry = new CopyOnWriteArrayList<>();
  private Server server;

  public TestBroker() throws IOException {
    this(null);
  }

  /**
   * Starts a broker.
   *
   * @param keyStore PKCS #12 with the password "password", for TLS as well; null for none
   */
  TestBroker(Path keyStore) throws IOException {
    this.keyStore = keyStore;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      securePort = socket.getLocalPort();
    }
    start();
  }

  public String url() {
    return "mqtt://127.0.0.1:" + port;
  }

  String secureUrl() {
    return "mqtts://localhost:" + securePort;
  }

  public void start() throws IOException {
    Properties properties = new Properties();
    properties.setProperty(BrokerConstants.HOST_PROPERTY_NAME, "127.0.0.1");
    properties.setProperty(BrokerConstants.PORT_PROPERTY_NAME, Integer.toString(port));
    properties.setProperty(BrokerConstants.ALLOW_ANONYMOUS_PROPERTY_NAME, "true");
    properties.setProperty("persistence_enabled", "false");
    properties.setProperty("telemetry_enabled", "false");
    properties.setProperty(
        BrokerConstants.NETTY_MAX_BYTES_PROPERTY_NAME, Integer.toString(64 * 1024 * 1024));
    if (keyStore != null) {
      properties.setProperty(BrokerConstants.SSL_PORT_PROPERTY_NAME, Integer.toString(securePort));
      properties.setProperty(BrokerConstants.JKS_PATH_PROPERTY_NAME, keyStore.toString());
      properties.setProperty(BrokerConstants.KEY_STORE_TYPE, "pkcs12");
      properties.setProperty(BrokerConstants.KEY_STORE_PASSWORD_PROPERTY_NAME, "password");
      properties.setProperty(BrokerConstants.KEY_MANAGER_PASSWORD_PROPERTY_NAME, "password");
    }
    server = new Server();
    server.startServer(new MemoryConfig(properties), List.of(new Recorder()));
  }

  /** Telemetry in the order in which it came, over all starts. */
  List<Payload> telemetry() {
    return telemetry;
  }

  private final class Recorder extends AbstractInterceptHandler {
    @Override
    public String getID() {
      return "recorder";
    }

    @Override
    public void onPublish(InterceptPublishMessage message) {
      Optional<Topic> topic = Topic.parse(message.getTopicName());
      if (topic.isPresent() && topic.get() instanceof Topic.Telemetry) {
        byte[] payload = new byte[message.getPayload().readableBytes()];
        message.getPayload().getBytes(message.getPayload().readerIndex(), payload);
        try {
          telemetry.add(PayloadCodec.standard().decode(payload));
        } catch (PayloadException e) {
          throw new IllegalStateException(e);
        }
      }
      super.onPublish(message);
    }

    @Override
    public void onSessionLoopError(Throwable error) {
      throw new IllegalStateException(error);
    }
  }

  public void stop() {
    server.stopServer();
  }

  /** Takes a client's connection away. */
  boolean drop(String clientId) {
    try {
      return server.disconnectClient(clientId);
    } catch (NullPointerException e) {
      // Moquette 0.17 knows the session of a client that is not connected just now.
      return false;
    }
  }

  @Override
  public void close() {
    server.stopServer();
  }
}
