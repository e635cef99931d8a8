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

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.eclipse.kura.KuraException;

/**
 * The settings of {@code DataService}, checked. Attributes of Kura's form that mean nothing here
 * (its database, its watchdog, its schedule of connections) are accepted and left alone.
 *
 * @param autoConnect whether to connect at the start and after a loss
 * @param retrySeconds longest time between two attempts
 * @param quiesceSeconds how long to go on sending before a connection is ended
 * @param capacity messages that may wait
 * @param republished whether what was not confirmed goes out again on a new connection
 * @param maxInFlight messages that may be unconfirmed
 * @param congestionSeconds how long they may all be unconfirmed; 0 for ever
 * @param periodNanos between two messages of priority 5 and above; 0 for no limit
 * @param burst messages of those that may go out at once
 * @param maxPayloadBytes of a message
 */
record DataSettings(
    boolean autoConnect,
    int retrySeconds,
    int quiesceSeconds,
    int capacity,
    boolean republished,
    int maxInFlight,
    int congestionSeconds,
    long periodNanos,
    int burst,
    long maxPayloadBytes) {

  /** A message of this priority and above waits for its turn. */
  static final int THROTTLED_PRIORITY = 5;

  /**
   * Checks a configuration.
   *
   * @throws KuraException CONFIGURATION_ATTRIBUTE_INVALID, naming the attribute
   */
  static DataSettings of(Map<String, Object> properties) throws KuraException {
    Values values = new Values(properties);
    boolean limited = values.flag("enable.rate.limit", true);
    int average = values.whole("rate.limit.average", 1, 1, 1_000_000);
    TimeUnit unit =
        TimeUnit.valueOf(
            values.choice(
                "rate.limit.time.unit",
                "SECONDS",
                List.of("MILLISECONDS", "SECONDS", "MINUTES", "HOURS", "DAYS")));
    return new DataSettings(
        values.flag("connect.auto-on-startup", false),
        values.whole("connect.retry-interval", 60, 1, 86_400),
        values.whole("disconnect.quiesce-timeout", 10, 0, 3_600),
        values.whole("store.capacity", 10_000, 1, 10_000_000),
        values.flag("in-flight-messages.republish-on-new-session", true),
        values.whole("in-flight-messages.max-number", 9, 1, 10),
        values.whole("in-flight-messages.congestion-timeout", 0, 0, 86_400),
        limited ? Math.max(1, unit.toNanos(1) / average) : 0,
        values.whole("rate.limit.burst.size", 1, 1, 1_000_000),
        values.large("maximum.payload.size", 16_777_216, 0, Integer.MAX_VALUE));
  }
}
