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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cloud.DeployV2;
import io.shoji.cloud.Payload;
import io.shoji.cloud.Topic;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The line to the broker is cut again and again, at random, under telemetry and requests. How often
 * and for how long: {@code -Doutages=200 -Doutages.seconds=600}.
 */
class OutageIT {
  private static final String SHOJI = "SHOJI-V1";
  private static final int OUTAGES = Integer.getInteger("outages", 12);
  private static final int SECONDS = Integer.getInteger("outages.seconds", 30);
  private static final long PATIENCE_SECONDS = 90;

  @TempDir private Path folder;

  @Test
  void shouldCountRightAndDoNothingTwiceWhenLineIsCutAtRandom() throws Exception {
    Path work = Files.createDirectories(folder.resolve("work"));
    Path replay = Files.createDirectories(work.resolve("kura").resolve("replay").resolve("digits"));
    try (Stream<Path> all = Files.walk(Path.of(System.getProperty("gateway.demo")))) {
      for (Path image : all.filter(file -> file.toString().endsWith(".png")).limit(50).toList()) {
        Files.copy(image, replay.resolve(image.getFileName().toString()));
      }
    }
    try (Broker broker = Broker.moquette();
        Link link = new Link(broker.port());
        Cloud cloud = new Cloud(broker.port());
        GatewayProcess gateway =
            GatewayProcess.start(
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
                Cloud.GATEWAY)) {
      gateway.await("ready in");
      cloud.awaitBirth(0, DeployV2.APPLICATION);
      configure(cloud);
      cloud.await(0, "telemetry", OutageIT::isTelemetry);

      long begun = System.nanoTime();
      AtomicBoolean over = new AtomicBoolean();
      AtomicInteger cuts = new AtomicInteger();
      Thread cutter = new Thread(() -> cutAtRandom(link, cuts, over), "cutter");
      cutter.start();
      Set<String> done = new HashSet<>();
      List<Long> residentKb = new ArrayList<>();
      int refused = 0;
      while (cutter.isAlive()) {
        Cloud.Answer answer = ask(cloud, Topic.Verb.EXEC, "bench/digits", Map.of("runs", 5));
        if (answer.code() == 200) {
          String job = answer.payload().required("job.id", String.class);
          assertThat(done.add(job)).as("a job of its own for each request").isTrue();
          awaitEnd(cloud, job);
        } else {
          refused++;
          assertThat(answer.message()).contains("digits");
        }
        residentKb.add(residentKb(gateway.pid()));
      }
      long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun);
      over.set(true);
      cutter.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));

      // Each request had its effect once: as many jobs as were answered.
      JsonArray jobs =
          ask(cloud, Topic.Verb.GET, "jobs", Map.of()).ok().json().getAsJsonArray("jobs");
      if (done.size() <= 100) {
        assertThat(jobs).hasSize(done.size());
      }
      for (JsonElement job : jobs) {
        assertThat(done).contains(job.getAsJsonObject().get("id").getAsString());
      }

      // No more inferences; then the sums in the cloud are those of the gateway.
      ask(
          cloud,
          "CONF-V1",
          Topic.Verb.PUT,
          "configurations",
          Map.of(),
          new Configurations()
              .component(
                  "org.eclipse.kura.wire.graph.WireGraphService",
                  Map.of("WireGraph", "{\"components\":[],\"wires\":[]}"))
              .xml());
      long own = settledRequests(cloud);
      cloud.await(
          0,
          "telemetry with all " + own + " requests",
          message -> isTelemetry(message) && total(message.payload()) == own);
      TreeMap<Long, Payload> bySequence = new TreeMap<>();
      for (Cloud.Received message : cloud.all(0, OutageIT::isTelemetry)) {
        bySequence.put(message.payload().required("sequence", Long.class), message.payload());
      }
      assertThat(bySequence.values().stream().map(p -> p.metrics().get("boot.id")).distinct())
          .hasSize(1);
      long sum = 0;
      long added = -1;
      long last = 0;
      for (Map.Entry<Long, Payload> entry : bySequence.entrySet()) {
        Payload payload = entry.getValue();
        long previous = payload.required("previous", Long.class);
        sum += added == previous ? counted(payload) : total(payload) - last;
        last = total(payload);
        added = entry.getKey();
      }
      assertThat(sum).as("sum of the intervals").isEqualTo(own);
      assertThat(cuts.get()).isEqualTo(OUTAGES);

      residentKb.sort(Comparator.naturalOrder());
      System.out.printf(
          "outages=%d in %d s  requests with effect=%d (refused %d)  inferences counted=%d  telemetry messages=%d  "
              + "resident MB least %d, median %d, most %d%n",
          cuts.get(),
          seconds,
          done.size(),
          refused,
          own,
          bySequence.size(),
          residentKb.get(0) / 1024,
          residentKb.get(residentKb.size() / 2) / 1024,
          residentKb.get(residentKb.size() - 1) / 1024);
      assertThat(gateway.terminate()).isZero();
      assertThat(cloud.broken()).isEmpty();
    }
  }

  private static void cutAtRandom(Link link, AtomicInteger cuts, AtomicBoolean over) {
    Random random = new Random(17);
    long pause = TimeUnit.SECONDS.toMillis(SECONDS) / OUTAGES;
    try {
      while (cuts.get() < OUTAGES && !over.get()) {
        // With what half of the outages last, the pause on average.
        TimeUnit.MILLISECONDS.sleep(pause * 3 / 8 + random.nextInt((int) pause));
        if (random.nextBoolean()) {
          link.drop();
        } else {
          link.cut();
          TimeUnit.MILLISECONDS.sleep(random.nextInt((int) pause / 2));
          link.mend();
        }
        cuts.incrementAndGet();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean isTelemetry(Cloud.Received message) {
    return message.topic().equals(Cloud.ACCOUNT + "/" + Cloud.GATEWAY + "/SHOJI/telemetry");
  }

  private static long total(Payload payload) {
    Object value = payload.metrics().get("model.digits.requests.total");
    return value == null ? 0 : (Long) value;
  }

  private static long counted(Payload payload) {
    Object value = payload.metrics().get("model.digits.requests");
    return value == null ? 0 : (Long) value;
  }

  /** The gateway's own count, once it does not grow any more. */
  private static long settledRequests(Cloud cloud) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    long before = -1;
    while (System.nanoTime() < deadline) {
      long now = 0;
      JsonObject document = ask(cloud, Topic.Verb.GET, "metrics", Map.of()).ok().json();
      for (JsonElement metrics : document.getAsJsonArray("metrics")) {
        if (metrics.getAsJsonObject().get("model").getAsString().equals("digits")) {
          now += metrics.getAsJsonObject().get("requests").getAsLong();
        }
      }
      if (now == before) {
        return now;
      }
      before = now;
      TimeUnit.SECONDS.sleep(1);
    }
    return fail("inferences go on, %d so far", before);
  }

  private static void awaitEnd(Cloud cloud, String job) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (System.nanoTime() < deadline) {
      Cloud.Answer answer = ask(cloud, Topic.Verb.GET, "jobs/" + job, Map.of()).ok();
      if (answer.text().contains("SUCCEEDED")) {
        return;
      }
      assertThat(answer.text()).doesNotContain("FAILED", "CANCELLED");
      TimeUnit.MILLISECONDS.sleep(50);
    }
    fail("the job does not end id=%s", job);
  }

  private static Cloud.Answer ask(
      Cloud cloud, Topic.Verb verb, String resource, Map<String, Object> metrics) throws Exception {
    return ask(cloud, SHOJI, verb, resource, metrics, null);
  }

  /** Asks again, under the same id, until an answer comes. */
  private static Cloud.Answer ask(
      Cloud cloud,
      String application,
      Topic.Verb verb,
      String resource,
      Map<String, Object> metrics,
      String body)
      throws Exception {
    String id = UUID.randomUUID().toString();
    String topic = new Topic.Reply(Cloud.ACCOUNT, cloud.id(), application, id).toString();
    int from = cloud.count();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (System.nanoTime() < deadline) {
      cloud.send(application, verb, resource, id, metrics, body);
      long again = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
      while (System.nanoTime() < again) {
        List<Cloud.Received> answers = cloud.all(from, message -> message.topic().equals(topic));
        if (!answers.isEmpty()) {
          Payload payload = answers.get(0).payload();
          return new Cloud.Answer(payload.required("response.code", Integer.class), payload);
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
    return fail("no answer to %s", topic);
  }

  private static long residentKb(long pid) throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D+", ""));
      }
    }
    return fail("no VmRSS of the gateway");
  }

  private static void configure(Cloud cloud) throws Exception {
    String wires =
        """
        {"components":[
          {"pid":"images","inputPortCount":0,"outputPortCount":1,"renderingProperties":{"position":{"x":-200,"y":0}}},
          {"pid":"reader","inputPortCount":1,"outputPortCount":1,"renderingProperties":{"position":{"x":0,"y":0}}}],
         "wires":[
          {"emitter":"images","emitterPort":0,"receiver":"reader","receiverPort":0}]}
        """;
    ask(
            cloud,
            "CONF-V1",
            Topic.Verb.PUT,
            "configurations",
            Map.of(),
            new Configurations()
                .component(
                    "org.eclipse.kura.data.DataService",
                    Map.of("enable.rate.limit", false, "connect.retry-interval", 1))
                .factory(
                    "org.eclipse.kura.cloud.publisher.CloudPublisher",
                    "shoji-out",
                    Map.of(
                        "cloud.endpoint.service.pid",
                        "org.eclipse.kura.cloud.CloudService",
                        "appId",
                        "SHOJI",
                        "app.topic",
                        "$type",
                        "qos",
                        1))
                .factory(
                    "io.shoji.gateway.kura.ReplaySource",
                    "images",
                    Map.of("path", "digits", "rate", 50.0, "loop", true, "label.property", ""))
                .factory(
                    "io.shoji.kura.WireInference",
                    "reader",
                    Map.of("model", "digits", "deadlineMs", 30_000))
                .component(
                    "io.shoji.kura.Telemetry",
                    Map.of("CloudPublisher.target", "shoji-out", "interval.seconds", 1))
                .component(
                    "org.eclipse.kura.wire.graph.WireGraphService", Map.of("WireGraph", wires))
                .xml())
        .ok();
  }
}
