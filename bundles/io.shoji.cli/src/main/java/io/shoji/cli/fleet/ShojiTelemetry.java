/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/** Shoji's telemetry, as the bundle io.shoji.kura documents it, in a line for people. */
final class ShojiTelemetry {
  private static final String MODEL = "model.";
  private static final String ACCELERATOR = "accelerator.";

  private ShojiTelemetry() {}

  /** An event: what, about what, why. */
  static String event(Map<String, Object> metrics) {
    List<String> parts = new ArrayList<>();
    for (String name :
        List.of("event.type", "event.model", "event.model.version", "event.accelerator")) {
      if (metrics.get(name) instanceof String text && !text.isEmpty()) {
        parts.add(text);
      }
    }
    String head = String.join(" ", parts);
    Object message = metrics.get("event.message");
    return (message == null ? head : head + ": " + message) + dropped(metrics);
  }

  /** Figures: requests, errors and latency of each model, state and temperature of each device. */
  static String figures(Map<String, Object> metrics) {
    List<String> parts = new ArrayList<>();
    for (String model : names(metrics, MODEL, ".requests")) {
      String prefix = MODEL + model + ".";
      StringBuilder text = new StringBuilder(model);
      add(metrics, prefix + "version", (name, value) -> text.append(' ').append(value));
      add(metrics, prefix + "requests", (name, value) -> text.append(" n=").append(value));
      long errors = 0;
      for (Map.Entry<String, Object> metric : metrics.entrySet()) {
        if (metric.getKey().startsWith(prefix + "errors.")
            && !metric.getKey().endsWith(".total")
            && metric.getValue() instanceof Long count) {
          errors += count;
        }
      }
      text.append(" errors=").append(errors);
      add(metrics, prefix + "latency.p50.ms", (name, value) -> number(text, " p50=", value, " ms"));
      add(metrics, prefix + "latency.p99.ms", (name, value) -> number(text, " p99=", value, " ms"));
      add(
          metrics,
          prefix + "state",
          (name, value) -> text.append("SERVING".equals(value) ? "" : " " + value));
      parts.add(text.toString());
    }
    for (String device : names(metrics, ACCELERATOR, ".state")) {
      String prefix = ACCELERATOR + device + ".";
      StringBuilder text = new StringBuilder(device);
      add(metrics, prefix + "state", (name, value) -> text.append(' ').append(value));
      add(metrics, prefix + "temperature.celsius", (name, value) -> number(text, " ", value, " C"));
      add(metrics, prefix + "power.watts", (name, value) -> number(text, " ", value, " W"));
      parts.add(text.toString());
    }
    return String.join(" | ", parts) + dropped(metrics);
  }

  private static String dropped(Map<String, Object> metrics) {
    return metrics.get("events.dropped") instanceof Long count && count > 0
        ? " (" + count + " events dropped)"
        : "";
  }

  private static Set<String> names(Map<String, Object> metrics, String prefix, String suffix) {
    Set<String> names = new TreeSet<>();
    for (String name : metrics.keySet()) {
      if (name.startsWith(prefix)
          && name.endsWith(suffix)
          && name.length() > prefix.length() + suffix.length()) {
        names.add(name.substring(prefix.length(), name.length() - suffix.length()));
      }
    }
    return names;
  }

  private static void add(
      Map<String, Object> metrics, String name, BiConsumer<String, Object> taker) {
    Object value = metrics.get(name);
    if (value != null) {
      taker.accept(name, value);
    }
  }

  private static void number(StringBuilder text, String before, Object value, String unit) {
    if (value instanceof Number number) {
      text.append(before)
          .append(String.format(Locale.ROOT, "%.2f", number.doubleValue()))
          .append(unit);
    }
  }
}
