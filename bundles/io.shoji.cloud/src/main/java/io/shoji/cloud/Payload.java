/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a message says: a time, a place, named values in order, and bytes. Immutable; byte arrays
 * are copied in and out.
 *
 * <p>A metric is a {@link Double}, {@link Float}, {@link Long}, {@link Integer}, {@link Boolean},
 * {@link String} or {@code byte[]}.
 */
public final class Payload {
  private final @Nullable Long timestampMs;
  private final @Nullable Position position;
  private final Map<String, Object> metrics;
  private final byte @Nullable [] body;

  private Payload(Builder builder) {
    this.timestampMs = builder.timestampMs;
    this.position = builder.position;
    this.metrics = new LinkedHashMap<>(builder.metrics);
    this.body = builder.body;
  }

  /** Whether a value is of a type that metrics have. */
  public static boolean isMetric(Object value) {
    return value instanceof Double
        || value instanceof Float
        || value instanceof Long
        || value instanceof Integer
        || value instanceof Boolean
        || value instanceof String
        || value instanceof byte[];
  }

  /** A payload to fill. */
  public static Builder builder() {
    return new Builder();
  }

  /** Milliseconds since 1970 UTC; empty if it has no time. */
  public OptionalLong timestampMs() {
    return timestampMs == null ? OptionalLong.empty() : OptionalLong.of(timestampMs);
  }

  /** Where it was made; empty if it does not say. */
  public Optional<Position> position() {
    return Optional.ofNullable(position);
  }

  /** All metrics in the order of the message. Byte arrays are copies. */
  public Map<String, Object> metrics() {
    Map<String, Object> copy = new LinkedHashMap<>(metrics);
    copy.replaceAll((name, value) -> copied(value));
    return Collections.unmodifiableMap(copy);
  }

  /** Whether there is a metric of that name. */
  public boolean has(String name) {
    return metrics.containsKey(name);
  }

  /**
   * A metric.
   *
   * @param type one of the types of metrics
   * @return empty if there is none of that name
   * @throws PayloadException WRONG_TYPE if it is of another type, naming both
   */
  public <T> Optional<T> metric(String name, Class<T> type) throws PayloadException {
    Object value = metrics.get(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!type.isInstance(value)) {
      throw new PayloadException(
          PayloadException.Code.WRONG_TYPE,
          "the metric has another type name="
              + name
              + " expected="
              + type.getSimpleName()
              + " found="
              + value.getClass().getSimpleName());
    }
    return Optional.of(type.cast(copied(value)));
  }

  /**
   * A metric that must be there.
   *
   * @throws PayloadException MISSING or WRONG_TYPE
   */
  public <T> T required(String name, Class<T> type) throws PayloadException {
    return metric(name, type)
        .orElseThrow(
            () ->
                new PayloadException(
                    PayloadException.Code.MISSING, "the metric is missing name=" + name));
  }

  /** The body; empty if it has none. A copy. */
  public Optional<byte[]> body() {
    return Optional.ofNullable(body).map(byte[]::clone);
  }

  /** A builder that starts with everything in this payload. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.timestampMs = timestampMs;
    builder.position = position;
    builder.metrics.putAll(metrics);
    builder.body = body;
    return builder;
  }

  private static Object copied(Object value) {
    return value instanceof byte[] bytes ? bytes.clone() : value;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    if (!(other instanceof Payload that)
        || !Objects.equals(timestampMs, that.timestampMs)
        || !Objects.equals(position, that.position)
        || !Arrays.equals(body, that.body)
        || !metrics.keySet().equals(that.metrics.keySet())) {
      return false;
    }
    return metrics.entrySet().stream()
        .allMatch(entry -> Objects.deepEquals(entry.getValue(), that.metrics.get(entry.getKey())));
  }

  @Override
  public int hashCode() {
    return Objects.hash(timestampMs, position, metrics.keySet(), Arrays.hashCode(body));
  }

  @Override
  public String toString() {
    return "Payload timestampMs="
        + timestampMs
        + " metrics="
        + metrics.keySet()
        + " bodyBytes="
        + (body == null ? 0 : body.length);
  }

  /** Fills a payload. Not thread safe. */
  public static final class Builder {
    private @Nullable Long timestampMs;
    private @Nullable Position position;
    private final Map<String, Object> metrics = new LinkedHashMap<>();
    private byte @Nullable [] body;

    private Builder() {}

    /** Milliseconds since 1970 UTC. */
    public Builder timestampMs(long value) {
      timestampMs = value;
      return this;
    }

    /** Where it was made. */
    public Builder position(Position value) {
      position = value;
      return this;
    }

    /**
     * Adds a metric, or gives the one of that name another value.
     *
     * @throws IllegalArgumentException if the value is of a type that no metric has
     */
    public Builder metric(String name, Object value) {
      if (!isMetric(value)) {
        throw new IllegalArgumentException(
            "no such type of metrics name=" + name + " type=" + value.getClass().getName());
      }
      metrics.put(name, copied(value));
      return this;
    }

    /** The body. */
    public Builder body(byte[] value) {
      body = value.clone();
      return this;
    }

    /** The body, as UTF-8. */
    public Builder body(String value) {
      body = value.getBytes(StandardCharsets.UTF_8);
      return this;
    }

    /** The payload. */
    public Payload build() {
      return new Payload(this);
    }
  }
}
