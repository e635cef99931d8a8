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

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.shoji.cloud.wire.WireMetric;
import io.shoji.cloud.wire.WirePayload;
import io.shoji.cloud.wire.WirePosition;
import java.io.IOException;
import java.util.Map;

/**
 * Kura's encoding of payloads: protobuf, optionally in GZIP. Immutable.
 *
 * <p>Reading is bounded in bytes and in metrics, so that no message can take more memory than its
 * reader allows. Two metrics of one name count as the last of them; a metric without a value has
 * its type's empty one; unknown fields are skipped: all as Kura does.
 */
public final class PayloadCodec {
  /** Bytes of a payload, inflated, that {@link #standard} reads. */
  public static final int STANDARD_MAX_BYTES = 16 * 1024 * 1024;

  /** Metrics of a payload that {@link #standard} reads. */
  public static final int STANDARD_MAX_METRICS = 20_000;

  /** The metric itself, its name, its type and its value. */
  private static final int FIELDS_PER_METRIC = 4;

  /** Time, position and body, and as many again that may be added one day. */
  private static final int FIELDS_BESIDE_METRICS = 24;

  private static final PayloadCodec STANDARD =
      new PayloadCodec(STANDARD_MAX_BYTES, STANDARD_MAX_METRICS);

  private final int maxBytes;
  private final int maxMetrics;

  /**
   * A codec with its own limits.
   *
   * @param maxBytes of a message, before and after it is inflated; at least 1
   * @param maxMetrics 0 to 1,000,000
   */
  public PayloadCodec(int maxBytes, int maxMetrics) {
    if (maxBytes < 1 || maxMetrics < 0 || maxMetrics > 1_000_000) {
      throw new IllegalArgumentException(
          "no such limits maxBytes=" + maxBytes + " maxMetrics=" + maxMetrics);
    }
    this.maxBytes = maxBytes;
    this.maxMetrics = maxMetrics;
  }

  /** The codec with limits that suit any gateway. */
  public static PayloadCodec standard() {
    return STANDARD;
  }

  /** Encodes a payload, metrics in their order. */
  public byte[] encode(Payload payload) {
    WirePayload.Builder wire = WirePayload.newBuilder();
    payload.timestampMs().ifPresent(wire::setTimestamp);
    payload.position().ifPresent(position -> wire.setPosition(encode(position)));
    for (Map.Entry<String, Object> metric : payload.metrics().entrySet()) {
      wire.addMetric(encode(metric.getKey(), metric.getValue()));
    }
    payload.body().ifPresent(body -> wire.setBody(ByteString.copyFrom(body)));
    return wire.build().toByteArray();
  }

  /**
   * Encodes a payload, and deflates it if that makes it smaller.
   *
   * @return what {@link #decode} reads
   */
  public byte[] encodeCompressed(Payload payload) {
    byte[] plain = encode(payload);
    byte[] deflated = Gzip.deflate(plain);
    return deflated.length < plain.length ? deflated : plain;
  }

  /**
   * Reads a message, deflated or not.
   *
   * @throws PayloadException MALFORMED or TOO_LARGE
   */
  public Payload decode(byte[] message) throws PayloadException {
    if (message.length > maxBytes) {
      throw new PayloadException(
          PayloadException.Code.TOO_LARGE,
          "the message is larger than is allowed maxBytes="
              + maxBytes
              + " bytes="
              + message.length);
    }
    byte[] plain = Gzip.is(message) ? Gzip.inflate(message, maxBytes) : message;
    try {
      countFields(CodedInputStream.newInstance(plain), 0, true);
      return decode(WirePayload.parseFrom(plain));
    } catch (IOException e) {
      throw new PayloadException(
          PayloadException.Code.MALFORMED, "the message is no payload bytes=" + plain.length, e);
    }
  }

