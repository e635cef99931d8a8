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

import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.TlsSettings;
import io.shoji.cloud.Topic;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import org.eclipse.kura.KuraConnectException;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.KuraStoreCapacityReachedException;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.message.KuraResponsePayload;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
final class CloudConnectionTest {
  @TempDir private Path folder;
  private TestBroker broker;
  private TestCloud cloud;

  @BeforeEach
  void startBroker() throws Exception {
    broker = new TestBroker();
    cloud = new TestCloud(broker);
  }

  @AfterEach
  void stopBroker() throws Exception {
    cloud.close();
    broker.close();
  }

  private TestGateway gateway() throws Exception {
    return new TestGateway(broker.url(), folder);
  }

  /** Answers GET with its arguments, and counts. */
  private static final class Echo implements RequestHandler {
    private final AtomicInteger calls = new AtomicInteger();
    private final Set<Object> ids = ConcurrentHashMap.newKeySet();

    @Override
    public KuraMessage doGet(RequestHandlerContext context, KuraMessage message)
        throws KuraException {
      calls.incrementAndGet();
      ids.add(message.getPayload().getMetric(Metrics.REQUEST_ID));
      List<?> resources = (List<?>) message.getProperties().get("args");
      String first = resources.isEmpty() ? "" : String.valueOf(resources.get(0));
      if (first.equals("error")) {
        throw new KuraException(
            KuraErrorCode.valueOf(String.valueOf(resources.get(1))), null, "as asked");
      }
      if (first.equals("bug")) {
        throw new IllegalStateException("a bug");
      }
      KuraResponsePayload answer = new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_OK);
      byte[] body = message.getPayload().getBody();
      answer.setBody(body == null ? ("args=" + resources).getBytes() : body);
      return new KuraMessage(answer);
    }
  }

  @Test
  void shouldTellOfItsLifeWhenItConnectsAndDisconnects() throws Exception {
    try (TestGateway gateway = gateway()) {
      gateway.connection().registerRequestHandler("B-V1", new Echo());
      gateway.connection().registerRequestHandler("A-V1", new Echo());
      gateway.connected();
      TestCloud.Heard birth = cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      assertThat(birth.topic()).hasToString("$EDC/acme/gw1/MQTT/BIRTH");
      assertThat(birth.payload().required("application_ids", String.class)).isEqualTo("A-V1,B-V1");
      assertThat(birth.payload().metrics())
          .containsKeys(
              "uptime",
              "display_name",
              "model_name",
              "connection_interface",
              "connection_ip",
              "jvm_profile",
              "accept_encoding",
              "payload_encoding",
              "application_framework",
              "total_memory")
          .allSatisfy((name, value) -> assertThat(value).isInstanceOf(String.class));

      gateway.connection().unregister("A-V1");
      TestCloud.Heard changed = cloud.awaitLifeCycle(Topic.LifeCycle.Kind.APPLICATIONS);
      assertThat(changed.payload().required("application_ids", String.class)).isEqualTo("B-V1");

      gateway.connection().disconnect();
      TestCloud.Heard gone = cloud.awaitLifeCycle(Topic.LifeCycle.Kind.DISCONNECT);
      assertThat(gone.payload().metrics()).containsOnlyKeys("display_name", "uptime");
      assertThat(gateway.connection().isConnected()).isFalse();
      gateway.connection().connect();
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
    }
    cloud.awaitLifeCycle(Topic.LifeCycle.Kind.DISCONNECT);
  }

  @Test
  void shouldLeaveAWillWhenTheConnectionBreaks() throws Exception {
    List<String> heard = new CopyOnWriteArrayList<>();
    try (TestGateway gateway =
        new TestGateway(
            broker.url(), folder, Map.of("lwt.topic", "#account-name/#client-id/WILL"))) {
      gateway
          .connection()
          .registerCloudConnectionListener(
              new CloudConnectionListener() {
                @Override
                public void onConnectionEstablished() {
                  heard.add("established");
                }

                @Override
                public void onConnectionLost() {
                  heard.add("lost");
                }

                @Override
                public void onDisconnected() {
                  heard.add("disconnected");
                }
              });
      gateway.connected();
      broker.drop(TestCloud.GATEWAY);
      cloud.await(h -> h.topic().toString().equals("acme/gw1/WILL"), 10);
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      gateway.connection().disconnect();
      TestGateway.await("told", () -> heard.size() == 4);
    }
    assertThat(heard).containsExactly("established", "lost", "established", "disconnected");
  }

  @Test
  void shouldAnswerAsKuraWhenItIsAsked() throws Exception {
    try (TestGateway gateway = gateway()) {
      gateway.connection().registerRequestHandler("ECHO-V1", new Echo());
      gateway.connected();
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);

      Payload answer = cloud.call("ECHO-V1", Topic.Verb.GET, "a/b", Payload.builder());
      assertThat(answer.required(Metrics.RESPONSE_CODE, Integer.class)).isEqualTo(200);
      assertThat(new String(answer.body().orElseThrow())).isEqualTo("args=[a, b]");
      assertThat(answer.timestampMs()).isPresent();

      assertThat(code("ECHO-V1", Topic.Verb.PUT, "a")).isEqualTo(500);
      assertThat(code("ECHO-V1", Topic.Verb.SUBMIT, "a")).isEqualTo(400);
      assertThat(code("ECHO-V1", Topic.Verb.GET, "error/BAD_REQUEST")).isEqualTo(400);
      assertThat(code("ECHO-V1", Topic.Verb.GET, "error/NOT_FOUND")).isEqualTo(404);
      assertThat(code("ECHO-V1", Topic.Verb.GET, "error/INTERNAL_ERROR")).isEqualTo(500);
      assertThat(code("ECHO-V1", Topic.Verb.GET, "bug")).isEqualTo(500);

      cloud.ask("NOBODY-V1", Topic.Verb.GET, "a", Payload.builder());
      cloud.call("ECHO-V1", Topic.Verb.GET, "after", Payload.builder());
      assertThat(cloud.all())
          .noneMatch(
              h -> h.topic() instanceof Topic.Reply r && r.application().equals("NOBODY-V1"));
    }
  }

  private int code(String application, Topic.Verb verb, String resource) throws Exception {
    Payload answer = cloud.call(application, verb, resource, Payload.builder());
    assertThat(answer.required(Metrics.RESPONSE_EXCEPTION_MESSAGE, String.class)).isNotBlank();
    return answer.required(Metrics.RESPONSE_CODE, Integer.class);
  }

  @Test
  void shouldHaveOneEffectWhenARequestIsDeliveredTwice() throws Exception {
    Echo echo = new Echo();
    try (TestGateway gateway = gateway()) {
      gateway.connection().registerRequestHandler("ECHO-V1", echo);
      gateway.connected();
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      cloud.ask("same", "ECHO-V1", Topic.Verb.GET, "a", Payload.builder());
      TestGateway.await("the reply", () -> replies("same") == 1);
      for (int i = 0; i < 2; i++) {
        cloud.ask("same", "ECHO-V1", Topic.Verb.GET, "a", Payload.builder());
      }
      TestGateway.await("the same reply for each", () -> replies("same") == 3);
      cloud.call("ECHO-V1", Topic.Verb.GET, "b", Payload.builder());

      assertThat(echo.calls).hasValue(2);
      assertThat(gateway.connection().getInfo()).containsEntry("Requests delivered again", "2");
    }
  }

  private long replies(String requestId) {
    return cloud.all().stream()
        .filter(h -> h.topic() instanceof Topic.Reply r && r.requestId().equals(requestId))
        .count();
  }

  @Test
  void shouldAnswerEachOnceWhenAThousandComeAtOnce() throws Exception {
    Echo echo = new Echo();
    try (TestGateway gateway = gateway()) {
      gateway.connection().registerRequestHandler("ECHO-V1", echo);
      gateway.connected();
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      Set<String> asked = new HashSet<>();
      long start = System.nanoTime();
      for (int i = 0; i < 1_000; i++) {
        asked.add(cloud.ask("ECHO-V1", Topic.Verb.GET, "n/" + i, Payload.builder()));
      }
      List<String> answered = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        TestCloud.Heard reply = cloud.await(h -> h.topic() instanceof Topic.Reply, 30);
        answered.add(((Topic.Reply) reply.topic()).requestId());
        assertThat(reply.payload().required(Metrics.RESPONSE_CODE, Integer.class)).isEqualTo(200);
      }
      System.out.printf(
          "1000 requests answered in %d ms%n",
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
      assertThat(answered).hasSize(1_000).containsExactlyInAnyOrderElementsOf(asked);
      assertThat(echo.calls).hasValue(1_000);
    }
  }

  @Test
  void shouldGoOnWhenRequestsAreMalformed() throws Exception {
    Echo echo = new Echo();
    List<KuraMessage> raw = new CopyOnWriteArrayList<>();
    try (TestGateway gateway = gateway()) {
      gateway.connection().registerRequestHandler("ECHO-V1", echo);
      gateway
          .connection()
          .registerSubscriber(
              Map.of("APP_ID", "ECHO-V1", "APP_TOPIC", "GET/raw/#", "QOS", 1, "CONTROL", true),
              raw::add);
      gateway.connected();
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      String topic = "$EDC/acme/gw1/ECHO-V1/GET/";
      cloud.send(topic + "raw", new byte[] {1, 2, 3, 4});
      cloud.send(topic + "raw", new byte[] {0x1f, (byte) 0x8b, 8, 0});
      cloud.send(topic + "raw", new byte[0]);
      cloud.send("$EDC/acme/gw1/ECHO-V1", new byte[0]);
      cloud.send("$EDC/acme/gw1", new byte[0]);
      cloud.send(
          topic + "raw",
          PayloadCodec.standard()
              .encode(
                  Payload.builder()
                      .metric(Metrics.REQUEST_ID, 7L)
                      .metric(Metrics.REQUESTER_CLIENT_ID, "tester")
                      .build()));
      cloud.send(
          topic + "raw",
          PayloadCodec.standard()
              .encode(
                  Payload.builder()
                      .metric(Metrics.REQUEST_ID, "a/#/b")
                      .metric(Metrics.REQUESTER_CLIENT_ID, "+")
                      .build()));
      assertThat(
              new String(
                  cloud
                      .call("ECHO-V1", Topic.Verb.GET, "fine", Payload.builder())
                      .body()
                      .orElseThrow()))
          .isEqualTo("args=[fine]");
      assertThat(echo.calls).hasValue(1);
      TestGateway.await("handed on", () -> raw.size() == 5);
      assertThat(raw.get(0).getPayload().getBody()).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void shouldGoThroughWhenABodyIsGiantAndSayNoWhenItIsTooLarge() throws Exception {
    try (TestGateway gateway = gateway()) {
      gateway.connection().registerRequestHandler("ECHO-V1", new Echo());
      gateway.connected();
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      byte[] giant = new byte[8 * 1024 * 1024];
      new Random(3).nextBytes(giant);

      Payload answer = cloud.call("ECHO-V1", Topic.Verb.GET, "big", Payload.builder().body(giant));
      assertThat(answer.body().orElseThrow()).isEqualTo(giant);

      byte[] tooLarge = new byte[PayloadCodec.STANDARD_MAX_BYTES + 1];
      cloud.ask("ECHO-V1", Topic.Verb.GET, "bomb", Payload.builder().body(tooLarge));
      KuraPayload own = new KuraPayload();
      own.setBody(giant);
      gateway.configure("maximum.payload.size", 1_000L);
      assertThatThrownBy(
              () ->
                  gateway
                      .connection()
                      .publish(new KuraMessage(own, Map.of("APP_ID", "A", "APP_TOPIC", "b"))))
          .isInstanceOf(KuraException.class)
          .hasMessageContaining("most=1000");
      assertThat(
              cloud
                  .call("ECHO-V1", Topic.Verb.GET, "small", Payload.builder())
                  .required(Metrics.RESPONSE_CODE, Integer.class))
          .isEqualTo(200);
    }
  }

  @Test
  void shouldNotifyWhoeverAskedWhenAnApplicationDoes() throws Exception {
    try (TestGateway gateway = gateway()) {
      gateway
          .connection()
          .registerRequestHandler(
              "JOB-V1",
              new RequestHandler() {
                @Override
                public KuraMessage doExec(RequestHandlerContext context, KuraMessage message)
                    throws KuraException {
                  KuraPayload progress = new KuraPayload();
                  progress.addMetric("context", context.getContextProperties().toString());
                  context
                      .getNotificationPublisher()
                      .publish(
                          new KuraMessage(
                              progress,
                              Map.of(
                                  "appId", "JOB-V1",
                                  "messageType", "run/fast",
                                  "requestorClientId",
                                      message
                                          .getPayload()
                                          .getMetric(Metrics.REQUESTER_CLIENT_ID))));
                  return new KuraMessage(new KuraResponsePayload(200));
                }
              });
      gateway.connected();
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      cloud.call("JOB-V1", Topic.Verb.EXEC, "run", Payload.builder());
      TestCloud.Heard told = cloud.await(h -> h.topic() instanceof Topic.Notification, 10);

      assertThat(told.topic()).hasToString("$EDC/acme/tester/JOB-V1/NOTIFY/gw1/run/fast");
      assertThat(told.payload().required("context", String.class))
          .contains("TENANT_ID=acme", "DEVICE_ID=gw1", "NOTIFICATION_PUBLISHER_PID=");
      assertThatThrownBy(
              () ->
                  gateway.connection().notifications().publish(new KuraMessage(new KuraPayload())))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldArriveLaterAndInOrderWhenItWasPublishedOfflineAndTheGatewayRestarted()
      throws Exception {
    broker.stop();
    try (TestGateway gateway = gateway().started()) {
      for (int i = 0; i < 20; i++) {
        gateway.connection().publish(TestGateway.message("low", 1, 7, "n", i));
      }
      gateway.connection().publish(TestGateway.message("high", 1, 3, "n", 100));
      assertThat(gateway.store().size()).isEqualTo(21);
    }
    broker.start();
    TestGateway.await("the cloud is there", cloud.client()::isConnected);
    List<String> confirmed = new CopyOnWriteArrayList<>();
    try (TestGateway gateway = gateway()) {
      gateway.connection().registerCloudDeliveryListener(confirmed::add);
      gateway.connected();
      List<Integer> arrived = new ArrayList<>();
      for (int i = 0; i < 21; i++) {
        TestCloud.Heard heard = cloud.await(h -> h.topic() instanceof Topic.Telemetry, 10);
        arrived.add(heard.payload().required("n", Integer.class));
      }
      assertThat(arrived.get(0)).isEqualTo(100);
      assertThat(arrived.subList(1, 21)).isSorted().doesNotHaveDuplicates();
      TestGateway.await("the store is empty", () -> gateway.store().size() == 0);
      TestGateway.await("told", () -> confirmed.size() == 21);
    }
  }

  @Test
  void shouldRefuseAndCountWhenTheStoreIsFull() throws Exception {
    broker.stop();
    try (TestGateway gateway =
        new TestGateway(broker.url(), folder, Map.of("store.capacity", 5)).started()) {
      for (int i = 0; i < 5; i++) {
        gateway.connection().publish(TestGateway.message("a", 1, i < 2 ? 7 : 5, "n", i));
      }
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(
                () -> gateway.connection().publish(TestGateway.message("a", 1, 7, "n", 9)))
            .isInstanceOf(KuraStoreCapacityReachedException.class);
      }
      gateway.connection().publish(TestGateway.message("b", 0, 1, "n", 10));
      assertThat(gateway.connection().getInfo())
          .containsEntry("Messages waiting", "5")
          .containsEntry("Messages refused", "3")
          .containsEntry("Messages dropped", "1");
    }
    broker.start();
    TestGateway.await("the cloud is there", cloud.client()::isConnected);
    try (TestGateway gateway = gateway().connected()) {
      List<Integer> arrived = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        TestCloud.Heard heard = cloud.await(h -> h.topic() instanceof Topic.Telemetry, 10);
        arrived.add(heard.payload().required("n", Integer.class));
      }
      assertThat(arrived).containsExactly(10, 2, 3, 4, 1);
    }
  }

  @Test
  void shouldSendOneASecondWhenPrioritiesAreLowAndTheRestAtOnce() throws Exception {
    try (TestGateway gateway =
        new TestGateway(broker.url(), folder, Map.of("enable.rate.limit", true)).connected()) {
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      long start = System.nanoTime();
      for (int i = 0; i < 3; i++) {
        gateway.connection().publish(TestGateway.message("slow", 0, 5, "n", i));
      }
      for (int i = 0; i < 3; i++) {
        gateway.connection().publish(TestGateway.message("fast", 0, 4, "n", i));
      }
      for (int i = 0; i < 6; i++) {
        cloud.await(h -> h.topic() instanceof Topic.Telemetry, 10);
      }
      assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))
          .isBetween(1_000L, 6_000L);
      List<String> order =
          cloud.all().stream()
              .map(TestCloud.Heard::topic)
              .filter(Topic.Telemetry.class::isInstance)
              .map(t -> ((Topic.Telemetry) t).semantic())
              .toList();
      assertThat(order.subList(4, 6)).containsOnly("slow");
    }
  }

  @Test
  void shouldHearWhatItSubscribedToWhenItConnectsAgain() throws Exception {
    List<KuraMessage> heard = new CopyOnWriteArrayList<>();
    try (TestGateway gateway = gateway().connected()) {
      gateway
          .connection()
          .registerSubscriber(Map.of("APP_ID", "W1", "APP_TOPIC", "A1/#", "QOS", 1), heard::add);
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      broker.drop(TestCloud.GATEWAY);
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      byte[] payload = PayloadCodec.standard().encode(Payload.builder().metric("a", 1).build());
      TestGateway.await(
          "heard",
          () -> {
            try {
              cloud.send("acme/gw1/W1/A1/x", payload);
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
            return !heard.isEmpty();
          });
      assertThat(heard.get(0).getProperties())
          .containsEntry("deviceId", "gw1")
          .containsEntry("appTopic", "A1/x");
      assertThat(heard.get(0).getPayload().getMetric("a")).isEqualTo(1);
    }
  }

  @Test
  void shouldMoveWhenItIsConfiguredOtherwise() throws Exception {
    try (TestBroker other = new TestBroker();
        TestCloud there = new TestCloud(other);
        TestGateway gateway = gateway().connected()) {
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      gateway.configure("broker-url", other.url());
      cloud.awaitLifeCycle(Topic.LifeCycle.Kind.DISCONNECT);
      there.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      gateway.configure("topic.control-prefix", "$OTHER");
      gateway.configure("topic.control-prefix", "$EDC");
      there.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
    }
  }

  @Test
  void shouldConnectOverTlsWhenItTrustsTheBrokerAndNotOtherwise() throws Exception {
    Path store = folder.resolve("broker.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "broker",
                "-keyalg",
                "RSA",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-keystore",
                store.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                "password")
            .redirectErrorStream(true)
            .start();
    assertThat(keytool.waitFor()).isZero();
    SSLContext trusting =
        TlsSettings.builder().trustStore(store, "password".toCharArray()).build().context();
    try (TestBroker secure = new TestBroker(store);
        TestCloud there = new TestCloud(secure)) {
      try (TestGateway gateway =
          new TestGateway(secure.secureUrl(), folder, Map.of("connect.auto-on-startup", false))) {
        assertThatThrownBy(() -> gateway.connection().connect())
            .isInstanceOf(KuraConnectException.class);
      }
      try (TestGateway gateway =
          new TestGateway(secure.secureUrl(), folder, Map.of(), () -> Optional.of(trusting))) {
        gateway.connected();
        there.awaitLifeCycle(Topic.LifeCycle.Kind.BIRTH);
      }
    }
  }

  @Test
  void shouldFailOrWaitButNotHangWhenNobodyAnswers() throws Exception {
    broker.stop();
    try (TestGateway gateway =
        new TestGateway(broker.url(), folder, Map.of("connect.auto-on-startup", false)).started()) {
      assertThatThrownBy(() -> gateway.connection().connect())
          .isInstanceOf(KuraConnectException.class);
      assertThat(gateway.connection().isConnected()).isFalse();
    }
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        TestGateway gateway =
            new TestGateway(
                "mqtt://127.0.0.1:" + silent.getLocalPort(),
                folder,
                Map.of("connect.auto-on-startup", false, "timeout", 1))) {
      assertThatThrownBy(() -> gateway.connection().connect())
          .isInstanceOf(KuraConnectException.class)
          .hasMessageContaining("does not answer");
    }
  }

  @Test
  void shouldLeaveNoThreadWhenItIsClosed() throws Exception {
    for (int i = 0; i < 5; i++) {
      try (TestGateway gateway = gateway().connected()) {
        broker.drop(TestCloud.GATEWAY);
        TestGateway.await("lost", () -> !gateway.connection().isConnected());
        TestGateway.await("back", gateway.connection()::isConnected);
      }
    }
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("cloud-")
          || thread.getName().endsWith(": " + TestCloud.GATEWAY)) {
        thread.join(TimeUnit.SECONDS.toMillis(10));
        assertThat(thread.isAlive()).as(thread.getName()).isFalse();
      }
    }
  }

  /** The figure of the release is 200 breaks in 10 minutes; here fewer, closer together. */
  @Test
  void shouldLoseNothingAndDoNothingTwiceWhenTheConnectionBreaksAtRandom() throws Exception {
    int breaks = Integer.getInteger("shoji.test.breaks", 8);
    int millis = Integer.getInteger("shoji.test.break.millis", 1_000);
    Random random = new Random(11);
    Echo echo = new Echo();
    AtomicInteger published = new AtomicInteger();
    Set<String> asked = ConcurrentHashMap.newKeySet();
    CountDownLatch stop = new CountDownLatch(1);
    try (TestGateway gateway =
        new TestGateway(broker.url(), folder, Map.of("clean-session", false))) {
      gateway.connection().registerRequestHandler("ECHO-V1", echo);
      gateway.connected();
      Thread telemetry =
          every(
              5,
              stop,
              () ->
                  gateway
                      .connection()
                      .publish(TestGateway.message("t", 1, 7, "n", published.incrementAndGet())));
      Thread requests =
          every(
              30,
              stop,
              () -> {
                if (cloud.client().isConnected()) {
                  asked.add(cloud.ask("ECHO-V1", Topic.Verb.GET, "x", Payload.builder()));
                }
              });
      for (int i = 0; i < breaks; i++) {
        TimeUnit.MILLISECONDS.sleep(random.nextInt(millis));
        if (i % 4 == 3) {
          broker.stop();
          TimeUnit.MILLISECONDS.sleep(random.nextInt(200));
          broker.start();
        } else {
          broker.drop(TestCloud.GATEWAY);
        }
      }
      stop.countDown();
      telemetry.join();
      requests.join();
      TestGateway.await("the cloud is there", cloud.client()::isConnected);
      TestGateway.await("the gateway is there", gateway.connection()::isConnected);
      TestGateway.await("everything is sent", () -> gateway.store().size() == 0);
      TestGateway.await("everything is heard", () -> distinct().size() == published.get());
      assertThat(gateway.store().dropped()).isZero();
      System.out.printf(
          "breaks=%d published=%d arrived=%d distinct=%d asked=%d delivered=%d delivered again=%s%n",
          breaks,
          published.get(),
          broker.telemetry().size(),
          distinct().size(),
          asked.size(),
          echo.calls.get(),
          gateway.connection().getInfo().get("Requests delivered again"));
      assertThat(echo.calls.get()).isPositive().isEqualTo(echo.ids.size());
    }
  }

  /** Something that is done again and again. */
  private interface Step {
    void run() throws Exception;
  }

  private static Thread every(int millis, CountDownLatch stop, Step step) {
    Thread thread =
        new Thread(
            () -> {
              try {
                while (!stop.await(millis, TimeUnit.MILLISECONDS)) {
                  try {
                    step.run();
                  } catch (MqttException e) {
                    System.out.println("not asked: " + e);
                  }
                }
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    thread.start();
    return thread;
  }

  private Set<Integer> distinct() {
    Set<Integer> numbers = new HashSet<>();
    for (Payload heard : broker.telemetry()) {
      numbers.add((Integer) heard.metrics().get("n"));
    }
    return numbers;
  }
}
