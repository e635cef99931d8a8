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
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cloud.DeployV2;
import io.shoji.cloud.Payload;
import io.shoji.cloud.Topic;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway that is managed over MQTT alone, through a real broker. */
class CloudIT {
  private static final String SHOJI = "SHOJI-V1";
  private static final String CONF = "CONF-V1";
  private static final long SECONDS = 90;

  @TempDir private Path folder;

  private final List<AutoCloseable> parts = new ArrayList<>();
  private Link link;
  private Cloud cloud;
  private FileServer files;
  private Path work;
  private long jobs = 100;

  private void open(Broker with) throws Exception {
    parts.add(with);
    link = new Link(with.port());
    parts.add(0, link);
    cloud = new Cloud(with.port());
    parts.add(0, cloud);
    files = new FileServer();
    parts.add(0, files);
    work = Files.createDirectories(folder.resolve("work"));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable part : parts) {
      part.close();
    }
  }

  private GatewayProcess serve(Object... more) throws Exception {
    List<Object> arguments =
        new ArrayList<>(
            List.of(
                "serve",
                "--work",
                work,
                "--http-port",
                0,
                "--no-shell",
                "--broker",
                "mqtt://127.0.0.1:" + link.port(),
                "--account",
                Cloud.ACCOUNT,
                "--client-id",
                Cloud.GATEWAY));
    arguments.addAll(List.of(more));
    return GatewayProcess.start(arguments.toArray());
  }

  @Test
  void shouldBeManagedOverMqttAlone() throws Exception {
    open(Broker.moquette());
    manage();
  }

  @Test
  void shouldBeManagedThroughMosquitto() throws Exception {
    Optional<Path> program = Broker.mosquittoProgram();
    assumeTrue(program.isPresent(), "mosquitto is not installed");
    open(Broker.mosquitto(program.get(), Files.createDirectories(folder.resolve("broker"))));
    manage();
  }

  private void manage() throws Exception {
    Path images = copyImages();
    Path newer = digits("1.1.0");
    try (GatewayProcess gateway = serve("--bare")) {
      cloud.awaitBirth(0, DeployV2.APPLICATION);

      // Everything is installed from the cloud, in an order that needs nothing of the other.
      install("io.shoji.model.digits", "0.1.0", Packages.shipped("model-digits"));
      install("io.shoji.kura", "0.1.0", Packages.shipped("kura"));
      install("io.shoji.driver.cpu", "0.1.0", Packages.driver(Packages.architecture()));
      install("io.shoji.core", "0.1.0", Packages.shipped("core"));
      JsonObject model = awaitServing("digits", "1.0.0");
      assertThat(model.toString()).contains("sha256");
      assertThat(cloud.get(DeployV2.APPLICATION, DeployV2.RESOURCE_PACKAGES).ok().text())
          .contains(
              "io.shoji.core", "io.shoji.kura", "io.shoji.driver.cpu", "io.shoji.model.digits");

      // A wire graph: replayed images, Shoji inference, the cloud.
      int from = cloud.count();
      configureGraph(images);
      List<Payload> predictions = awaitPredictions(from, 500);
      long right =
          predictions.stream()
              .filter(
                  payload -> payload.metrics().get("label").equals(payload.metrics().get("truth")))
              .count();
      assertThat(right).as("right of 500").isGreaterThanOrEqualTo(485);
      System.out.println(
          "predictions over MQTT: " + right + " of " + predictions.size() + " right");

      // A benchmark runs as a job that tells how far it is.
      int before = cloud.count();
      String job =
          cloud
              .exec(SHOJI, "bench/digits", Map.of("runs", 2000))
              .ok()
              .payload()
              .required("job.id", String.class);
      Payload end =
          cloud
              .await(
                  before,
                  "end of the job " + job,
                  message ->
                      message.topic().contains("/NOTIFY/")
                          && job.equals(message.payload().metrics().get("job.id"))
                          && List.of("SUCCEEDED", "FAILED", "CANCELLED")
                              .contains(message.payload().metrics().get("job.state")))
              .payload();
      assertThat(end.metrics()).containsEntry("job.state", "SUCCEEDED");
      assertThat(cloud.get(SHOJI, "jobs/" + job).ok().text()).contains("p99");

      // A newer version comes, is pinned back, let go and rolled back.
      install("io.shoji.model.digits", "1.1.0", newer);
      awaitServing("digits", "1.1.0");
      cloud.exec(SHOJI, "pin/digits", Map.of("modelVersion", "1.0.0")).ok();
      awaitServing("digits", "1.0.0");
      cloud.exec(SHOJI, "unpin/digits", Map.of()).ok();
      awaitServing("digits", "1.1.0");
      cloud.exec(SHOJI, "rollback/digits", Map.of()).ok();
      awaitServing("digits", "1.0.0");
      assertThat(cloud.get(SHOJI, "events").ok().text()).contains("MODEL_ROLLED_BACK");

      // What was done holds over a restart.
      assertThat(gateway.terminate()).isZero();
    }
    int restart = cloud.count();
    try (GatewayProcess gateway = serve("--bare")) {
      cloud.awaitBirth(restart, DeployV2.APPLICATION);
      awaitServing("digits", "1.0.0");
      for (String name :
          List.of(
              "io.shoji.model.digits", "io.shoji.core", "io.shoji.driver.cpu", "io.shoji.kura")) {
        uninstall(name);
      }
      assertThat(cloud.get(DeployV2.APPLICATION, DeployV2.RESOURCE_PACKAGES).ok().text())
          .doesNotContain("io.shoji.core", "io.shoji.model.digits");
      assertThat(gateway.terminate()).isZero();
    }
    assertThat(cloud.broken()).isEmpty();
  }

  @Test
  void shouldAnswerWithReasonAndGoOnWhenInputIsBad() throws Exception {
    open(Broker.moquette());
    try (GatewayProcess gateway = serve()) {
      cloud.awaitBirth(0, DeployV2.APPLICATION);
      awaitServing("digits", "1.0.0");

      Random random = new Random(3);
      String topic =
          new Topic.Request(Cloud.ACCOUNT, Cloud.GATEWAY, SHOJI, Topic.Verb.GET, "status")
              .toString();
      for (int i = 0; i < 50; i++) {
        byte[] bytes = new byte[random.nextInt(2000)];
        random.nextBytes(bytes);
        cloud.sendRaw(topic, bytes);
      }
      cloud.sendRaw(topic, new byte[0]);

      expect(404, "models/nothing", Topic.Verb.GET, Map.of(), null);
      expect(404, "nonsense", Topic.Verb.GET, Map.of(), null);
      expect(404, "jobs/j-unknown", Topic.Verb.GET, Map.of(), null);
      expect(404, "jobs/j-unknown", Topic.Verb.DEL, Map.of(), null);
      expect(400, "bench/digits", Topic.Verb.EXEC, Map.of("runs", "many"), null);
      expect(400, "bench/digits", Topic.Verb.EXEC, Map.of("runs", -1), null);
      expect(400, "bench/digits", Topic.Verb.EXEC, Map.of("runs", 1.5), null);
      expect(400, "bench/digits", Topic.Verb.EXEC, Map.of("walks", 1), null);
      expect(400, "pin/digits", Topic.Verb.EXEC, Map.of("modelVersion", "one"), null);
      expect(404, "pin/digits", Topic.Verb.EXEC, Map.of("modelVersion", "9.9.9"), null);
      expect(400, "bench", Topic.Verb.EXEC, Map.of(), "{\"model\":");
      expect(400, "bench", Topic.Verb.EXEC, Map.of(), "x".repeat(1_000_000));

      // A malformed filter and values out of every range: the rest goes on as it was.
      cloud.request(
          CONF,
          Topic.Verb.PUT,
          "configurations",
          Map.of(),
          new Configurations()
              .component("io.shoji.kura.Telemetry", Map.of("CloudPublisher.target", "(((nonsense"))
              .component("io.shoji.kura.Models", Map.of("versions", "digits = = latest"))
              .xml());
      awaitRefused("io.shoji.kura.Telemetry");
      awaitRefused("io.shoji.kura.Models");
      awaitServing("digits", "1.0.0");

      // A burst: each request is answered once.
      int from = cloud.count();
      Set<String> asked = new HashSet<>();
      for (int i = 0; i < 1000; i++) {
        String id = UUID.randomUUID().toString();
        asked.add(id);
        cloud.send(SHOJI, Topic.Verb.GET, "metrics", id, Map.of(), null);
      }
      List<String> answered = new ArrayList<>();
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (answered.size() < asked.size() && System.nanoTime() < deadline) {
        answered.clear();
        for (Cloud.Received message : cloud.all(from, m -> m.topic().contains("/REPLY/"))) {
          answered.add(message.topic().substring(message.topic().lastIndexOf('/') + 1));
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
      assertThat(answered).containsExactlyInAnyOrderElementsOf(asked);
      assertThat(gateway.terminate()).isZero();
    }
  }

  /** Asks until the status says that a configuration was refused, and why. */
  private void awaitRefused(String pid) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    JsonObject status = new JsonObject();
    while (System.nanoTime() < deadline) {
      status = cloud.get(SHOJI, "status").ok().json();
      for (JsonElement element : status.getAsJsonArray("configurations")) {
        JsonObject configuration = element.getAsJsonObject();
        if (configuration.get("name").getAsString().equals(pid)
            && configuration.get("configuration").getAsString().equals("REFUSED")) {
          assertThat(configuration.getAsJsonArray("problems")).isNotEmpty();
          return;
        }
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    fail("the configuration is not refused pid=%s%n%s", pid, status);
  }

  private void expect(
      int code, String resource, Topic.Verb verb, Map<String, Object> metrics, String body)
      throws Exception {
    Cloud.Answer answer = cloud.request(SHOJI, verb, resource, metrics, body);
    assertThat(answer.code()).as(verb + " " + resource + " " + metrics).isEqualTo(code);
    assertThat(answer.message()).as(resource).isNotBlank();
    assertThat(answer.json().has("version")).isTrue();
  }

  /** The 500 images of the demonstration, where the gateway replays from. */
  private Path copyImages() throws Exception {
    Path replay = Files.createDirectories(work.resolve("kura").resolve("replay").resolve("digits"));
    Path demo = Path.of(System.getProperty("gateway.demo"));
    try (Stream<Path> all = Files.walk(demo)) {
      for (Path image : all.filter(file -> file.toString().endsWith(".png")).toList()) {
        Files.copy(image, replay.resolve(image.getFileName().toString()));
      }
    }
    return replay;
  }

  private Path digits(String version) throws Exception {
    Path made = Files.createDirectories(folder.resolve("made"));
    return Packages.digits(
        made,
        version,
        version,
        new Packages.Edit()
            .modelJson("\"version\": \"1.0.0\"", "\"version\": \"" + version + "\""));
  }

  private void install(String name, String version, Path file) throws Exception {
    int from = cloud.count();
    long job = ++jobs;
    cloud
        .exec(
            DeployV2.APPLICATION,
            DeployV2.RESOURCE_DOWNLOAD,
            Map.of(
                DeployV2.URI,
                files.serve(file),
                DeployV2.NAME,
                name,
                DeployV2.VERSION,
                version,
                DeployV2.PROTOCOL,
                "HTTP",
                DeployV2.JOB_ID,
                job,
                DeployV2.INSTALL,
                true,
                DeployV2.REBOOT,
                false,
                DeployV2.SYSTEM_UPDATE,
                false))
        .ok();
    Payload end = awaitEnd(from, job, DeployV2.INSTALL_STATUS);
    assertThat(end.metrics()).as(name).containsEntry(DeployV2.INSTALL_STATUS, "COMPLETED");
  }

  private void uninstall(String name) throws Exception {
    int from = cloud.count();
    long job = ++jobs;
    cloud
        .exec(
            DeployV2.APPLICATION,
            DeployV2.RESOURCE_UNINSTALL,
            Map.of(DeployV2.NAME, name, DeployV2.JOB_ID, job, DeployV2.REBOOT, false))
        .ok();
    Payload end = awaitEnd(from, job, DeployV2.UNINSTALL_STATUS);
    assertThat(end.metrics()).as(name).containsEntry(DeployV2.UNINSTALL_STATUS, "COMPLETED");
  }

  private Payload awaitEnd(int from, long job, String status) throws Exception {
    return cloud
        .await(
            from,
            "end of job " + job,
            message ->
                message.topic().contains("/DEPLOY-V2/NOTIFY/")
                    && Long.valueOf(job).equals(message.payload().metrics().get(DeployV2.JOB_ID))
                    && (List.of("COMPLETED", "FAILED")
                            .contains(String.valueOf(message.payload().metrics().get(status)))
                        || "FAILED"
                            .equals(message.payload().metrics().get(DeployV2.DOWNLOAD_STATUS))))
        .payload();
  }

  /** Asks until the model answers with that version; what the gateway says of it. */
  private JsonObject awaitServing(String model, String version) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    String last = "";
    while (System.nanoTime() < deadline) {
      // Nobody answers before the application is there.
      String id = UUID.randomUUID().toString();
      int from = cloud.count();
      cloud.send(SHOJI, Topic.Verb.GET, "models/" + model, id, Map.of(), null);
      String topic = new Topic.Reply(Cloud.ACCOUNT, cloud.id(), SHOJI, id).toString();
      long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
      List<Cloud.Received> answers = List.of();
      while (answers.isEmpty() && System.nanoTime() < patience) {
        TimeUnit.MILLISECONDS.sleep(50);
        answers = cloud.all(from, message -> message.topic().equals(topic));
      }
      if (!answers.isEmpty()) {
        Payload payload = answers.get(0).payload();
        last = new String(payload.body().orElse(new byte[0]), StandardCharsets.UTF_8);
        Cloud.Answer answer =
            new Cloud.Answer(payload.required("response.code", Integer.class), payload);
        if (answer.code() == 200 && serves(answer.json(), version)) {
          return answer.json();
        }
      }
    }
    return fail("the model does not serve name=%s version=%s%n%s", model, version, last);
  }

  private static boolean serves(JsonObject document, String version) {
    JsonObject model = document.getAsJsonObject("model");
    return model.has("answering")
        && model.get("answering").getAsString().equals(version)
        && model.get("state").getAsString().equals("SERVING");
  }

  private void configureGraph(Path images) throws Exception {
    String wires =
        """
        {"components":[
          {"pid":"images","inputPortCount":0,"outputPortCount":1,"renderingProperties":{"position":{"x":-200,"y":0}}},
          {"pid":"reader","inputPortCount":1,"outputPortCount":1,"renderingProperties":{"position":{"x":0,"y":0}}},
          {"pid":"sender","inputPortCount":1,"outputPortCount":0,"renderingProperties":{"position":{"x":200,"y":0}}}],
         "wires":[
          {"emitter":"images","emitterPort":0,"receiver":"reader","receiverPort":0},
          {"emitter":"reader","emitterPort":0,"receiver":"sender","receiverPort":0}]}
        """;
    String body =
        new Configurations()
            .component("org.eclipse.kura.data.DataService", Map.of("enable.rate.limit", false))
            .factory(
                "org.eclipse.kura.cloud.publisher.CloudPublisher",
                "cloud-out",
                Map.of(
                    "cloud.endpoint.service.pid",
                    "org.eclipse.kura.cloud.CloudService",
                    "appId",
                    "W1",
                    "app.topic",
                    "A1/digits",
                    "qos",
                    1))
            .factory(
                "io.shoji.gateway.kura.ReplaySource",
                "images",
                Map.of(
                    "path",
                    images.getFileName().toString(),
                    "rate",
                    100.0,
                    "index.property",
                    "number",
                    "start.delay",
                    2000))
            .factory(
                "io.shoji.kura.WireInference",
                "reader",
                Map.of(
                    "model",
                    "digits",
                    "passThrough",
                    "truth = label; number",
                    "provenance",
                    true,
                    "deadlineMs",
                    30_000))
            .factory(
                "org.eclipse.kura.wire.CloudPublisher",
                "sender",
                Map.of("CloudPublisher.target", "(kura.service.pid=cloud-out)"))
            .component("org.eclipse.kura.wire.graph.WireGraphService", Map.of("WireGraph", wires))
            .xml();
    cloud.request(CONF, Topic.Verb.PUT, "configurations", Map.of(), body).ok();
  }

  private List<Payload> awaitPredictions(int from, int count) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    String topic = Cloud.ACCOUNT + "/" + Cloud.GATEWAY + "/W1/A1/digits";
    List<Payload> predictions = List.of();
    while (System.nanoTime() < deadline) {
      predictions =
          cloud.all(from, message -> message.topic().equals(topic)).stream()
              .map(Cloud.Received::payload)
              .toList();
      Set<Object> numbers = new HashSet<>();
      predictions.forEach(payload -> numbers.add(payload.metrics().get("number")));
      if (numbers.size() >= count) {
        assertThat(predictions).hasSize(count);
        return predictions;
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return fail(
        "%d predictions have come, the last %s",
        predictions.size(),
        predictions.stream()
            .skip(Math.max(0, predictions.size() - 1))
            .map(p -> p.metrics().toString())
            .toList());
  }
}