  /**
   * Counts what protobuf is going to make objects of. A field of two bytes takes many times as much
   * memory, known or not, and a group may hold any number of them: no payload has one.
   */
  private int countFields(CodedInputStream in, int before, boolean isPayload)
      throws IOException, PayloadException {
    int fields = before;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (++fields > maxMetrics * FIELDS_PER_METRIC + FIELDS_BESIDE_METRICS) {
        throw new PayloadException(
            PayloadException.Code.TOO_LARGE,
            "the message has more metrics than are allowed maxMetrics=" + maxMetrics);
      }
      int number = WireFormat.getTagFieldNumber(tag);
      int type = WireFormat.getTagWireType(tag);
      if (type == WireFormat.WIRETYPE_START_GROUP || type == WireFormat.WIRETYPE_END_GROUP) {
        throw new InvalidProtocolBufferException("a group has no place in a payload");
      }
      if (isPayload
          && type == WireFormat.WIRETYPE_LENGTH_DELIMITED
          && (number == WirePayload.METRIC_FIELD_NUMBER
              || number == WirePayload.POSITION_FIELD_NUMBER)) {
        int limit = in.pushLimit(in.readRawVarint32());
        fields = countFields(in, fields, false);
        in.popLimit(limit);
      } else {
        in.skipField(tag);
      }
    }
    return fields;
  }

  private static Payload decode(WirePayload wire) {
    Payload.Builder payload = Payload.builder();
    if (wire.hasTimestamp()) {
      payload.timestampMs(wire.getTimestamp());
    }
    if (wire.hasPosition()) {
      payload.position(decode(wire.getPosition()));
    }
    for (WireMetric metric : wire.getMetricList()) {
      payload.metric(metric.getName(), valueOf(metric));
    }
    if (wire.hasBody()) {
      payload.body(wire.getBody().toByteArray());
    }
    return payload.build();
  }

  private static Object valueOf(WireMetric metric) {
    return switch (metric.getType()) {
      case DOUBLE -> metric.getDoubleValue();
      case FLOAT -> metric.getFloatValue();
      case INT64 -> metric.getInt64Value();
      case INT32 -> metric.getInt32Value();
      case BOOL -> metric.getBoolValue();
      case STRING -> metric.getStringValue();
      case BYTES -> metric.getBytesValue().toByteArray();
    };
  }

  private static WireMetric encode(String name, Object value) {
    WireMetric.Builder metric = WireMetric.newBuilder().setName(name);
    if (value instanceof Double number) {
      metric.setType(WireMetric.Type.DOUBLE).setDoubleValue(number);
    } else if (value instanceof Float number) {
      metric.setType(WireMetric.Type.FLOAT).setFloatValue(number);
    } else if (value instanceof Long number) {
      metric.setType(WireMetric.Type.INT64).setInt64Value(number);
    } else if (value instanceof Integer number) {
      metric.setType(WireMetric.Type.INT32).setInt32Value(number);
    } else if (value instanceof Boolean flag) {
      metric.setType(WireMetric.Type.BOOL).setBoolValue(flag);
    } else if (value instanceof String text) {
      metric.setType(WireMetric.Type.STRING).setStringValue(text);
    } else {
      metric.setType(WireMetric.Type.BYTES).setBytesValue(ByteString.copyFrom((byte[]) value));
    }
    return metric.build();
  }

  private static WirePosition encode(Position position) {
    WirePosition.Builder wire =
        WirePosition.newBuilder()
            .setLatitude(position.latitude())
            .setLongitude(position.longitude());
    if (position.altitude() != null) {
      wire.setAltitude(position.altitude());
    }
    if (position.precision() != null) {
      wire.setPrecision(position.precision());
    }
    if (position.heading() != null) {
      wire.setHeading(position.heading());
    }
    if (position.speed() != null) {
      wire.setSpeed(position.speed());
    }
    if (position.timestampMs() != null) {
      wire.setTimestamp(position.timestampMs());
    }
    if (position.satellites() != null) {
      wire.setSatellites(position.satellites());
    }
    if (position.status() != null) {
      wire.setStatus(position.status());
    }
    return wire.build();
  }

  private static Position decode(WirePosition wire) {
    return new Position(
        wire.getLatitude(),
        wire.getLongitude(),
        wire.hasAltitude() ? (Double) wire.getAltitude() : null,
        wire.hasPrecision() ? (Double) wire.getPrecision() : null,
        wire.hasHeading() ? (Double) wire.getHeading() : null,
        wire.hasSpeed() ? (Double) wire.getSpeed() : null,
        wire.hasTimestamp() ? (Long) wire.getTimestamp() : null,
        wire.hasSatellites() ? (Integer) wire.getSatellites() : null,
        wire.hasStatus() ? (Integer) wire.getStatus() : null);
  }
}
