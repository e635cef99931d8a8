/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object under construction, members in the order in which they are put. What is not known
 * is left out: empty optionals, null, and numbers that are not finite. Times are in UTC, to the
 * millisecond. Not thread safe.
 */
public final class Document {
  private final JsonObject json = new JsonObject();

  /**
   * Puts a member.
   *
   * @param value String, Number, Boolean, Enum, Instant, Document, JsonElement, an optional, a Map
   *     with text keys, an Iterable of any of these, or null
   * @throws IllegalArgumentException for anything else
   */
  public Document put(String name, @Nullable Object value) {
    JsonElement element = element(value);
    if (element != null) {
      json.add(name, element);
    }
    return this;
  }

  /** The object; further changes of this document show in it. */
  public JsonObject json() {
    return json;
  }

  private static @Nullable JsonElement element(@Nullable Object value) {
    if (value == null) {
      return null;
    }
    if (value instanceof Optional<?> optional) {
      return element(optional.orElse(null));
    }
    if (value instanceof OptionalLong optional) {
      return optional.isPresent() ? new JsonPrimitive(optional.getAsLong()) : null;
    }
    if (value instanceof OptionalDouble optional) {
      return optional.isPresent() ? element(optional.getAsDouble()) : null;
    }
    if (value instanceof Number number) {
      return Double.isFinite(number.doubleValue()) ? new JsonPrimitive(number) : null;
    }
    if (value instanceof Boolean bool) {
      return new JsonPrimitive(bool);
    }
    if (value instanceof String || value instanceof Enum<?>) {
      return new JsonPrimitive(value.toString());
    }
    if (value instanceof Instant time) {
      return new JsonPrimitive(time.truncatedTo(ChronoUnit.MILLIS).toString());
    }
    if (value instanceof Document document) {
      return document.json;
    }
    if (value instanceof JsonElement element) {
      return element;
    }
    if (value instanceof Map<?, ?> map) {
      Document object = new Document();
      map.forEach((key, member) -> object.put(key.toString(), member));
      return object.json;
    }
    if (value instanceof Iterable<?> items) {
      JsonArray array = new JsonArray();
      for (Object item : items) {
        JsonElement element = element(item);
        if (element != null) {
          array.add(element);
        }
      }
      return array;
    }
    throw new IllegalArgumentException("not of JSON type=" + value.getClass().getName());
  }
}
