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

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.kura.cloud.Cloud.Answer;
import io.shoji.kura.operations.Management;
import io.shoji.kura.operations.Reason;
import io.shoji.kura.operations.ScriptedEngine;
import io.shoji.kura.operations.StatusSource;
import io.shoji.kura.telemetry.TelemetryExamples;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The examples in PROTOCOL.md are what the code answers. Where they are not, the document as it
 * should be is in target/PROTOCOL.md.
 */
@Timeout(60)
final class ProtocolDocumentTest {
  private static final Gson PRETTY =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
  private static final Pattern EXAMPLE =
      Pattern.compile(
          "#### `([^`]+)`\\n+(?:```json request\\n(.*?)```\\n+)?```json (.+?)\\n(.*?)```",
          Pattern.DOTALL);

  private final ScriptedEngine engine = new ScriptedEngine();
  private final Management management = engine.management();
  private final Cloud cloud = new Cloud();

  @Test
  void shouldAnswerWhatTheDocumentSays() throws Exception {
    ScriptedEngine.addSource(
        management,
        source(
            StatusSource.CONFIGURATIONS,
            "io.shoji.kura.Models",
            Map.of("configuration", "APPLIED", "inForce", true)));
    ScriptedEngine.addSource(
        management,
        source(
            StatusSource.PIPELINES,
            "inference-1",
            Map.of(
                "configuration", "APPLIED",
                "model", "digits",
                "deadlineMs", 1_000,
                "answered", 498,
                "dropped", 2)));
    CloudRequests requests = cloud.serve(management, Map.of());
    Path file = Path.of("PROTOCOL.md");
    String document = Files.readString(file);
    Matcher examples = EXAMPLE.matcher(document);
    StringBuilder right = new StringBuilder();
    int count = 0;
    while (examples.find()) {
      count++;
      Map.Entry<String, JsonElement> answer = answer(examples.group(1), examples.group(2));
      String request =
          examples.group(2) == null ? "" : "```json request\n" + examples.group(2) + "```\n\n";
      examples.appendReplacement(
          right,
          Matcher.quoteReplacement(
              "#### `"
                  + examples.group(1)
                  + "`\n\n"
                  + request
                  + "```json "
                  + answer.getKey()
                  + "\n"
                  + text(answer.getValue())
                  + "\n```"));
    }
    examples.appendTail(right);
    requests.deactivate();
    Files.createDirectories(Path.of("target"));
    Files.writeString(Path.of("target", "PROTOCOL.md"), right);
    assertThat(count).isGreaterThan(20);
    assertThat(document).isEqualTo(right.toString());
  }

  /**
   * Readable, with lists of plain values on one line; histograms cut short, whose compressed bytes
   * are those of the machine's zlib.
   */
  private static String text(JsonElement answer) {
    return Pattern.compile("\\[[^\\[\\]{}]*\\]")
        .matcher(PRETTY.toJson(answer))
        .replaceAll(
            list ->
                Matcher.quoteReplacement(
                    list.group()
                        .replaceAll("\\s*\\n\\s*", " ")
                        .replace("[ ", "[")
                        .replace(" ]", "]")))
        .replaceAll("\"HISTF[^\"]*\"", "\"HISTF...\"");
  }

  private Map.Entry<String, JsonElement> answer(String what, @Nullable String request)
      throws Exception {
    if (what.equals("NOTIFY")) {
      KuraMessage last = null;
      while (last == null || !"SUCCEEDED".equals(last.getPayload().getMetric("job.state"))) {
        last = cloud.notifications.poll(20, TimeUnit.SECONDS);
        assertThat(last).isNotNull();
      }
      return Map.entry("metrics", metrics(last.getPayload()));
    }
    if (what.equals("telemetry")) {
      return Map.entry("metrics", metrics(TelemetryExamples.figures(engine)));
    }
    if (what.equals("event")) {
      return Map.entry("metrics", metrics(TelemetryExamples.event(engine)));
    }
    Answer answer = cloud.request(what, request);
    if (what.startsWith("EXEC/") && answer.payload().getMetric("job.id") != null) {
      await();
    }
    Map<String, Object> metrics = new TreeMap<>(answer.payload().metrics());
    metrics.remove("response.code");
    return Map.entry("reply " + answer.code() + " " + metrics, answer.document());
  }

  /** The next example finds the job ended. */
  private void await() {
    boolean open = true;
    while (open) {
      open = false;
      for (JsonElement job :
          cloud.request("GET/jobs", Map.of()).document().getAsJsonArray("jobs")) {
        String state = job.getAsJsonObject().get("state").getAsString();
        open |= state.equals("WAITING") || state.equals("RUNNING");
      }
      Thread.onSpinWait();
    }
  }

  private static JsonObject metrics(KuraPayload payload) {
    return JsonParser.parseString(new Gson().toJson(payload.metrics())).getAsJsonObject();
  }

  private static StatusSource source(String section, String name, Map<String, Object> status) {
    return new StatusSource() {
      @Override
      public String section() {
        return section;
      }

      @Override
      public String name() {
        return name;
      }

      @Override
      public Map<String, Object> status() {
        return new LinkedHashMap<>(new TreeMap<>(status));
      }
    };
  }

  @Test
  void shouldNameEveryReasonAndEveryMetric() throws Exception {
    String document = Files.readString(Path.of("PROTOCOL.md"), StandardCharsets.UTF_8);
    for (Reason reason : Reason.values()) {
      assertThat(document).contains("`" + reason + "`");
    }
    KuraPayload figures = TelemetryExamples.figures(engine);
    KuraPayload event = TelemetryExamples.event(engine);
    for (KuraPayload payload : new KuraPayload[] {figures, event}) {
      for (String metric : payload.metricNames()) {
        String name =
            metric
                .replace("model.digits.", "model.<m>.")
                .replace("accelerator.cpu:cpu0.", "accelerator.<a>.")
                .replace("errors.DEADLINE_EXCEEDED", "errors.<CODE>")
                .replaceFirst("event\\.detail\\..*", "event.detail.<name>");
        assertThat(named(document, name)).as(metric).isTrue();
      }
    }
  }

  /** Whole, or by its ending where a row of the table shortens it. */
  private static boolean named(String document, String metric) {
    if (document.contains("`" + metric + "`")) {
      return true;
    }
    if (metric.startsWith("model.<m>.queue.")) {
      return document.contains("`model.<m>.queue.*`");
    }
    String ending = metric.replaceFirst("^(model|accelerator)\\.<.>\\.(latency\\.)?", "");
    return document.contains("`" + ending + "`") || document.contains("`..." + ending + "`");
  }
}
