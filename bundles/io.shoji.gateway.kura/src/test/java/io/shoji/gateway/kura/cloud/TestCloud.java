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

import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.Topic;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallbackExtended;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/** Somebody in the cloud: hears everything of an account, and asks. */
public final class TestCloud implements AutoCloseable {
  /** A message that was heard. */
  public record Heard(Topic topic, Payload payload) {}

  public static final String ACCOUNT = "acme";
  public static final String GATEWAY = "gw1";
  public static final String REQUESTER = "tester";

  private final MqttAsyncClient client;
  private final AtomicInteger number = new AtomicInteger();
  private final BlockingQueue<Heard> queue = new LinkedBlockingQueue<>();
  private final List<Heard> all = new CopyOnWriteArrayList<>();

  public TestCloud(TestBroker broker) throws Exception {
    client =
        new MqttAsyncClient(
            broker.url().replace("mqtt:", "tcp:"), REQUESTER, new MemoryPersistence());
    client.setCallback(new Callback());
    MqttConnectOptions options = new MqttConnectOptions();
    options.setMaxInflight(2_000);
    options.setAutomaticReconnect(true);
    options.setMaxReconnectDelay(200);
    options.setCleanSession(true);
    client.connect(options).waitForCompletion(20_000);
    subscribe();
  }

  private void subscribe() throws Exception {
    client.subscribe("$EDC/" + ACCOUNT + "/#", 1).waitForCompletion(20_000);
    client.subscribe(ACCOUNT + "/#", 1).waitForCompletion(20_000);
  }

  MqttAsyncClient client() {
    return client;
  }

  List<Heard> all() {
    return all;
  }

  /** Sends a request, and gives its identifier. */
  public String ask(String application, Topic.Verb verb, String resource, Payload.Builder payload)
      throws Exception {
    String id = "r" + number.incrementAndGet();
    ask(id, application, verb, resource, payload);
    return id;
  }

  void ask(String id, String application, Topic.Verb verb, String resource, Payload.Builder payload)
      throws Exception {
    payload.metric(Metrics.REQUEST_ID, id).metric(Metrics.REQUESTER_CLIENT_ID, REQUESTER);
    send(
        new Topic.Request(ACCOUNT, GATEWAY, application, verb, resource).toString(),
        PayloadCodec.standard().encodeCompressed(payload.build()));
  }

  void send(String topic, byte[] payload) throws Exception {
    client.publish(topic, payload, 1, false);
  }

  /** Sends a request and waits for its reply. */
  public Payload call(String application, Topic.Verb verb, String resource, Payload.Builder payload)
      throws Exception {
    String id = ask(application, verb, resource, payload);
    return await(heard -> heard.topic() instanceof Topic.Reply r && r.requestId().equals(id), 10)
        .payload();
  }

  /** The next message that is meant; those before it are forgotten. */
  public Heard await(Predicate<Heard> meant, int seconds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (true) {
      Heard heard = queue.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (heard == null) {
        throw new AssertionError("not heard in time, but " + all);
      }
      if (meant.test(heard)) {
        return heard;
      }
    }
  }

  public Heard awaitLifeCycle(Topic.LifeCycle.Kind kind) throws InterruptedException {
    return await(heard -> heard.topic() instanceof Topic.LifeCycle l && l.kind() == kind, 10);
  }

  @Override
  public void close() throws Exception {
    client.disconnectForcibly(0, 1_000, false);
    client.close(true);
  }

  private final class Callback implements MqttCallbackExtended {
    @Override
    public void connectComplete(boolean reconnect, String uri) {
      if (reconnect) {
        new Thread(
                () -> {
                  try {
                    subscribe();
                  } catch (Exception e) {
                    throw new IllegalStateException(e);
                  }
                })
            .start();
      }
    }

    @Override
    public void connectionLost(Throwable cause) {
      // Paho connects again.
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) throws Exception {
      Optional<Topic> parsed = Topic.parse(topic);
      if (parsed.isEmpty() || parsed.get() instanceof Topic.Request) {
        return;
      }
      Heard heard = new Heard(parsed.get(), PayloadCodec.standard().decode(message.getPayload()));
      all.add(heard);
      queue.add(heard);
    }

    @Override
    public void deliveryComplete(IMqttDeliveryToken token) {
      // Nothing waits for it.
    }
  }
}
