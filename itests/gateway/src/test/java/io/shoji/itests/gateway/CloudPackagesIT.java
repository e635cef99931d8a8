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

import io.moquette.broker.Server;
import io.moquette.broker.config.MemoryConfig;
import io.shoji.cloud.DeployV2;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.Topic;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packages that are installed over MQTT are recorded as those from the watched folder are. */
class CloudPackagesIT {
  private static final String ACCOUNT = "acme";
  private static final String GATEWAY = "gw1";
  private static final String REQUESTER = "tester";
  private static final long SECONDS = 120;

  private record Heard(Topic topic, Payload payload) {}

  @TempDir private Path folder;
  private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
  private final Server broker = new Server();
  private MqttClient client;
  private String url;
  private int requests;

  @BeforeEach
  void connect() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    Properties properties = new Properties();
    properties.setProperty("host", "127.0.0.1");
    properties.setProperty("port", Integer.toString(port));
    properties.setProperty("allow_anonymous", "true");
    properties.setProperty("persistence_enabled", "false");
    properties.setProperty("telemetry_enabled", "false");
    properties.setProperty("netty.mqtt.message_size", Integer.toString(16 * 1024 * 1024));
    broker.startServer(new MemoryConfig(properties));
    url = "127.0.0.1:" + port;
    client = new MqttClient("tcp://" + url, REQUESTER, new MemoryPersistence());
    client.connect(new MqttConnectOptions());
    client.subscribe(
        "$EDC/" + ACCOUNT + "/#",
        1,
        (topic, message) -> {
          Topic parsed = Topic.parse(topic).orElseThrow();
          if (!(parsed instanceof Topic.Request)) {
            heard.add(new Heard(parsed, PayloadCodec.standard().decode(message.getPayload())));
          }
        });
  }

  @AfterEach
  void disconnect() throws Exception {
    client.disconnectForcibly(0, 1_000, false);
    client.close(true);
    broker.stopServer();
  }

  @Test
  void shouldStillBeInstalledWhenTheGatewayIsKilledAfterwards() throws Exception {
    try (GatewayProcess gateway = serve()) {
      awaitBirth();
      assertThat(install(Packages.shipped("core"))).isEqualTo("COMPLETED");
      assertThat(install(Packages.driver(Packages.architecture()))).isEqualTo("COMPLETED");
      assertThat(install(Packages.shipped("model-digits"))).isEqualTo("COMPLETED");
      gateway.await("serving digits 1.0.0 on cpu:cpu0");
      assertThat(install(Packages.shipped("model-digits"))).isEqualTo("ALREADY DONE");

      Path damaged = folder.resolve("damaged.dp");
      byte[] whole = Files.readAllBytes(Packages.shipped("model-bearing"));
      Files.write(damaged, Arrays.copyOf(whole, whole.length / 2));
      assertThat(install(damaged)).isEqualTo("FAILED");
      assertThat(packages()).contains("io.shoji.model.digits").doesNotContain("bearing");
      gateway.kill();
    }
    try (GatewayProcess gateway = serve()) {
      awaitBirth();
      gateway.await("ready in", "digits 1.0.0 on cpu:cpu0");
      assertThat(packages())
          .contains("io.shoji.core", "io.shoji.driver.cpu", "io.shoji.model.digits");

      call(
          Topic.Verb.EXEC,
          DeployV2.RESOURCE_UNINSTALL,
          Payload.builder()
              .metric(DeployV2.NAME, "io.shoji.model.digits")
              .metric(DeployV2.JOB_ID, 9L));
      assertThat(told(DeployV2.RESOURCE_UNINSTALL, DeployV2.UNINSTALL_STATUS))
          .isEqualTo("COMPLETED");
      gateway.kill();
    }
    try (GatewayProcess gateway = serve()) {
      awaitBirth();
      gateway.await("ready in", "no models");
      assertThat(packages()).contains("io.shoji.core").doesNotContain("digits");
      assertThat(gateway.terminate()).isZero();
    }
  }

  private GatewayProcess serve() throws Exception {
    return GatewayProcess.start(
        "serve",
        "--bare",
        "--no-shell",
        "--http-port",
        0,
        "--work",
        folder.resolve("work"),
        "--broker",
        "mqtt://" + url,
        "--account",
        ACCOUNT,
        "--client-id",
        GATEWAY);
  }

  private void awaitBirth() throws Exception {
    await(h -> h.topic() instanceof Topic.LifeCycle l && l.kind() == Topic.LifeCycle.Kind.BIRTH);
  }

  /** Installs a copy, as the source is moved away, and gives what was told at the end. */
  private String install(Path dp) throws Exception {
    Path copy = folder.resolve("copy-of-" + dp.getFileName());
    Files.copy(dp, copy, StandardCopyOption.REPLACE_EXISTING);
    Payload answer =
        call(
            Topic.Verb.EXEC,
            DeployV2.RESOURCE_DOWNLOAD,
            Payload.builder()
                .metric(DeployV2.URI, copy.toUri().toString())
                .metric(DeployV2.NAME, "some.package")
                .metric(DeployV2.VERSION, "1.0.0")
                .metric(DeployV2.PROTOCOL, "HTTP")
                .metric(DeployV2.JOB_ID, 9L)
                .metric(DeployV2.SYSTEM_UPDATE, false));
    assertThat(answer.required(Metrics.RESPONSE_CODE, Integer.class)).isEqualTo(200);
    return told(DeployV2.RESOURCE_INSTALL, DeployV2.INSTALL_STATUS);
  }

  private String told(String resource, String status) throws Exception {
    return await(h -> h.topic() instanceof Topic.Notification n && n.resource().equals(resource))
        .payload()
        .required(status, String.class);
  }

  private String packages() throws Exception {
    return new String(
        call(Topic.Verb.GET, DeployV2.RESOURCE_PACKAGES, Payload.builder()).body().orElseThrow(),
        StandardCharsets.UTF_8);
  }

  private Payload call(Topic.Verb verb, String resource, Payload.Builder payload) throws Exception {
    String id = "r" + ++requests;
    payload.metric(Metrics.REQUEST_ID, id).metric(Metrics.REQUESTER_CLIENT_ID, REQUESTER);
    client.publish(
        new Topic.Request(ACCOUNT, GATEWAY, DeployV2.APPLICATION, verb, resource).toString(),
        PayloadCodec.standard().encode(payload.build()),
        1,
        false);
    return await(h -> h.topic() instanceof Topic.Reply r && r.requestId().equals(id)).payload();
  }

  private Heard await(Predicate<Heard> meant) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (true) {
      Heard next = heard.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      assertThat(next).as("a message in time").isNotNull();
      if (meant.test(next)) {
        return next;
      }
    }
  }
}
