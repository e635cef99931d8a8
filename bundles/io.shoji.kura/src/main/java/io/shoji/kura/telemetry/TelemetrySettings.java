/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.telemetry;

import io.shoji.kura.operations.FormValues;
import java.util.Map;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;
import org.osgi.framework.Filter;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;

/**
 * The form of the telemetry, checked.
 *
 * @param enabled whether anything is sent
 * @param publisher which publisher takes it
 * @param intervalSeconds from one message of figures to the next
 * @param histograms whether the messages carry histograms
 * @param events whether events are sent
 * @param eventBurst events that may be sent at once
 * @param eventsPerMinute events that may be sent after that
 */
record TelemetrySettings(
    boolean enabled,
    Filter publisher,
    int intervalSeconds,
    boolean histograms,
    boolean events,
    int eventBurst,
    int eventsPerMinute) {
  /** Attribute that names the publisher; its ending is Kura's convention. */
  static final String TARGET = "CloudPublisher.target";

  /** What stands there until somebody chose one: Kura's convention for none. */
  static final String NONE = "(kura.service.pid=changeme)";

  static final TelemetrySettings DEFAULTS = read(new FormValues(Map.of()));

  static TelemetrySettings read(FormValues form) {
    Filter publisher = form.parsed(TARGET, TelemetrySettings::publisher);
    return new TelemetrySettings(
        form.bool("enabled", true),
        publisher == null ? publisher(NONE) : publisher,
        form.integer("interval.seconds", 30, 1, 3_600),
        form.bool("histograms", true),
        form.bool("events", true),
        form.integer("events.burst", 10, 1, 100),
        form.integer("events.per.minute", 10, 1, 60));
  }

  /**
   * The filter of a publisher, from a filter or from a PID alone.
   *
   * <p>It is parsed here and not by declarative services, where one that does not parse would take
   * the component out of service until it is deleted.
   */
  private static Filter publisher(@Nullable String text) {
    String target = text == null || text.isBlank() ? NONE : text.trim();
    if (target.matches("[\\w.:-]+")) {
      target = "(kura.service.pid=" + target + ")";
    }
    try {
      // Alone first: with its brackets wrong it could still be right as a part of another.
      Filter alone = FrameworkUtil.createFilter(target);
      return FrameworkUtil.createFilter(
          "(&(" + Constants.OBJECTCLASS + "=" + CloudPublisher.class.getName() + ")" + alone + ")");
    } catch (InvalidSyntaxException e) {
      throw new IllegalArgumentException(
          "does not parse: "
              + e.getMessage()
              + ", allowed: the PID of a cloud publisher, or a filter as (kura.service.pid=PID)",
          e);
    }
  }
}
