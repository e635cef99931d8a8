/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.eclipse.paho.client.mqttv3.IMqttToken;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class BrokerClientTest {
  private static final long MOST_MILLIS = 30_000;

  private final List<Socket> accepted = new CopyOnWriteArrayList<>();
  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

  BrokerClientTest() throws IOException {}

  @AfterEach
  void close() throws IOException {
    server.close();
    for (Socket socket : accepted) {
      socket.close();
    }
  }

  @Test
  void shouldLeaveNoThreadWhenTheBrokerEndsTheConnectionAtOnce() throws Exception {
    answer(BrokerClientTest::close);
    for (int i = 0; i < 5; i++) {
      BrokerClient client = new BrokerClient(uri(), "dropped-at-once");
      IMqttToken token = client.connect(options());

      assertThatThrownBy(() -> token.waitForCompletion(MOST_MILLIS))
          .isInstanceOf(MqttException.class)
          .matches(
              e -> ((MqttException) e).getReasonCode() != MqttException.REASON_CODE_CLIENT_TIMEOUT);
      client.close(true);
    }

    awaitNoThreadOf("dropped-at-once");
  }

  @Test
  void shouldLeaveNoThreadWhenItIsClosedWhileItConnects() throws Exception {
    answer(accepted::add);
    for (int i = 0; i < 10; i++) {
      BrokerClient client = new BrokerClient(uri(), "closed-at-once");
      client.connect(options());
      TimeUnit.MILLISECONDS.sleep(20L * i);
      client.disconnectForcibly(0, 1_000, false);
      client.close(true);
    }

    awaitNoThreadOf("closed-at-once");
  }

  private MqttConnectOptions options() throws BrokerException {
    return BrokerSettings.builder(uri().replace("tcp:", "mqtt:")).build().options();
  }

  private String uri() {
    return "tcp://127.0.0.1:" + server.getLocalPort();
  }

  private void answer(Consumer<Socket> with) {
    Thread thread =
        new Thread(
            () -> {
              while (!server.isClosed()) {
                try {
                  with.accept(server.accept());
                } catch (IOException e) {
                  assertThat(server.isClosed()).isTrue();
                }
              }
            },
            "broker");
    thread.setDaemon(true);
    thread.start();
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitNoThreadOf(String client) throws InterruptedException {
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().endsWith(": " + client)) {
        thread.join(MOST_MILLIS);
        assertThat(thread.isAlive()).as(thread.getName()).isFalse();
      }
    }
  }
}
