/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import io.shoji.cloud.Payload;
import io.shoji.cloud.Position;
import java.util.Date;
import java.util.Map;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.message.KuraPosition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Kura's payloads as ours, and back. */
@SuppressWarnings("JavaUtilDate") // Kura's payloads have it
public final class KuraMessages {
  private static final Logger log = LoggerFactory.getLogger(KuraMessages.class);

  private KuraMessages() {}

  /** Says that a payload is of now. */
  public static void stamp(KuraPayload payload) {
    payload.setTimestamp(new Date());
  }

  /** As it is sent. Metrics without a value or of a type that cannot be sent are left out. */
  static Payload encode(KuraPayload payload) {
    Payload.Builder builder = Payload.builder();
    Date timestamp = payload.getTimestamp();
    if (timestamp != null) {
      builder.timestampMs(timestamp.getTime());
    }
    KuraPosition position = payload.getPosition();
    if (position != null && position.getLatitude() != null && position.getLongitude() != null) {
      builder.position(encode(position));
    }
    for (Map.Entry<String, Object> metric : payload.metrics().entrySet()) {
      @Nullable Object value = metric.getValue();
      if (value == null) {
        log.debug("a metric without a value is not sent name={}", metric.getKey());
      } else if (Payload.isMetric(value)) {
        builder.metric(metric.getKey(), value);
      } else {
        log.warn(
            "a metric of this type cannot be sent name={} type={}",
            metric.getKey(),
            value.getClass().getName());
      }
    }
    byte[] body = payload.getBody();
    if (body != null) {
      builder.body(body);
    }
    return builder.build();
  }

  /** As Kura's bundles see it. */
  static KuraPayload decode(Payload payload) {
    KuraPayload decoded = new KuraPayload();
    payload.timestampMs().ifPresent(time -> decoded.setTimestamp(new Date(time)));
    payload.position().ifPresent(position -> decoded.setPosition(decode(position)));
    payload.metrics().forEach(decoded::addMetric);
    payload.body().ifPresent(decoded::setBody);
    return decoded;
  }

  private static Position encode(KuraPosition position) {
    Date timestamp = position.getTimestamp();
    return new Position(
        position.getLatitude(),
        position.getLongitude(),
        position.getAltitude(),
        position.getPrecision(),
        position.getHeading(),
        position.getSpeed(),
        timestamp == null ? null : (Long) timestamp.getTime(),
        position.getSatellites(),
        position.getStatus());
  }

  private static KuraPosition decode(Position position) {
    KuraPosition decoded = new KuraPosition();
    decoded.setLatitude(position.latitude());
    decoded.setLongitude(position.longitude());
    if (position.altitude() != null) {
      decoded.setAltitude(position.altitude());
    }
    if (position.precision() != null) {
      decoded.setPrecision(position.precision());
    }
    if (position.heading() != null) {
      decoded.setHeading(position.heading());
    }
    if (position.speed() != null) {
      decoded.setSpeed(position.speed());
    }
    if (position.timestampMs() != null) {
      decoded.setTimestamp(new Date(position.timestampMs()));
    }
    if (position.satellites() != null) {
      decoded.setSatellites(position.satellites());
    }
    if (position.status() != null) {
      decoded.setStatus(position.status());
    }
    return decoded;
  }
}
