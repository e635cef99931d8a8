/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A value of a JSON document with its place. Reading something of another type than is there gives
 * nothing: the schema reports it, and the checks that go beyond the schema go on with the rest.
 *
 * @param element the value
 * @param pointer JSON pointer (RFC 6901) of the value, empty for the document
 */
record Json(JsonElement element, String pointer) {
  /** JSON pointer of a member of the object at {@code parent}. */
  static String pointer(String parent, String member) {
    return parent + "/" + member.replace("~", "~0").replace("/", "~1");
  }

  /** A member of this object. */
  Optional<Json> get(String member) {
    if (!(element instanceof JsonObject object)) {
      return Optional.empty();
    }
    JsonElement value = object.get(member);
    return value == null
        ? Optional.empty()
        : Optional.of(new Json(value, pointer(pointer, member)));
  }

  /** The members of this object in their order; none if it is no object. */
  Map<String, Json> members() {
    Map<String, Json> members = new LinkedHashMap<>();
    if (element instanceof JsonObject object) {
      for (Map.Entry<String, JsonElement> member : object.entrySet()) {
        members.put(
            member.getKey(), new Json(member.getValue(), pointer(pointer, member.getKey())));
      }
    }
    return members;
  }

  /** The names of the members of this object. */
  Set<String> names() {
    return element instanceof JsonObject object ? object.keySet() : Set.of();
  }

  /** The elements of the array that a member is; none if it is no array. */
  List<Json> items(String member) {
    return get(member).map(Json::items).orElse(List.of());
  }

  /** The elements of this array; none if it is no array. */
  List<Json> items() {
    List<Json> items = new ArrayList<>();
    if (element.isJsonArray()) {
      for (JsonElement item : element.getAsJsonArray()) {
        items.add(new Json(item, pointer + "/" + items.size()));
      }
    }
    return items;
  }

  /** A member that is a string. */
  Optional<String> text(String member) {
    return get(member).flatMap(Json::text);
  }

  /** This string. */
  Optional<String> text() {
    return element instanceof JsonPrimitive value && value.isString()
        ? Optional.of(value.getAsString())
        : Optional.empty();
  }

  /** A member that is a number without fraction, within a long. */
  OptionalLong integer(String member) {
    Optional<Json> value = get(member);
    return value.isPresent() ? value.get().integer() : OptionalLong.empty();
  }

  /** This number, if it has no fraction and fits a long. */
  OptionalLong integer() {
    if (element instanceof JsonPrimitive value && value.isNumber()) {
      try {
        return OptionalLong.of(value.getAsBigDecimal().longValueExact());
      } catch (ArithmeticException e) {
        return OptionalLong.empty();
      }
    }
    return OptionalLong.empty();
  }

  /** A member that is a number. */
  OptionalDouble number(String member) {
    Optional<Json> value = get(member);
    return value.isPresent() ? value.get().number() : OptionalDouble.empty();
  }

  /** This number. */
  OptionalDouble number() {
    return element instanceof JsonPrimitive value && value.isNumber()
        ? OptionalDouble.of(value.getAsDouble())
        : OptionalDouble.empty();
  }

  /** This boolean. */
  Optional<Boolean> bool() {
    return element instanceof JsonPrimitive value && value.isBoolean()
        ? Optional.of(value.getAsBoolean())
        : Optional.empty();
  }
}
