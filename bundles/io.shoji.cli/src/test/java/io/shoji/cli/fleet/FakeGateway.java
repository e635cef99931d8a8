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

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.PayloadException;
import io.shoji.cloud.Topic;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/**
 * The cloud's side of a gateway: DEPLOY-V2, CONF-V1 and SHOJI-V1 as Kura and io.shoji.kura speak
 * them, over the real codec. What it does to a request can be replaced.
 */
final class FakeGateway implements AutoCloseable {
  static final String ACCOUNT = "acme";

  /** What comes back instead of the usual. */
  interface Handler {
    /** The reply; null for none. */
    byte[] reply(Topic.Request topic, Payload request) throws Exception;
  }

  private final String id;
  private final MqttAsyncClient client;
  private final ExecutorService thread = Executors.newSingleThreadExecutor();
  private final Map<String, Handler> replaced = new ConcurrentHashMap<>();
  private final Map<String, byte[]> first = new ConcurrentHashMap<>();
  private final AtomicInteger repliesToLose = new AtomicInteger();

  /** Packages and their versions. */
  final Map<String, String> packages = new TreeMap<>(Map.of("io.shoji.core", "0.1.0"));

  /** Properties of the one configuration. */
  final Map<String, String> configuration =
      new ConcurrentHashMap<>(Map.of("interval", "30", "topic", "shoji", "secret", "cHc="));

  /** Topics of the requests that had their effect. */
  final List<Topic.Request> effects = new CopyOnWriteArrayList<>();

  /** Payloads of all requests, repetitions too. */
  final List<Payload> requests = new CopyOnWriteArrayList<>();

  volatile String pin = "";
  volatile boolean notifies = true;

  FakeGateway(String address, String id) throws Exception {
    this.id = id;
    client = new MqttAsyncClient(address, id, new MemoryPersistence());
    client.setCallback(new Callback());
    connectAgain();
  }

  private void connect() throws MqttException {
    MqttConnectOptions options = new MqttConnectOptions();
    options.setMaxInflight(1000);
    options.setWill(
        new Topic.LifeCycle(ACCOUNT, id, Topic.LifeCycle.Kind.LOST).toString(),
        new byte[0],
        0,
        false);
    client.connect(options).waitForCompletion(10_000);
    client.subscribe("$EDC/" + ACCOUNT + "/" + id + "/+/+/#", 1).waitForCompletion(10_000);
  }

