/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A change as the journal knows it.
 *
 * @param change how far it is
 * @param deaths starts after an unclean end while it was under way
 * @param doubtful whether something about it was lost, so that it proves nothing
 */
record JournalEntry(ModelChange change, int deaths, boolean doubtful) {

  /** The same, but as something that proves nothing. */
  JournalEntry doubted() {
    return new JournalEntry(change, deaths, true);
  }

  /** The same after another unclean end. */
  JournalEntry afterDeath() {
    return new JournalEntry(change, deaths + 1, doubtful);
  }

  /** As one line of text. */
  String text() {
    JsonObject json = new JsonObject();
    json.addProperty("change", change.id());
    json.addProperty("state", change.state().name());
    change.from().ifPresent(from -> json.add("from", json(from)));
    json.add("to", json(change.to()));
    json.addProperty("started", change.started().toString());
    json.addProperty("updated", change.updated().toString());
    json.addProperty("reason", change.reason());
    JsonObject evidence = new JsonObject();
    change.evidence().forEach(evidence::addProperty);
    json.add("evidence", evidence);
    if (deaths > 0) {
      json.addProperty("deaths", deaths);
    }
    if (doubtful) {
      json.addProperty("doubtful", true);
    }
    return json.toString();
  }

  /** What a line says, for {@link #of} and others; empty if it is no object. */
  static Optional<JsonObject> parse(String text) {
    try {
      JsonElement parsed = JsonParser.parseString(text);
      return parsed.isJsonObject() ? Optional.of(parsed.getAsJsonObject()) : Optional.empty();
    } catch (JsonParseException e) {
      // The line is whole, so this is another layout: the caller says so.
      return Optional.empty();
    }
  }

  /** The change in a line; empty if it holds none that this code understands. */
  static Optional<JournalEntry> of(JsonObject json) {
    try {
      Map<String, String> evidence = new LinkedHashMap<>();
      for (Map.Entry<String, JsonElement> each : object(json, "evidence").entrySet()) {
        evidence.put(each.getKey(), each.getValue().getAsString());
      }
      return Optional.of(
          new JournalEntry(
              new ModelChange(
                  Long.parseLong(text(json, "change")),
                  ModelChange.State.valueOf(text(json, "state")),
                  json.has("from") ? Optional.of(key(object(json, "from"))) : Optional.empty(),
                  key(object(json, "to")),
                  Instant.parse(text(json, "started")),
                  Instant.parse(text(json, "updated")),
                  text(json, "reason"),
                  evidence),
              json.has("deaths") ? Integer.parseInt(text(json, "deaths")) : 0,
              json.has("doubtful")));
    } catch (IllegalArgumentException
        | IllegalStateException
        | UnsupportedOperationException
        | DateTimeException e) {
      // Members are missing or of other types: another layout, the caller says so.
      return Optional.empty();
    }
  }

  private static String text(JsonObject json, String name) {
    JsonElement member = json.get(name);
    if (member == null) {
      throw new IllegalArgumentException(name);
    }
    return member.getAsString();
  }

  private static JsonObject object(JsonObject json, String name) {
    JsonElement member = json.get(name);
    if (member == null || !member.isJsonObject()) {
      throw new IllegalArgumentException(name);
    }
    return member.getAsJsonObject();
  }

  private static JsonObject json(GenerationKey key) {
    JsonObject json = new JsonObject();
    json.addProperty("model", key.model());
    json.addProperty("version", key.version());
    json.addProperty("packageSha256", key.packageSha256());
    json.addProperty("variant", key.variant());
    json.addProperty("variantSha256", key.variantSha256());
    json.addProperty("accelerator", key.accelerator());
    json.addProperty("driver", key.driver());
    json.addProperty("driverVersion", key.driverVersion());
    json.addProperty("runtime", key.runtime());
    json.addProperty("runtimeVersion", key.runtimeVersion());
    json.addProperty("runtimeBuildId", key.runtimeBuildId());
    return json;
  }

  private static GenerationKey key(JsonObject json) {
    return new GenerationKey(
        text(json, "model"),
        text(json, "version"),
        text(json, "packageSha256"),
        text(json, "variant"),
        text(json, "variantSha256"),
        text(json, "accelerator"),
        text(json, "driver"),
        text(json, "driverVersion"),
        text(json, "runtime"),
        text(json, "runtimeVersion"),
        text(json, "runtimeBuildId"));
  }
}
