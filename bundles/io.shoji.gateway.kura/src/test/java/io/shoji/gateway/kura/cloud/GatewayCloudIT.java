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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.cloud.DeployV2;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.Topic;
import io.shoji.gateway.kura.TestFramework;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.CloudConnectionManager;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.cloudconnection.subscriber.CloudSubscriber;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.message.KuraPayload;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The components in a real framework, configured as a person does. */
@Timeout(180)
final class GatewayCloudIT {
  @TempDir private Path folder;
  private TestBroker broker;
  private TestCloud cloud;
  private TestFramework framework;
  private ConfigurationService configurations;

  @BeforeEach
  void start() throws Exception {
    broker = new TestBroker();
    cloud = new TestCloud(broker);
    framework = TestFramework.start(Files.createDirectories(folder.resolve("kura")), Map.of());
    configurations = framework.service(ConfigurationService.class);
    for (String pid : List.of(GatewayTransport.PID, GatewayData.PID, GatewayCloud.PID)) {
      TestFramework.await(pid, () -> configurations.getConfigurableComponentPids().contains(pid));
    }
  }

  @AfterEach
  void stop() throws Exception {
    framework.close();
    cloud.close();
    broker.close();
  }

  private void connect() throws Exception {
    configurations.updateConfiguration(
        GatewayTransport.PID,
        Map.of(
            "broker-url",
            broker.url(),
            "topic.context.account-name",
            TestCloud.ACCOUNT,
            "client-id",
            TestCloud.GATEWAY,
            "username",
            ""));
    configurations.updateConfiguration(
        GatewayData.PID, Map.of("connect.auto-on-startup", true, "enable.rate.limit", false));
    cloud.await(h -> h.topic() instanceof Topic.LifeCycle, 60);
  }

  private static KuraMessage message(int number) {
    KuraPayload payload = new KuraPayload();
    payload.addMetric("n", number);
    return new KuraMessage(payload, Map.of("sensor", "s1"));
  }

  @Test
  void shouldDoNothingWhenNothingIsConfigured() throws Exception {
    CloudConnectionManager manager = framework.service(CloudConnectionManager.class);
    assertThat(manager.isConnected()).isFalse();
    assertThatThrownBy(manager::connect).isInstanceOf(KuraException.class);
  }

  @Test
  void shouldCarryMessagesWhenPublishersAndSubscribersAreMade() throws Exception {
    connect();
    configurations.createFactoryConfiguration(
        GatewayPublisher.PID,
        "pub1",
        Map.of(
            "appId",
            "APP",
            "app.topic",
            "data/$sensor",
            "qos",
            1,
            "cloud.endpoint.service.pid",
            GatewayCloud.PID),
        false);
    CloudPublisher publisher = framework.service(CloudPublisher.class, "(kura.service.pid=pub1)");
    List<String> confirmed = new CopyOnWriteArrayList<>();
    publisher.registerCloudDeliveryListener(confirmed::add);
    String id = publisher.publish(message(1));
    assertThat(cloud.await(h -> h.topic() instanceof Topic.Telemetry, 30).topic())
        .hasToString("acme/gw1/APP/data/s1");
    TestFramework.await("confirmed", () -> confirmed.contains(id));

    configurations.createFactoryConfiguration(
        GatewaySubscriber.PID,
        "sub1",
        Map.of("appId", "CMD", "app.topic", "set/#", "qos", 1),
        false);
    List<KuraMessage> heard = new CopyOnWriteArrayList<>();
    framework
        .service(CloudSubscriber.class, "(kura.service.pid=sub1)")
        .registerCloudSubscriberListener(heard::add);
    byte[] command = PayloadCodec.standard().encode(Payload.builder().metric("go", true).build());
    TestFramework.await(
        "heard",
        () -> {
          cloud.send("acme/gw1/CMD/set/speed", command);
          return !heard.isEmpty();
        });
    assertThat(heard.get(0).getProperties()).containsEntry("appTopic", "set/speed");

    configurations.deleteFactoryConfiguration("pub1", false);
    TestFramework.await(
        "gone",
        () -> {
          try {
            publisher.publish(message(2));
            return false;
          } catch (KuraException e) {
            return e.getMessage().contains("no cloud connection");
          }
        });
  }

  @Test
  void shouldKeepTheLastGoodConfigurationWhenAnotherMakesNoSense() throws Exception {
    connect();
    CloudConnectionManager manager = framework.service(CloudConnectionManager.class);
    configurations.updateConfiguration(GatewayTransport.PID, Map.of("keep-alive", -5));
    configurations.updateConfiguration(
        GatewayTransport.PID, Map.of("broker-url", "nowhere", "keep-alive", 30));
    configurations.updateConfiguration(GatewayData.PID, Map.of("rate.limit.average", 0));
    configurations.updateConfiguration(GatewayCloud.PID, Map.of("payload.encoding", "simple-json"));
    Payload packages =
        cloud.call(
            DeployV2.APPLICATION, Topic.Verb.GET, DeployV2.RESOURCE_BUNDLES, Payload.builder());
    assertThat(packages.required(Metrics.RESPONSE_CODE, Integer.class)).isEqualTo(200);
    assertThat(new String(packages.body().orElseThrow())).contains("io.shoji.gateway.kura");
    assertThat(manager.isConnected()).isTrue();
    manager.disconnect();
    cloud.awaitLifeCycle(Topic.LifeCycle.Kind.DISCONNECT);
    manager.connect();
    cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
  }
}
