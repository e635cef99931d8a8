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

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Named arguments of a request, with where each came from, so that a refusal can say it. Immutable.
 */
public final class Arguments {
  /** Most characters of a value that a message repeats. */
  private static final int SHOWN = 60;

  /** Most arguments that are read from a body. */
  private static final int MOST = 32;

  private static final Arguments NONE = new Arguments(Map.of());

  private final Map<String, Given> values;

  private Arguments(Map<String, Given> values) {
    this.values = values;
  }

  /**
   * A value as it came.
   *
   * @param value String, Long, Double, BigDecimal, Boolean or byte[]
   * @param type what it is, as {@code INT32 metric}
   * @param textual whether a number may come as text here
   */
  private record Given(Object value, String type, boolean textual) {}

  /** No arguments. */
  public static Arguments none() {
    return NONE;
  }

  /**
   * The metrics of a payload, less those that belong to the transport ({@code request.*}, {@code
   * requester.*}).
   */
  public static Arguments ofMetrics(Map<String, ?> metrics) {
    Map<String, Given> values = new LinkedHashMap<>();
    for (Map.Entry<String, ?> metric : metrics.entrySet()) {
      String name = metric.getKey();
      Object value = metric.getValue();
      if (value != null && !name.startsWith("request.") && !name.startsWith("requester.")) {
        values.put(name, new Given(value, metricType(value) + " metric", false));
      }
    }
    return new Arguments(values);
  }

  /** The parameters of a query; numbers come as text there. */
  public static Arguments ofQuery(Map<String, String> parameters) {
    Map<String, Given> values = new LinkedHashMap<>();
    parameters.forEach((name, value) -> values.put(name, new Given(value, "text", true)));
    return new Arguments(values);
  }

  /** One argument that was named by the resource itself. */
  public static Arguments ofResource(String name, String value) {
    return new Arguments(Map.of(name, new Given(value, "resource", true)));
  }

