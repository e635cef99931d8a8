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

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.PayloadException;
import io.shoji.cloud.Topic;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/** The cloud's side of a connection: sends requests and keeps all that gateways send. */
final class Cloud implements AutoCloseable {
  static final String ACCOUNT = "acme";
  static final String GATEWAY = "gw1";
  private static final long SECONDS = 90;

  /** A message of a gateway's. */
  record Received(String topic, Payload payload) {
    Optional<Topic> parsed() {
      return Topic.parse(topic);
    }
  }

  /** An answer to a request. */
  record Answer(int code, Payload payload) {
    String text() {
      return payload.body().map(body -> new String(body, StandardCharsets.UTF_8)).orElse("");
    }

    JsonObject json() {
      return JsonParser.parseString(text()).getAsJsonObject();
    }

    String message() {
      Object message = payload.metrics().get(Metrics.RESPONSE_EXCEPTION_MESSAGE);
      return message == null ? text() : message.toString();
    }

    /** Fails with what the gateway says unless the request was done. */
    Answer ok() {
      if (code != Metrics.RESPONSE_OK) {
        fail("the gateway answered %s: %s%n%s", code, message(), payload.metrics());
      }
      return this;
    }
  }

  private final String id = "cloud-" + UUID.randomUUID();
  private final MqttClient client;
  private final List<Received> received = new ArrayList<>();
  private final List<String> broken = new ArrayList<>();

  Cloud(int port) throws MqttException {
    client = new MqttClient("tcp://127.0.0.1:" + port, id, new MemoryPersistence());
    client.setCallback(
        new MqttCallback() {
          @Override
          public void connectionLost(Throwable cause) {
            synchronized (received) {
              broken.add("connection lost: " + cause);
              received.notifyAll();
            }
          }

          @Override
          public void messageArrived(String topic, MqttMessage message) {
            take(topic, message.getPayload());
          }

          @Override
          public void deliveryComplete(IMqttDeliveryToken token) {
            // nothing waits for it
          }
        });
    client.setTimeToWait(TimeUnit.SECONDS.toMillis(SECONDS));
    MqttConnectOptions options = new MqttConnectOptions();
    options.setMaxInflight(2000);
    client.connect(options);
    // Not what this side sends itself: Moquette 0.17 stands still over a large message to its
    // sender.
    client.subscribe(
        new String[] {
          ACCOUNT + "/#", "$EDC/" + ACCOUNT + "/+/MQTT/+", "$EDC/" + ACCOUNT + "/" + id + "/#"
        },
        new int[] {1, 1, 1});
  }

  private void take(String topic, byte[] bytes) {
    try {
      Payload payload = PayloadCodec.standard().decode(bytes);
      synchronized (received) {
        received.add(new Received(topic, payload));
        received.notifyAll();
      }
    } catch (PayloadException e) {
      synchronized (received) {
        broken.add(topic + ": " + e);
        received.notifyAll();
      }
    }
  }

  /** Client id of this side. */
  String id() {
    return id;
  }

  /** How many messages have come. */
  int count() {
    synchronized (received) {
      return received.size();
    }
  }

  /** What could not be read so far. */
  List<String> broken() {
    synchronized (received) {
      return List.copyOf(broken);
    }
  }

  /** All messages that have come, from the one of that number on, that match. */
  List<Received> all(int from, Predicate<Received> wanted) {
    synchronized (received) {
      return received.subList(from, received.size()).stream().filter(wanted).toList();
    }
  }

  /** Waits for the first message, from the one of that number on, that matches. */
  Received await(int from, String what, Predicate<Received> wanted) throws InterruptedException {
    return await(from, SECONDS, what, wanted);
  }

  /** Waits so many seconds for such a message. */
  Received await(int from, long seconds, String what, Predicate<Received> wanted)
      throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    int next = from;
    synchronized (received) {
      while (true) {
        while (next < received.size()) {
          Received message = received.get(next++);
          if (wanted.test(message)) {
            return message;
          }
        }
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (left <= 0) {
          return fail(
              "the gateway has not sent: %s%nbut:%n%s%n%s",
              what,
              String.join("\n", received.stream().skip(from).map(Received::topic).toList()),
              broken);
        }
        received.wait(Math.min(left, 500));
      }
    }
  }

  /** Waits until the gateway says that it is there, with the application. */
  void awaitBirth(int from, String application) throws InterruptedException {
    await(
        from,
        "birth with " + application,
        message ->
            message.parsed().filter(Topic.LifeCycle.class::isInstance).isPresent()
                && (message.topic().endsWith("/BIRTH") || message.topic().endsWith("/APPS"))
                && String.valueOf(message.payload().metrics().get(Metrics.APPLICATION_IDS))
                    .contains(application));
  }

  Answer get(String application, String resource) throws Exception {
    return request(application, Topic.Verb.GET, resource, Map.of(), null);
  }

  Answer exec(String application, String resource, Map<String, Object> metrics) throws Exception {
    return request(application, Topic.Verb.EXEC, resource, metrics, null);
  }

  /** Asks and waits for the answer. */
  Answer request(
      String application,
      Topic.Verb verb,
      String resource,
      Map<String, Object> metrics,
      String body)
      throws Exception {
    String requestId = UUID.randomUUID().toString();
    int from = count();
    send(application, verb, resource, requestId, metrics, body);
    return answer(from, application, requestId);
  }

  /** Asks without waiting. */
  void send(
      String application,
      Topic.Verb verb,
      String resource,
      String requestId,
      Map<String, Object> metrics,
      String body)
      throws MqttException {
    Payload.Builder payload = Payload.builder().timestampMs(System.currentTimeMillis());
    metrics.forEach(payload::metric);
    payload.metric(Metrics.REQUEST_ID, requestId).metric(Metrics.REQUESTER_CLIENT_ID, id);
    if (body != null) {
      payload.body(body);
    }
    sendRaw(
        new Topic.Request(ACCOUNT, GATEWAY, application, verb, resource).toString(),
        PayloadCodec.standard().encode(payload.build()));
  }

  /** Sends bytes, whatever they are. */
  void sendRaw(String topic, byte[] bytes) throws MqttException {
    client.publish(topic, bytes, 1, false);
  }

  /** Waits for the answer to a request that was sent. */
  Answer answer(int from, String application, String requestId) throws Exception {
    String topic = new Topic.Reply(ACCOUNT, id, application, requestId).toString();
    Payload payload =
        await(from, "answer to " + topic, message -> message.topic().equals(topic)).payload();
    return new Answer(payload.required(Metrics.RESPONSE_CODE, Integer.class), payload);
  }

  @Override
  public void close() throws MqttException {
    if (client.isConnected()) {
      client.disconnect();
    }
    client.close();
  }
}
