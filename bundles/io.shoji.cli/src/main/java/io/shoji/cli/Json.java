/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reading and writing of JSON documents whose members may be missing. */
public final class Json {
  private static final Gson PRETTY =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
  private static final Gson LINE = new GsonBuilder().disableHtmlEscaping().create();
  private static final int DEEPEST = 100;

  private Json() {}

  /** A document over several lines. */
  public static String pretty(JsonElement document) {
    return PRETTY.toJson(document);
  }

  /** A document in one line. */
  public static String line(JsonElement document) {
    return LINE.toJson(document);
  }

  /**
   * Reads a document.
   *
   * @throws JsonParseException if it is none, or is nested deeper than any of ours
   */
  public static JsonElement parse(String text) {
    int depth = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '[' || c == '{') {
        depth++;
      } else if (c == ']' || c == '}') {
        depth--;
      }
      if (depth > DEEPEST) {
        throw new JsonParseException("nested too deeply, more than " + DEEPEST);
      }
    }
    return JsonParser.parseString(text);
  }

  /** A member as text, however it is written; empty if it is missing, null or no plain value. */
  public static Optional<String> text(@Nullable JsonElement from, String member) {
    return member(from, member).filter(JsonElement::isJsonPrimitive).map(JsonElement::getAsString);
  }

  /** A member as a number; empty if it is missing or no number. */
  public static Optional<Double> number(@Nullable JsonElement from, String member) {
    return member(from, member)
        .filter(JsonElement::isJsonPrimitive)
        .map(JsonElement::getAsJsonPrimitive)
        .filter(value -> value.isNumber())
        .flatMap(value -> decimal(value.getAsString()));
  }

  private static Optional<Double> decimal(String text) {
    try {
      return Optional.of(new BigDecimal(text).doubleValue());
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** A member; empty if it is missing or null. */
  public static Optional<JsonElement> member(@Nullable JsonElement from, String member) {
    return from instanceof JsonObject object
        ? Optional.ofNullable(object.get(member)).filter(value -> !value.isJsonNull())
        : Optional.empty();
  }

  /** Says of an accelerator that it is simulated, behind its name; nothing of a real one. */
  public static String simulated(JsonElement accelerator) {
    return member(accelerator, "simulated")
            .filter(value -> value.isJsonPrimitive() && value.getAsBoolean())
            .isPresent()
        ? " (simulated)"
        : "";
  }

  /** A member's elements; none if it is missing or no array. */
  public static List<JsonElement> elements(@Nullable JsonElement from, String member) {
    List<JsonElement> elements = new ArrayList<>();
    member(from, member)
        .filter(JsonElement::isJsonArray)
        .map(JsonElement::getAsJsonArray)
        .ifPresent(array -> array.forEach(elements::add));
    return elements;
  }

  /** A document as indented text for people: {@code name: value}, a line each. */
  public static String outline(JsonElement document) {
    if (isPlain(document)) {
      return plain(document);
    }
    StringBuilder text = new StringBuilder();
    outline(document, 0, text);
    return text.toString().stripTrailing();
  }

  private static void outline(JsonElement element, int indent, StringBuilder text) {
    if (element instanceof JsonObject object) {
      for (Map.Entry<String, JsonElement> member : object.entrySet()) {
        entry(member.getKey() + ":", member.getValue(), indent, text);
      }
    } else if (element instanceof JsonArray array) {
      for (JsonElement item : array) {
        entry("-", item, indent, text);
      }
    } else {
      text.append(" ".repeat(indent)).append(plain(element)).append('\n');
    }
  }

  private static void entry(String label, JsonElement value, int indent, StringBuilder text) {
    text.append(" ".repeat(indent)).append(label);
    if (isPlain(value)) {
      text.append(' ').append(plain(value)).append('\n');
    } else {
      text.append('\n');
      outline(value, indent + 2, text);
    }
  }

  private static boolean isPlain(JsonElement value) {
    if (value instanceof JsonArray array) {
      for (JsonElement item : array) {
        if (!item.isJsonPrimitive()) {
          return false;
        }
      }
      return true;
    }
    return !(value instanceof JsonObject object) || object.size() == 0;
  }

  private static String plain(JsonElement value) {
    if (value instanceof JsonArray array) {
      List<String> items = new ArrayList<>();
      array.forEach(item -> items.add(item.getAsString()));
      return items.isEmpty() ? "none" : String.join(", ", items);
    }
    return value.isJsonPrimitive() ? Text.printable(value.getAsString()) : "none";
  }
}