  /**
   * The members of one JSON object whose values are strings, numbers or booleans. Nothing is parsed
   * deeper, so no nesting can exhaust the stack.
   *
   * @param body UTF-8; empty or null for no arguments
   * @param limitBytes longest body
   * @throws RequestException BODY_TOO_LARGE or BAD_BODY, saying where and what is wrong
   */
  public static Arguments ofBody(byte @Nullable [] body, int limitBytes) throws RequestException {
    if (body == null || body.length == 0) {
      return NONE;
    }
    if (body.length > limitBytes) {
      throw new RequestException(
          Reason.BODY_TOO_LARGE,
          "the body is longer than the limit bytes=" + body.length + " limit=" + limitBytes);
    }
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
    } catch (CharacterCodingException e) {
      throw new RequestException(Reason.BAD_BODY, "the body is not UTF-8", e);
    }
    if (text.isBlank()) {
      return NONE;
    }
    Map<String, Given> values = new LinkedHashMap<>();
    try (JsonReader reader = new JsonReader(new StringReader(text))) {
      if (reader.peek() != JsonToken.BEGIN_OBJECT) {
        throw new RequestException(
            Reason.BAD_BODY, "the body is no JSON object found=" + reader.peek());
      }
      reader.beginObject();
      while (reader.hasNext()) {
        String name = reader.nextName();
        if (values.size() >= MOST) {
          throw new RequestException(
              Reason.BAD_BODY, "the body has too many members limit=" + MOST);
        }
        if (values.put(name, member(reader, name)) != null) {
          throw twice(name);
        }
      }
      reader.endObject();
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new RequestException(Reason.BAD_BODY, "something follows the JSON object");
      }
    } catch (MalformedJsonException | EOFException | NumberFormatException e) {
      throw new RequestException(
          Reason.BAD_BODY, "the body is not valid JSON: " + shown(e.getMessage()), e);
    } catch (IOException | IllegalStateException e) {
      throw new RequestException(
          Reason.BAD_BODY, "the body cannot be read: " + shown(e.getMessage()), e);
    }
    return new Arguments(values);
  }

  private static Given member(JsonReader reader, String name) throws IOException, RequestException {
    JsonToken token = reader.peek();
    return switch (token) {
      case STRING -> new Given(reader.nextString(), "string", false);
      case NUMBER -> new Given(number(reader.nextString(), name), "number", false);
      case BOOLEAN -> new Given(reader.nextBoolean(), "boolean", false);
      default ->
          throw new RequestException(
              Reason.BAD_BODY,
              "a member is a string, a number or a boolean name="
                  + shown(name)
                  + " found="
                  + token);
    };
  }

  /** A number of JSON; its exponent is bounded, so that nobody makes us expand 1e999999999. */
  private static BigDecimal number(String text, String name) throws RequestException {
    BigDecimal value = new BigDecimal(text);
    if (Math.abs((long) value.scale()) > 400 || value.precision() > 400) {
      throw new RequestException(
          Reason.BAD_BODY, "a number is beyond all ranges name=" + shown(name));
    }
    return value;
  }

  /**
   * These and others.
   *
   * @throws RequestException BAD_ARGUMENT if a name is in both with different values
   */
  public Arguments and(Arguments others) throws RequestException {
    if (others.values.isEmpty()) {
      return this;
    }
    Map<String, Given> all = new LinkedHashMap<>(values);
    for (Map.Entry<String, Given> other : others.values.entrySet()) {
      Given first = all.putIfAbsent(other.getKey(), other.getValue());
      if (first != null && !first.value().equals(other.getValue().value())) {
        throw twice(other.getKey());
      }
    }
    return new Arguments(all);
  }

  /**
   * Refuses what the operation does not know.
   *
   * @throws RequestException BAD_ARGUMENT, naming the argument and those there are
   */
  public void only(String... names) throws RequestException {
    for (String name : values.keySet()) {
      if (!Arrays.asList(names).contains(name)) {
        throw new RequestException(
            Reason.BAD_ARGUMENT,
            "unknown argument name="
                + shown(name)
                + " allowed="
                + (names.length == 0 ? "none" : String.join(",", names)));
      }
    }
  }

  /**
   * A text.
   *
   * @throws RequestException BAD_ARGUMENT if it is of another type, or empty
   */
  public Optional<String> text(String name) throws RequestException {
    Given given = values.get(name);
    if (given == null) {
      return Optional.empty();
    }
    if (!(given.value() instanceof String text)) {
      throw wrongType(name, given, "a string");
    }
    if (text.isBlank()) {
      throw new RequestException(Reason.BAD_ARGUMENT, "an argument is empty name=" + name);
    }
    return Optional.of(text);
  }

  /**
   * A text that must be there.
   *
   * @throws RequestException BAD_ARGUMENT if it is missing, of another type, or empty
   */
  public String requiredText(String name) throws RequestException {
    Optional<String> text = text(name);
    if (text.isEmpty()) {
      throw new RequestException(Reason.BAD_ARGUMENT, "an argument is missing name=" + name);
    }
    return text.get();
  }

  /**
   * A number without fraction.
   *
   * @param otherwise what holds if it is not given
   * @throws RequestException BAD_ARGUMENT if it is of another type or out of its range
   */
  public long integer(String name, long otherwise, long least, long most) throws RequestException {
    Given given = values.get(name);
    if (given == null) {
      return otherwise;
    }
    Object value = given.value();
    BigDecimal number;
    if (value instanceof Integer || value instanceof Long) {
      number = BigDecimal.valueOf(((Number) value).longValue());
    } else if (value instanceof BigDecimal decimal) {
      number = decimal;
    } else if (value instanceof String text && given.textual() && text.length() <= SHOWN) {
      try {
        number = number(text.trim(), name);
      } catch (NumberFormatException e) {
        throw wrongType(name, given, "an integer");
      }
    } else {
      throw wrongType(name, given, "an integer");
    }
    if (number.stripTrailingZeros().scale() > 0) {
      throw wrongType(name, given, "an integer");
    }
    if (number.compareTo(BigDecimal.valueOf(least)) < 0
        || number.compareTo(BigDecimal.valueOf(most)) > 0) {
      throw new RequestException(
          Reason.BAD_ARGUMENT,
          "an argument is out of its range name="
              + name
              + " value="
              + shown(number.toString())
              + " range=["
              + least
              + ", "
              + most
              + "]");
    }
    return number.longValueExact();
  }

  private static RequestException wrongType(String name, Given given, String asked) {
    return new RequestException(
        Reason.BAD_ARGUMENT,
        "an argument is of the wrong type name="
            + name
            + " asked="
            + asked
            + " found="
            + given.type()
            + (given.value() instanceof byte[] ? "" : " " + shown(given.value().toString())));
  }

  private static RequestException twice(String name) {
    return new RequestException(
        Reason.BAD_ARGUMENT, "an argument is given twice name=" + shown(name));
  }

  private static String metricType(Object value) {
    if (value instanceof Integer) {
      return "INT32";
    }
    if (value instanceof Long) {
      return "INT64";
    }
    if (value instanceof Double) {
      return "DOUBLE";
    }
    if (value instanceof Float) {
      return "FLOAT";
    }
    if (value instanceof Boolean) {
      return "BOOL";
    }
    return value instanceof byte[] ? "BYTES" : "STRING";
  }

  /** Text for a message: short, and without line ends that would break a log in two. */
  static String shown(@Nullable String text) {
    if (text == null) {
      return "";
    }
    String line = text.replaceAll("\\p{Cntrl}+", " ");
    return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "...";
  }
}