  /**
   * Connects, also to a broker that comes in the place of another, or still ends a session of this
   * id.
   */
  void connectAgain() throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (true) {
      try {
        connect();
        return;
      } catch (MqttException e) {
        if (System.nanoTime() > deadline) {
          throw e;
        }
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
  }

  String id() {
    return id;
  }

  /** Says that it is there. */
  void birth(String applications) throws MqttException {
    send(
        new Topic.LifeCycle(ACCOUNT, id, Topic.LifeCycle.Kind.BIRTH),
        PayloadCodec.standard()
            .encodeCompressed(
                Payload.builder()
                    .timestampMs(System.currentTimeMillis())
                    .metric(Metrics.DISPLAY_NAME, "Press " + id)
                    .metric("kura_version", "KURA_5.6.0")
                    .metric(Metrics.UPTIME, "93784000")
                    .metric(Metrics.APPLICATION_IDS, applications)
                    .build()));
  }

  void lifeCycle(Topic.LifeCycle.Kind kind) throws MqttException {
    send(
        new Topic.LifeCycle(ACCOUNT, id, kind),
        PayloadCodec.standard().encode(Payload.builder().metric(Metrics.UPTIME, "1").build()));
  }

  void telemetry(String application, String semantic, Payload payload) throws MqttException {
    send(
        new Topic.Telemetry(ACCOUNT, id, application, semantic),
        PayloadCodec.standard().encode(payload));
  }

  void send(Topic topic, byte[] bytes) throws MqttException {
    client.publish(topic.toString(), bytes, 1, false);
  }

  /** Answers differently: {@code "SHOJI-V1 GET status"}. */
  void on(String request, Handler handler) {
    replaced.put(request, handler);
  }

  /** Does what it is asked for, and its next replies do not arrive. */
  void loseReplies(int count) {
    repliesToLose.set(count);
  }

  private void take(String topic, byte[] bytes) {
    if (!(Topic.parse(topic).orElse(null) instanceof Topic.Request request)) {
      return;
    }
    thread.execute(
        () -> {
          try {
            answer(request, PayloadCodec.standard().decode(bytes));
          } catch (Exception e) {
            throw new IllegalStateException("the fake gateway failed", e);
          }
        });
  }

  private void answer(Topic.Request topic, Payload request) throws Exception {
    String requester = request.required(Metrics.REQUESTER_CLIENT_ID, String.class);
    String requestId = request.required(Metrics.REQUEST_ID, String.class);
    requests.add(request);
    byte[] reply = first.get(requestId);
    if (reply == null || !topic.application().equals("SHOJI-V1")) {
      Handler handler =
          replaced.get(topic.application() + " " + topic.verb() + " " + topic.resource());
      if (handler != null) {
        reply = handler.reply(topic, request);
      } else {
        reply = usual(topic, request, requester);
      }
      effects.add(topic);
      if (reply != null) {
        first.put(requestId, reply);
      }
    }
    if (reply != null && repliesToLose.getAndUpdate(left -> Math.max(0, left - 1)) == 0) {
      send(new Topic.Reply(ACCOUNT, requester, topic.application(), requestId), reply);
    }
  }

  private byte[] usual(Topic.Request topic, Payload request, String requester) throws Exception {
    return switch (topic.application()) {
      case "SHOJI-V1" -> shoji(topic, request, requester);
      case "DEPLOY-V2" -> deploy(topic, request, requester);
      case "CONF-V1" -> conf(topic, request);
      default -> null;
    };
  }

  // DEPLOY-V2

  private byte[] deploy(Topic.Request topic, Payload request, String requester) throws Exception {
    switch (topic.verb() + " " + topic.resource()) {
      case "GET packages":
        return ok(packagesXml());
      case "EXEC download":
        return download(request, requester);
      case "EXEC uninstall":
        String name = request.required("dp.name", String.class);
        packages.remove(name);
        notify(
            requester,
            "DEPLOY-V2",
            "uninstall",
            Payload.builder()
                .metric("job.id", request.required("job.id", Long.class))
                .metric("dp.name", name)
                .metric("dp.uninstall.status", "COMPLETED")
                .metric("dp.uninstall.progress", 100)
                .build());
        return ok("");
      default:
        return failed(404, "no such resource");
    }
  }

  String packagesXml() {
    StringBuilder xml = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?><packages>\n");
    packages.forEach(
        (name, version) -> {
          String bundle = name.equals("io.shoji.core") ? "io.shoji.kura" : name;
          xml.append("<package><name>")
              .append(name)
              .append("</name><version>")
              .append(version)
              .append("</version><bundles><bundle><name>")
              .append(bundle)
              .append("</name><version>")
              .append(version)
              .append("</version></bundle></bundles></package>\n");
        });
    return xml.append("</packages>\n").toString();
  }

  private byte[] download(Payload request, String requester) throws Exception {
    long job = request.required("job.id", Long.class);
    byte[] fetched;
    try {
      fetched =
          new java.net.URI(request.required("dp.uri", String.class))
              .toURL()
              .openStream()
              .readAllBytes();
    } catch (java.io.IOException e) {
      downloadEnds(requester, job, "FAILED", "Error during download process and verification!");
      return ok("");
    }
    if (request.has("dp.download.hash")) {
      String expected = request.required("dp.download.hash", String.class);
      String actual =
          "SHA-256:"
              + java.util.HexFormat.of()
                  .formatHex(java.security.MessageDigest.getInstance("SHA-256").digest(fetched));
      if (!expected.equals(actual)) {
        downloadEnds(requester, job, "FAILED", "Failed to verify checksum");
        return ok("");
      }
    }
    notify(
        requester,
        "DEPLOY-V2",
        "download",
        Payload.builder()
            .metric("job.id", job)
            .metric("dp.download.size", fetched.length)
            .metric("dp.download.progress", 50)
            .metric("dp.download.status", "IN_PROGRESS")
            .build());
    downloadEnds(requester, job, "COMPLETED", "");
    packages.put(
        request.required("dp.name", String.class), request.required("dp.version", String.class));
    installEnds(requester, job, "COMPLETED", "");
    return ok("");
  }

  void downloadEnds(String requester, long job, String status, String error) throws MqttException {
    Payload.Builder payload =
        Payload.builder().metric("job.id", job).metric("dp.download.status", status);
    if (!error.isEmpty()) {
      payload.metric("dp.download.error.message", error);
    }
    notify(requester, "DEPLOY-V2", "download", payload.build());
  }

  void installEnds(String requester, long job, String status, String error) throws MqttException {
    Payload.Builder payload =
        Payload.builder()
            .metric("job.id", job)
            .metric("dp.name", "x.dp")
            .metric("dp.install.status", status);
    if (!error.isEmpty()) {
      payload.metric("dp.install.error.message", error);
    }
    notify(requester, "DEPLOY-V2", "install", payload.build());
  }

  void notify(String requester, String application, String resource, Payload payload)
      throws MqttException {
    if (notifies) {
      send(
          new Topic.Notification(ACCOUNT, requester, application, id, resource),
          PayloadCodec.standard().encodeCompressed(payload));
    }
  }

  // CONF-V1

  private byte[] conf(Topic.Request topic, Payload request) {
    String body = new String(request.body().orElse(new byte[0]), StandardCharsets.UTF_8);
    return switch (topic.verb() + " " + topic.resource()) {
      case "GET configurations", "GET configurations/io.shoji.kura.Telemetry" ->
          ok(configurationXml());
      case "PUT configurations/io.shoji.kura.Telemetry" -> {
        // As Kura: replies, and changes it later.
        java.util.regex.Matcher property =
            java.util.regex.Pattern.compile(
                    "<esf:property array=\"\\w+\" encrypted=\"false\" name=\"(\\w+)\" type=\"(\\w+)\">\\s*<esf:value>(.*?)</esf:value>")
                .matcher(body);
        List<Runnable> changes = new ArrayList<>();
        while (property.find()) {
          String name = property.group(1);
          String value =
              property.group(2).equals("Password")
                  ? java.util.Base64.getEncoder()
                      .encodeToString(
                          property
                              .group(3)
                              .replace("&lt;", "<")
                              .replace("&gt;", ">")
                              .replace("&amp;", "&")
                              .getBytes(StandardCharsets.UTF_8))
                  : property.group(3);
          changes.add(() -> configuration.put(name, value));
        }
        java.util.concurrent.CompletableFuture.delayedExecutor(700, TimeUnit.MILLISECONDS)
            .execute(() -> changes.forEach(Runnable::run));
        yield ok("");
      }
      case "GET configurations/no.such" ->
          ok(
              "<?xml version=\"1.0\"?><esf:configurations xmlns:esf=\"http://eurotech.com/esf/2.0\"></esf:configurations>");
      default -> failed(404, "no such resource");
    };
  }

  private String configurationXml() {
    StringBuilder xml =
        new StringBuilder(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <esf:configurations xmlns:esf="http://eurotech.com/esf/2.0" xmlns:ocd="http://www.osgi.org/xmlns/metatype/v1.2.0">
              <esf:configuration pid="io.shoji.kura.Telemetry">
                <ocd:OCD description="d" id="io.shoji.kura.Telemetry" name="Shoji telemetry">
                  <ocd:AD cardinality="0" default="30" description="d" id="interval" max="3600" min="1" name="Interval" required="true" type="Integer"/>
                  <ocd:AD cardinality="0" default="shoji" description="d" id="topic" name="Topic" required="true" type="String"/>
                  <ocd:AD cardinality="0" default="NONE" description="d" id="level" name="Level" required="true" type="String">
                    <ocd:Option label="None" value="NONE"/><ocd:Option label="All" value="ALL"/>
                  </ocd:AD>
                  <ocd:AD cardinality="0" description="d" id="secret" name="Secret" required="false" type="Password"/>
                </ocd:OCD>
                <esf:properties>
            """);
    new TreeMap<>(configuration)
        .forEach(
            (name, value) -> {
              String type =
                  switch (name) {
                    case "interval" -> "Integer";
                    case "secret" -> "Password";
                    default -> "String";
                  };
              xml.append("<esf:property array=\"false\" encrypted=\"")
                  .append(type.equals("Password"))
                  .append("\" name=\"")
                  .append(name)
                  .append("\" type=\"")
                  .append(type)
                  .append("\"><esf:value>")
                  .append(value)
                  .append("</esf:value></esf:property>\n");
            });
    return xml.append("</esf:properties></esf:configuration></esf:configurations>").toString();
  }

  // SHOJI-V1

  static JsonObject document() {
    JsonObject document = new JsonObject();
    document.addProperty("version", 1);
    document.addProperty("shoji", "0.1.0");
    document.addProperty("time", "2026-11-22T10:00:00Z");
    return document;
  }

  private JsonObject model() {
    JsonObject model = new JsonObject();
    model.addProperty("name", "digits");
    model.addProperty("answering", pin.isEmpty() ? "1.1.0" : pin);
    model.addProperty("state", "SERVING");
    model.addProperty("policy", "latest");
    if (!pin.isEmpty()) {
      model.addProperty("pin", pin);
    }
    model.addProperty("accelerator", "cpu:cpu0");
    JsonArray versions = new JsonArray();
    for (String version : List.of("1.0.0", "1.1.0")) {
      JsonObject one = new JsonObject();
      one.addProperty("modelVersion", version);
      one.addProperty("presence", version.equals("1.1.0") ? "INSTALLED" : "RETAINED");
      versions.add(one);
    }
    model.add("versions", versions);
    return model;
  }

  private static JsonArray array(JsonObject... items) {
    JsonArray array = new JsonArray();
    for (JsonObject item : items) {
      array.add(item);
    }
    return array;
  }

  private static JsonObject object(Object... namesAndValues) {
    JsonObject object = new JsonObject();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      String name = (String) namesAndValues[i];
      Object value = namesAndValues[i + 1];
      if (value instanceof Number number) {
        object.addProperty(name, number);
      } else if (value instanceof com.google.gson.JsonElement element) {
        object.add(name, element);
      } else {
        object.addProperty(name, Objects.toString(value));
      }
    }
    return object;
  }

  private byte[] shoji(Topic.Request topic, Payload request, String requester) throws Exception {
    JsonObject document = document();
    switch (topic.verb() + " " + topic.resource()) {
      case "GET status" -> {
        document.addProperty("engine", "RUNNING");
        document.add("models", array(model()));
        document.add("accelerators", array(object("name", "cpu:cpu0", "state", "HEALTHY")));
        JsonArray reasons = new JsonArray();
        reasons.add("a file differs from its digest");
        document.add("refused", array(object("bundle", "bad 1.0.0", "reasons", reasons)));
        JsonArray problems = new JsonArray();
        problems.add("interval.seconds: at least 1");
        document.add(
            "configurations",
            array(
                object("name", "io.shoji.kura.Models", "configuration", "APPLIED"),
                object(
                    "name",
                    "io.shoji.kura.Telemetry",
                    "configuration",
                    "REFUSED",
                    "inEffect",
                    "LAST_GOOD",
                    "problems",
                    problems)));
        document.add("store", object("files", 12, "bytes", 3_000_000));
        document.add("jobs", object("open", 1, "ended", 2));
      }
      case "GET models" -> document.add("models", array(model()));
      case "GET pipelines" ->
          document.add(
              "pipelines",
              array(
                  object(
                      "name",
                      "inference-1",
                      "model",
                      "digits",
                      "received",
                      40,
                      "answered",
                      39,
                      "errors",
                      object("TIMEOUT", 1))));
      case "GET models/digits" -> document.add("model", model());
      case "GET accelerators" ->
          document.add(
              "accelerators",
              array(
                  object(
                      "name",
                      "cpu:cpu0",
                      "deviceName",
                      "AMD EPYC",
                      "runtime",
                      "onnxruntime",
                      "runtimeVersion",
                      "1.29.0",
                      "health",
                      object(
                          "state", "OK", "temperatureCelsius", 48.5, "memoryUsedBytes", 5_000_000)),
                  object(
                      "name",
                      "hailo:H1",
                      "deviceName",
                      "Hailo-8",
                      "simulated",
                      new com.google.gson.JsonPrimitive(true))));
      case "GET metrics" ->
          document.add(
              "metrics",
              array(
                  object(
                      "model",
                      "digits",
                      "modelVersion",
                      "1.1.0",
                      "requests",
                      500,
                      "answered",
                      499,
                      "errors",
                      object("TIMEOUT", 1),
                      "waiting",
                      0,
                      "latency",
                      object("count", 499, "p50Nanos", 632_000, "p99Nanos", 2_385_000),
                      "queue",
                      object("count", 499, "p99Nanos", 12_000))));
      case "GET events" ->
          document.add(
              "events",
              array(
                  object(
                      "sequence",
                      7,
                      "time",
                      "2026-11-22T09:59:00Z",
                      "type",
                      "MODEL_SWAPPED",
                      "model",
                      "digits",
                      "modelVersion",
                      "1.1.0",
                      "message",
                      "after="
                          + request.required("after", Long.class)
                          + " limit="
                          + request.required("limit", Integer.class))));
      case "GET jobs" ->
          document.add(
              "jobs",
              array(
                  object(
                      "id",
                      "j-1",
                      "operation",
                      "bench",
                      "model",
                      "digits",
                      "state",
                      "RUNNING",
                      "fraction",
                      0.5,
                      "message",
                      "runs")));
      case "EXEC pin" -> {
        pin = request.required("modelVersion", String.class);
        if (!List.of("1.0.0", "1.1.0").contains(pin)) {
          pin = "";
          return refused(404, "UNKNOWN_VERSION", "no such version is installed");
        }
        document.add("model", model());
      }
      case "EXEC unpin" -> {
        pin = "";
        document.add("model", model());
      }
      case "EXEC rollback" -> {
        pin = "1.0.0";
        document.add("model", model());
      }
      case "EXEC collect-garbage" ->
          document.add("removed", object("packages", 1, "files", 3, "bytes", 2048));
      case "EXEC bench" -> {
        JsonObject waiting = job("bench", "WAITING", 0, "waits");
        document.add("job", waiting);
        tell(requester, job("bench", "RUNNING", 0.5, "50 of 100 runs"));
        JsonObject ended = job("bench", "SUCCEEDED", 1, "done");
        ended.add(
            "result",
            object(
                "latency",
                object("p50Nanos", 600_000, "p90Nanos", 700_000, "p99Nanos", 900_000),
                "throughputPerSecond",
                1500.25,
                "peakBytes",
                1_048_576,
                "generation",
                object("accelerator", "cpu:cpu0")));
        tell(requester, ended);
      }
      case "EXEC verify" -> {
        document.add("job", job("verify", "WAITING", 0, "waits"));
        JsonObject ended = job("verify", "SUCCEEDED", 1, "done");
        ended.add(
            "result",
            object(
                "passed", "true", "metric", "top1", "value", 0.994, "minimum", 0.97, "samples", 50,
                "files", 4));
        tell(requester, ended);
      }
      case "EXEC reload" -> {
        document.add("job", job("reload", "WAITING", 0, "waits"));
        JsonObject ended = job("reload", "SUCCEEDED", 1, "done");
        ended.add("result", model());
        tell(requester, ended);
      }
      case "GET jobs/j-1" -> {
        JsonObject ended = job("bench", "SUCCEEDED", 1, "done");
        ended.add("result", object("throughputPerSecond", 7.0));
        document.add("job", ended);
      }
      case "DEL jobs/j-1" -> document.add("job", job("bench", "CANCELLED", 0.5, "cancelled"));
      default -> {
        return refused(404, "UNKNOWN_RESOURCE", "no such resource resource=" + topic.resource());
      }
    }
    return ok(document.toString());
  }

  static JsonObject job(String operation, String state, double fraction, String message) {
    return object(
        "id",
        "j-1",
        "operation",
        operation,
        "model",
        "digits",
        "state",
        state,
        "fraction",
        fraction,
        "message",
        message);
  }

  /** Progress of a job. */
  void tell(String requester, JsonObject job) throws MqttException {
    notify(
        requester,
        "SHOJI-V1",
        "job",
        Payload.builder()
            .metric("version", 1)
            .metric("job.id", job.get("id").getAsString())
            .metric("job.state", job.get("state").getAsString())
            .body(job.toString())
            .build());
  }

  static byte[] ok(String body) {
    Payload.Builder payload =
        Payload.builder().timestampMs(1).metric(Metrics.RESPONSE_CODE, Metrics.RESPONSE_OK);
    if (!body.isEmpty()) {
      payload.body(body);
    }
    return PayloadCodec.standard().encodeCompressed(payload.build());
  }

  static byte[] failed(int code, String message) {
    return PayloadCodec.standard()
        .encode(
            Payload.builder()
                .metric(Metrics.RESPONSE_CODE, code)
                .metric(Metrics.RESPONSE_EXCEPTION_MESSAGE, message)
                .build());
  }

  static byte[] refused(int code, String reason, String message) {
    return PayloadCodec.standard()
        .encode(
            Payload.builder()
                .metric(Metrics.RESPONSE_CODE, code)
                .metric(Metrics.RESPONSE_EXCEPTION_MESSAGE, message)
                .metric("version", 1)
                .metric("reason", reason)
                .build());
  }

  @Override
  public void close() throws MqttException {
    thread.shutdownNow();
    if (client.isConnected()) {
      client.disconnect(1_000).waitForCompletion(5_000);
    }
    client.close(true);
  }

  private final class Callback implements MqttCallback {
    @Override
    public void connectionLost(Throwable cause) {
      // A test that stops the broker connects again itself.
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) throws PayloadException {
      take(topic, message.getPayload());
    }

    @Override
    public void deliveryComplete(IMqttDeliveryToken token) {
      // Nothing waits for it.
    }
  }
}
