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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads a JSON object that somebody else wrote: UTF-8 only, no duplicate members, nesting and
 * numbers bounded, nothing after the end.
 */
final class JsonReading {
  /** Deepest nesting of objects and arrays. */
  static final int DEPTH = 16;

  /** Most values, so that a document of a million wrong ones is not explained one by one. */
  static final int VALUES = 50_000;

  private static final int NUMBER_LENGTH = 40;
  private static final double NUMBER_MAX = 1e300;
  private static final int NUMBER_MAX_SCALE = 340;

  private final JsonReader reader;
  private final Reasons reasons;
  private int values;

  private JsonReading(String text, Reasons reasons) {
    this.reader = new JsonReader(new StringReader(text));
    this.reasons = reasons;
  }

  /**
   * Reads a document.
   *
   * @param place what the bytes are, for the reasons
   * @param reasons gets what is wrong
   * @return the document, whatever the reasons; of members that are there twice it has the first,
   *     and null instead of what is out of bounds; empty if it is no JSON object
   */
  static Optional<Json> read(byte[] utf8, String place, Reasons reasons) {
    String text;
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(utf8))
              .toString();
    } catch (CharacterCodingException e) {
      reasons.add(place, "is not UTF-8; save it as UTF-8 bytes=" + utf8.length);
      return Optional.empty();
    }
    JsonReading reading = new JsonReading(text, reasons);
    try {
      if (reading.reader.peek() != JsonToken.BEGIN_OBJECT) {
        reasons.add(place, "asked for a JSON object, found=" + reading.reader.peek());
        return Optional.empty();
      }
      JsonElement document = reading.value("", 1);
      if (reading.values > VALUES) {
        reasons.add(place, "has too many values; most allowed=" + VALUES);
        return Optional.empty();
      }
      if (reading.reader.peek() != JsonToken.END_DOCUMENT) {
        reasons.add(place, "goes on after the end of its JSON object");
        return Optional.empty();
      }
      return Optional.of(new Json(document, ""));
    } catch (EOFException e) {
      reasons.add(place, "ends in the middle of its JSON; it was cut off bytes=" + utf8.length);
      return Optional.empty();
    } catch (MalformedJsonException e) {
      reasons.add(place, "is not JSON (RFC 8259): " + firstLine(e));
      return Optional.empty();
    } catch (IOException | IllegalStateException | NumberFormatException e) {
      reasons.add(place, "cannot be read as JSON: " + firstLine(e));
      return Optional.empty();
    }
  }

  private JsonElement value(String pointer, int depth) throws IOException {
    JsonToken token = reader.peek();
    if (++values > VALUES) {
      reader.skipValue();
      return JsonNull.INSTANCE;
    }
    if (depth > DEPTH && (token == JsonToken.BEGIN_OBJECT || token == JsonToken.BEGIN_ARRAY)) {
      reasons.add(pointer, "is nested too deeply; deepest allowed=" + DEPTH);
      reader.skipValue();
      return JsonNull.INSTANCE;
    }
    return switch (token) {
      case BEGIN_OBJECT -> object(pointer, depth);
      case BEGIN_ARRAY -> array(pointer, depth);
      case STRING -> new JsonPrimitive(reader.nextString());
      case NUMBER -> number(pointer, reader.nextString());
      case BOOLEAN -> new JsonPrimitive(reader.nextBoolean());
      case NULL -> {
        reader.nextNull();
        yield JsonNull.INSTANCE;
      }
      default -> throw new MalformedJsonException("a value is missing at " + pointer);
    };
  }

  private JsonArray array(String pointer, int depth) throws IOException {
    JsonArray array = new JsonArray();
    reader.beginArray();
    while (reader.hasNext()) {
      array.add(value(pointer + "/" + array.size(), depth + 1));
    }
    reader.endArray();
    return array;
  }

  private JsonObject object(String pointer, int depth) throws IOException {
    JsonObject object = new JsonObject();
    reader.beginObject();
    while (reader.hasNext()) {
      String name = reader.nextName();
      String place = Json.pointer(pointer, name);
      JsonElement value = value(place, depth + 1);
      if (object.has(name)) {
        reasons.add(place, "is there twice; keep one of the two");
      } else {
        object.add(name, value);
      }
    }
    reader.endObject();
    return object;
  }

  private JsonElement number(String pointer, String text) {
    // Bounded before anything computes with it: 1e999999999 as an integer fills the memory.
    if (text.length() <= NUMBER_LENGTH && Math.abs(Double.parseDouble(text)) <= NUMBER_MAX) {
      BigDecimal exact = new BigDecimal(text);
      if (exact.scale() <= NUMBER_MAX_SCALE) {
        return new JsonPrimitive(exact);
      }
    }
    reasons.add(
        pointer,
        "number out of range; write at most "
            + NUMBER_LENGTH
            + " characters and magnitudes from 1e-300 to 1e300 found="
            + Reasons.quote(text));
    return JsonNull.INSTANCE;
  }

  private static String firstLine(Exception e) {
    String message = String.valueOf(e.getMessage());
    int end = message.indexOf('\n');
    return Reasons.quote(end < 0 ? message : message.substring(0, end));
  }
}
