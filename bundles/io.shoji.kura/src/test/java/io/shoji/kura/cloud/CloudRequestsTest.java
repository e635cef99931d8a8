/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.cloud;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.shoji.kura.cloud.Cloud.Answer;
import io.shoji.kura.operations.Management;
import io.shoji.kura.operations.ScriptedEngine;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.message.KuraPayload;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests over Kura's interfaces: what is answered, what is refused and how often it is done. */
@Timeout(120)
final class CloudRequestsTest {
  private final ScriptedEngine engine = new ScriptedEngine();
  private final Management management = engine.management();
  private final Cloud cloud = new Cloud();
  private final CloudRequests requests = cloud.serve(management, Map.of());

  @AfterEach
  void stop() {
    engine.steps.release(1_000);
    requests.deactivate();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET/status",
        "GET/accelerators",
        "GET/accelerators/cpu:cpu0",
        "GET/models",
        "GET/models/digits",
        "GET/pipelines",
        "GET/metrics",
        "GET/events",
        "GET/jobs",
        "EXEC/unpin/digits",
        "EXEC/collect-garbage",
        "GET/models/digits/"
      })
  void shouldAnswerWithAVersionWhenAskedForWhatThereIs(String topic) {
    Answer answer = cloud.request(topic, Map.of());
    assertThat(answer.code()).isEqualTo(200);
    assertThat(answer.payload().getMetric("version")).isEqualTo(1);
    assertThat(answer.document().get("version").getAsInt()).isEqualTo(1);
    assertThat(answer.document().get("shoji").getAsString()).isEqualTo("0.1.0");
  }

  @Test
  void shouldShowBothDriversWhenTheyAreThereSideBySide() {
    engine.besides = "io.shoji.driver.cpu.beside";

    JsonObject document = cloud.request("GET/accelerators/cpu:cpu0", Map.of()).document();

    JsonObject serves = document.getAsJsonObject("accelerator");
    assertThat(serves.get("driver").getAsString()).isEqualTo("io.shoji.driver.cpu");
    JsonObject beside = document.getAsJsonArray("beside").get(0).getAsJsonObject();
    assertThat(beside.get("driver").getAsString()).isEqualTo("io.shoji.driver.cpu.beside");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, 404, UNKNOWN_RESOURCE",
    "GET/nothing, 404, UNKNOWN_RESOURCE",
    "GET/models/digits/more, 404, UNKNOWN_RESOURCE",
    "GET/models/nothing, 404, UNKNOWN_MODEL",
    "GET/accelerators/gpu:0, 404, UNKNOWN_ACCELERATOR",
    "GET/jobs/7, 404, UNKNOWN_JOB",
    "DEL/jobs/7, 404, UNKNOWN_JOB",
    "DEL/models/digits, 404, UNKNOWN_RESOURCE",
    "EXEC, 404, UNKNOWN_RESOURCE",
    "EXEC/explode, 404, UNKNOWN_RESOURCE",
    "EXEC/bench, 400, BAD_ARGUMENT",
    "EXEC/bench/nothing, 404, UNKNOWN_MODEL",
    "EXEC/bench/digits/now, 404, UNKNOWN_RESOURCE",
    "EXEC/pin/digits, 400, BAD_ARGUMENT",
    "EXEC/unpin/nothing, 404, UNKNOWN_MODEL",
    "EXEC/collect-garbage/digits, 404, UNKNOWN_RESOURCE",
    "PUT/status, 400, BAD_METHOD",
    "POST/status, 400, BAD_METHOD",
  })
  void shouldSayWhyWhenItIsRefused(String topic, int code, String reason) {
    Answer answer = cloud.request(topic, Map.of());
    assertThat(answer.code()).isEqualTo(code);
    assertThat(answer.reason()).isEqualTo(reason);
    assertThat(answer.message()).isNotBlank().doesNotContain("\n");
    assertThat(answer.document().getAsJsonObject("error").get("message").getAsString())
        .isEqualTo(answer.message());
    assertThat(answer.payload().getMetric("response.exception.stack")).isNull();
    assertThat(engine.calls).isEmpty();
  }

  @Test
  void shouldRefuseWhenArgumentsAreWrong() {
    refused("EXEC/bench/digits", Map.of("runs", 0), "name=runs", "range=[1, 100000]");
    refused("EXEC/bench/digits", Map.of("runs", "7"), "name=runs", "STRING metric");
    refused("EXEC/bench/digits", Map.of("runs", 7.0), "name=runs", "DOUBLE metric");
    refused("EXEC/bench/digits", Map.of("threads", 65), "name=threads", "range=[1, 64]");
    refused("EXEC/bench/digits", Map.of("warmup", -1), "name=warmup");
    refused("EXEC/bench/digits", Map.of("speed", 1), "name=speed", "allowed=model,runs");
    refused("EXEC/bench/digits", Map.of("model", "other"), "twice name=model");
    refused("EXEC/pin/digits", Map.of("modelVersion", "newest"), "name=modelVersion", "1.2.0");
    refused("EXEC/pin/digits", Map.of("modelVersion", 1.0), "name=modelVersion", "DOUBLE");
    refused("GET/events", Map.of("after", -1L), "name=after");
    refused("GET/events", Map.of("limit", 1_001), "name=limit");
    refused("GET/status", Map.of("verbose", true), "name=verbose", "allowed=none");
    assertThat(engine.calls).isEmpty();
  }

  private void refused(String topic, Map<String, ?> metrics, String... parts) {
    Answer answer = cloud.request(topic, metrics);
    assertThat(answer.code()).isEqualTo(400);
    assertThat(answer.reason()).isEqualTo("BAD_ARGUMENT");
    assertThat(answer.message()).contains(parts);
  }

  @Test
  void shouldRefuseWhenBodyIsGiantMalformedOrNoText() {
    byte[] giant = new byte[64 * 1024 + 1];
    Arrays.fill(giant, (byte) ' ');
    for (byte[] body :
        new byte[][] {giant, {1, 2, 3}, {(byte) 0xc3}, "[1]".getBytes(StandardCharsets.UTF_8)}) {
      KuraPayload payload = new KuraPayload();
      payload.setBody(body);
      Answer answer = cloud.request("EXEC/bench/digits", payload, "b" + body.length);
      assertThat(answer.code()).isEqualTo(400);
      assertThat(answer.reason()).isIn("BAD_BODY", "BODY_TOO_LARGE");
    }
    assertThat(cloud.request("GET/status", Map.of()).code()).isEqualTo(200);
  }

  @Test
  void shouldSurviveWhenKuraGivesNoResource() throws Exception {
    KuraMessage bare = new KuraMessage(new KuraPayload());
    KuraMessage reply = requests.doGet(new RequestHandlerContext(cloud, Map.of()), bare);
    assertThat(reply.getPayload().getMetric("response.code")).isEqualTo(404);
  }

  @Test
  void shouldDoItOnceWhenARequestComesAgain() throws Exception {
    KuraPayload payload = new KuraPayload();
    Answer first = cloud.request("EXEC/rollback/digits", payload, "77");
    Answer again = cloud.request("EXEC/rollback/digits", payload, "77");
    assertThat(first.code()).isEqualTo(200);
    assertThat(again.document()).isEqualTo(first.document());
    assertThat(engine.calls).containsExactly("rollback digits");
    assertThat(cloud.request("EXEC/rollback/digits", payload, "78").reason()).isEqualTo("CONFLICT");
    assertThat(requests.status()).containsEntry("repeated", 1L);
  }

  @Test
  void shouldDoItOnceWhenARequestComesManyTimesAtOnce() throws Exception {
    engine.held = true;
    ExecutorService callers = Executors.newFixedThreadPool(16);
    List<Future<Answer>> answers = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      answers.add(
          callers.submit(() -> cloud.request("EXEC/bench/digits", new KuraPayload(), "the same")));
    }
    Set<Object> jobs = new HashSet<>();
    for (Future<Answer> answer : answers) {
      assertThat(answer.get().code()).isEqualTo(200);
      jobs.add(answer.get().payload().getMetric("job.id"));
    }
    callers.shutdown();
    assertThat(jobs).hasSize(1);
  }

  @Test
  void shouldStayItselfWhenAThousandRequestsComeAtOnce() throws Exception {
    engine.held = true;
    ExecutorService callers = Executors.newFixedThreadPool(8);
    List<Future<Answer>> answers = new ArrayList<>();
    String[] topics = {"EXEC/bench/digits", "GET/status", "GET/metrics", "EXEC/verify/digits"};
    for (int i = 0; i < 1_000; i++) {
      String topic = topics[i % topics.length];
      answers.add(callers.submit(() -> cloud.request(topic, Map.of())));
    }
    int started = 0;
    for (int i = 0; i < 1_000; i++) {
      Answer answer = answers.get(i).get();
      if (topics[i % topics.length].startsWith("GET")) {
        assertThat(answer.code()).isEqualTo(200);
      } else if (answer.code() == 200) {
        started++;
      } else {
        assertThat(answer.reason()).isEqualTo("CONFLICT");
      }
    }
    callers.shutdown();
    assertThat(started).isEqualTo(1);
    assertThat(cloud.request("GET/jobs", Map.of()).document().getAsJsonArray("jobs")).hasSize(1);
  }

  @Test
  void shouldNotifyProgressAndEndWhenAJobRuns() throws Exception {
    requests.modified(Map.of("notification.interval.ms", 200));
    engine.held = true;
    Answer started = cloud.request("EXEC/bench/digits", Map.of("runs", 8));
    String job = (String) started.payload().getMetric("job.id");
    assertThat(started.document().getAsJsonObject("job").get("id").getAsString()).isEqualTo(job);
    engine.steps.release(2);
    KuraMessage first = next();
    assertThat(first.getProperties())
        .containsEntry("appId", "SHOJI-V1")
        .containsEntry("messageType", "job")
        .containsEntry("requestorClientId", "console-1");
    engine.steps.release(2);
    KuraMessage last = first;
    while (!"SUCCEEDED".equals(last.getPayload().getMetric("job.state"))) {
      last = next();
      assertThat(last.getPayload().getMetric("job.id")).isEqualTo(job);
    }
    assertThat(last.getPayload().getMetric("job.progress")).isEqualTo(1.0);
    assertThat(cloud.notifications).isEmpty();
    assertThat(
            cloud
                .request("GET/jobs/" + job, Map.of())
                .document()
                .getAsJsonObject("job")
                .getAsJsonObject("result")
                .get("throughputPerSecond")
                .getAsInt())
        .isEqualTo(4_000);
  }

  private KuraMessage next() throws InterruptedException {
    KuraMessage message = cloud.notifications.poll(20, TimeUnit.SECONDS);
    assertThat(message).as("a notification").isNotNull();
    return message;
  }

  @Test
  void shouldCancelWhenAskedTo() throws Exception {
    engine.held = true;
    String job =
        (String) cloud.request("EXEC/bench/digits", Map.of()).payload().getMetric("job.id");
    assertThat(cloud.request("DEL/jobs/" + job, Map.of()).code()).isEqualTo(200);
    engine.steps.release();
    KuraMessage last = next();
    while (!"CANCELLED".equals(last.getPayload().getMetric("job.state"))) {
      last = next();
    }
    engine.held = false;
    assertThat(cloud.request("EXEC/bench/digits", Map.of()).code()).isEqualTo(200);
  }

  @Test
  void shouldGoOnWhenNotificationsFail() throws Exception {
    cloud.broken = true;
    String job =
        (String) cloud.request("EXEC/verify/digits", Map.of()).payload().getMetric("job.id");
    String state = "";
    while (!state.equals("SUCCEEDED")) {
      state =
          cloud
              .request("GET/jobs/" + job, Map.of())
              .document()
              .getAsJsonObject("job")
              .get("state")
              .getAsString();
    }
    assertThat(engine.calls).containsExactly("verify digits");
  }

  @Test
  void shouldRefuseOperationsWhenTheFormDoesNotAllowThem() {
    Map<String, Object> none = new HashMap<>();
    CloudSettings.OPERATIONS.keySet().forEach(attribute -> none.put(attribute, false));
    requests.modified(none);
    for (Set<String> operations : CloudSettings.OPERATIONS.values()) {
      for (String operation : operations) {
        Answer answer = cloud.request("EXEC/" + operation, Map.of("model", "digits"));
        assertThat(answer.code()).isEqualTo(400);
        assertThat(answer.reason()).isEqualTo("FORBIDDEN");
        assertThat(answer.message()).contains(operation);
      }
    }
    assertThat(engine.calls).isEmpty();
    assertThat(cloud.request("GET/models", Map.of()).code()).isEqualTo(200);
  }

  @Test
  void shouldComeAndGoWithConnectionsAndTheForm() {
    Cloud second = new Cloud();
    requests.addRegistry(second);
    assertThat(second.handlers).containsKey("SHOJI-V1");
    requests.modified(Map.of("enabled", false));
    assertThat(cloud.handlers).isEmpty();
    assertThat(second.handlers).isEmpty();
    requests.modified(Map.of("enabled", true));
    assertThat(second.handlers).containsKey("SHOJI-V1");
    requests.removeRegistry(second);
    assertThat(second.handlers).isEmpty();
    Cloud broken = new Cloud();
    broken.broken = true;
    requests.addRegistry(broken);
    assertThat(cloud.request("GET/status", Map.of()).code()).isEqualTo(200);
  }

  @Test
  void shouldKeepTheLastGoodFormWhenEveryFieldIsWrong() {
    requests.modified(Map.of("allow.bench", false));
    Map<String, Object> wrong = new HashMap<>();
    CloudSettings.OPERATIONS.keySet().forEach(attribute -> wrong.put(attribute, "perhaps"));
    wrong.put("enabled", 7);
    wrong.put("body.limit.kib", 0);
    wrong.put("notification.interval.ms", "soon");
    requests.modified(wrong);
    assertThat(requests.status())
        .containsEntry("configuration", "REFUSED")
        .containsEntry("inEffect", "LAST_GOOD");
    assertThat((List<?>) requests.status().get("problems")).hasSize(wrong.size());
    assertThat(cloud.request("EXEC/bench/digits", Map.of()).reason()).isEqualTo("FORBIDDEN");
    assertThat(cloud.request("EXEC/verify/digits", Map.of()).code()).isEqualTo(200);
    requests.modified(Map.of());
    assertThat(requests.status()).containsEntry("configuration", "APPLIED");
  }

  @Test
  void shouldSayThatTheEngineIsAbsentWhenItIs() {
    Cloud other = new Cloud();
    CloudRequests without = other.serve(new ScriptedEngine().managementWithoutEngine(), Map.of());
    for (String topic : List.of("GET/models", "GET/metrics", "GET/events", "EXEC/bench/digits")) {
      Answer answer = other.request(topic, Map.of());
      assertThat(answer.code()).isEqualTo(500);
      assertThat(answer.reason()).isEqualTo("NO_ENGINE");
    }
    assertThat(other.request("GET/status", Map.of()).document().get("engine").getAsString())
        .isEqualTo("ABSENT");
    without.deactivate();
  }
}
