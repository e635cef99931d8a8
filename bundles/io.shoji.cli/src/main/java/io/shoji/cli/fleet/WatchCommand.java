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

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.Topic;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet watch}. */
@Command(
    name = "watch",
    description = {
      "Show what gateways send, as it comes: telemetry, events, and that they come and go. Ctrl-C ends it."
    },
    footer = {
      "  shoji fleet watch -p works",
      "  shoji fleet watch -p works gw1 gw2 --json | jq -c 'select(.kind == \"TELEMETRY\") | .metrics'",
      "  shoji fleet watch -p works --topic 'shoji/#' --for 60"
    })
final class WatchCommand implements Callable<Integer> {
  private static final int QUEUE = 10_000;
  private static final int LONGEST_TEXT = 400;
  private static final int LONGEST_ID = 24;
  private static final int LONGEST_TOPIC = 32;
  private static final String ROW = "%-12s  %-" + LONGEST_ID + "s  %-" + LONGEST_TOPIC + "s  %s";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT).withZone(ZoneId.systemDefault());

  @Parameters(
      index = "0..*",
      paramLabel = "GATEWAY",
      description = "Client ids of gateways; all of the account unless given.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = "--topic",
      paramLabel = "FILTER",
      order = 1,
      description =
          "Telemetry of these topics only: what follows account and gateway, as MQTT filters it.")
  private String filter = "#";

  @Option(names = "--no-telemetry", order = 2, description = "Only that gateways come and go.")
  private boolean noTelemetry;

  @Option(
      names = "--for",
      paramLabel = "SECONDS",
      order = 3,
      description = "End after so long; never unless given.")
  private double seconds;

  @Option(
      names = "--count",
      paramLabel = "N",
      order = 4,
      description = "End after so many messages; never unless given.")
  private long count;

  @Mixin private final ConnectionOptions connection = new ConnectionOptions();
  @Mixin private final OutputOptions output = new OutputOptions();

  private final Environment environment;
  private final BlockingQueue<Message> messages = new ArrayBlockingQueue<>(QUEUE);
  private final AtomicLong dropped = new AtomicLong();

  WatchCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException, InterruptedException {
    for (String gateway : gateways) {
      ConnectionOptions.checkPart("a gateway's id", gateway);
    }
    if (!(seconds >= 0) || count < 0 || filter.isBlank()) {
      throw new CommandException(
          ExitCode.USAGE, "USAGE", "--for and --count are 0 or more, and --topic is not empty");
    }
    Progress notes = new Progress(environment, output.quiet(), "watch", 0, false);
    Profile profile = connection.profile(environment);
    FleetSettings settings = connection.settings(environment, profile, notes::note);
    try (Fleet fleet = Fleet.connect(settings, notes::note)) {
      fleet.listen(this::take);
      for (String gateway : gateways.isEmpty() ? List.of("+") : gateways) {
        fleet.subscribe(
            Topic.CONTROL
                + "/"
                + settings.account()
                + "/"
                + gateway
                + "/"
                + Topic.LifeCycle.APPLICATION
                + "/+");
        if (!noTelemetry) {
          fleet.subscribe(settings.account() + "/" + gateway + "/" + filter);
        }
      }
      print(notes);
    }
    return ExitCode.OK.code();
  }

  private void take(Message message) {
    if ((message.topic() instanceof Topic.LifeCycle || message.topic() instanceof Topic.Telemetry)
        && !messages.offer(message)) {
      dropped.incrementAndGet();
    }
  }

  private void print(Progress notes) throws InterruptedException {
    if (!output.json()) {
      environment
          .out()
          .println(String.format(Locale.ROOT, ROW, "TIME", "GATEWAY", "TOPIC", "MESSAGE"));
    }
    environment.out().flush();
    long deadline = seconds > 0 ? System.nanoTime() + Math.round(seconds * 1e9) : Long.MAX_VALUE;
    long printed = 0;
    while (count == 0 || printed < count) {
      long left = seconds > 0 ? deadline - System.nanoTime() : TimeUnit.HOURS.toNanos(1);
      if (left <= 0) {
        return;
      }
      Message message = messages.poll(left, TimeUnit.NANOSECONDS);
      if (message == null) {
        continue;
      }
      environment.out().println(output.json() ? Json.line(json(message)) : row(message));
      printed++;
      if (messages.isEmpty()) {
        environment.out().flush();
      }
      long lost = dropped.getAndSet(0);
      if (lost > 0) {
        notes.note("messages came faster than they could be printed, and were dropped n=" + lost);
      }
    }
  }

  private static String client(Topic topic) {
    if (topic instanceof Topic.LifeCycle life) {
      return life.client();
    }
    return topic instanceof Topic.Telemetry telemetry ? telemetry.client() : "";
  }

  private static String about(Topic topic) {
    if (topic instanceof Topic.LifeCycle life) {
      return life.kind().text();
    }
    if (topic instanceof Topic.Telemetry telemetry) {
      return telemetry.semantic().isEmpty()
          ? telemetry.application()
          : telemetry.application() + "/" + telemetry.semantic();
    }
    return topic.toString();
  }

  private static Instant timeOf(Message message) {
    Payload payload = message.payload();
    return payload != null && payload.timestampMs().isPresent()
        ? Instant.ofEpochMilli(payload.timestampMs().getAsLong())
        : message.received();
  }

  private static String row(Message message) {
    return String.format(
        Locale.ROOT,
        ROW,
        TIME.format(timeOf(message)),
        Text.cut(client(message.topic()), LONGEST_ID),
        Text.cut(about(message.topic()), LONGEST_TOPIC),
        Text.cut(said(message), LONGEST_TEXT));
  }

  private static String said(Message message) {
    Payload payload = message.payload();
    if (payload == null) {
      return "cannot be read: " + (message.problem() == null ? "" : message.problem().getMessage());
    }
    Map<String, Object> metrics = payload.metrics();
    List<String> parts = new ArrayList<>();
    if (message.topic() instanceof Topic.LifeCycle life) {
      switch (life.kind()) {
        case BIRTH -> parts.add("is connected");
        case APPLICATIONS -> parts.add("has other applications now");
        case DISCONNECT -> parts.add("disconnects");
        case LOST -> parts.add("is lost");
      }
      for (String name : List.of(Metrics.DISPLAY_NAME, "kura_version", Metrics.APPLICATION_IDS)) {
        if (metrics.get(name) instanceof String value) {
          parts.add(name + "=" + value);
        }
      }
      return String.join(" ", parts);
    }
    if (metrics.get("type") instanceof String type && metrics.get("version") instanceof Integer) {
      // Shoji's own: what a person asks first, in a line that fits.
      if (type.equals("event")) {
        return ShojiTelemetry.event(metrics);
      }
      if (type.equals("telemetry")) {
        return ShojiTelemetry.figures(metrics);
      }
    }
    metrics.forEach((name, value) -> parts.add(name + "=" + shown(value)));
    payload.body().ifPresent(body -> parts.add(shown(body)));
    return String.join(" ", parts);
  }

  private static String shown(Object value) {
    if (!(value instanceof byte[] bytes)) {
      return value.toString();
    }
    String text = text(bytes);
    return text == null ? "(" + bytes.length + " bytes)" : text;
  }

  private static @Nullable String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private static JsonObject json(Message message) {
    JsonObject line = new JsonObject();
    line.addProperty("time", timeOf(message).toString());
    line.addProperty("gateway", client(message.topic()));
    line.addProperty(
        "kind", message.topic() instanceof Topic.LifeCycle ? "LIFE_CYCLE" : "TELEMETRY");
    line.addProperty("topic", about(message.topic()));
    if (message.retained()) {
      line.addProperty("retained", true);
    }
    Payload payload = message.payload();
    if (payload == null) {
      line.addProperty(
          "error", message.problem() == null ? "" : String.valueOf(message.problem().getMessage()));
      return line;
    }
    JsonObject metrics = new JsonObject();
    payload.metrics().forEach((name, value) -> metrics.add(name, json(value)));
    line.add("metrics", metrics);
    payload.body().ifPresent(body -> line.add("body", body(body)));
    return line;
  }

  private static JsonElement json(Object value) {
    if (value instanceof Boolean flag) {
      return new JsonPrimitive(flag);
    }
    if (value instanceof Number number) {
      double real = number.doubleValue();
      return Double.isFinite(real)
          ? new JsonPrimitive(number)
          : new JsonPrimitive(value.toString());
    }
    return value instanceof byte[] bytes
        ? new JsonPrimitive(Base64.getEncoder().encodeToString(bytes))
        : new JsonPrimitive(value.toString());
  }

  /** JSON as it is, other text as a string, anything else in Base64. */
  private static JsonElement body(byte[] bytes) {
    String text = text(bytes);
    if (text == null) {
      return new JsonPrimitive(Base64.getEncoder().encodeToString(bytes));
    }
    if (text.startsWith("{") || text.startsWith("[")) {
      try {
        return Json.parse(text);
      } catch (JsonParseException e) {
        return new JsonPrimitive(text);
      }
    }
    return new JsonPrimitive(text);
  }
}
