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

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.ModelStatus;
import io.shoji.kura.operations.Management;
import io.shoji.kura.telemetry.Counters.State;
import io.shoji.kura.telemetry.Counters.Total;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelOverview;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Date;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the messages and hands them to Kura, whose store keeps them while the broker is away. What
 * Kura does not take stays: figures become part of the next message, events wait in a queue of
 * bounded length, and what does not fit there is counted. Thread safe; calls of the publisher are
 * made on one thread, that of {@link #figures} and {@link #events}, and under no lock.
 */
final class Reporter {
  /** Events that wait. */
  static final int MOST_EVENTS = 256;

  private static final int MOST_ACCELERATORS = 32;
  private static final int MOST_DETAILS = 32;
  private static final int LONGEST_TEXT = 2_000;
  private static final Logger LOG = LoggerFactory.getLogger(Reporter.class);

  private final Supplier<@Nullable CloudPublisher> publisher;
  private final LongSupplier nanoTime;
  private final Clock clock;

  private TelemetrySettings settings = TelemetrySettings.DEFAULTS;
  private Counters counters;
  private TokenBucket bucket;
  private @Nullable Engine engine;
  private long lookNanos;

  private final Deque<EngineEvent> waiting = new ArrayDeque<>();
  private long eventSequence;
  private long eventsDropped;
  private long eventsDroppedTold;
  private long messages;
  private long eventMessages;
  private long failures;
  private String lastFailure = "";

  Reporter(
      State state,
      Supplier<@Nullable CloudPublisher> publisher,
      LongSupplier nanoTime,
      Clock clock) {
    this.counters = new Counters(state);
    this.publisher = publisher;
    this.nanoTime = nanoTime;
    this.clock = clock;
    this.lookNanos = nanoTime.getAsLong();
    this.bucket = bucket();
  }

  /** What is reported of. */
  interface Engine {
    /** Identity of this life of the engine. */
    String id();

    /** Every model. */
    List<ModelOverview> models();

    /** Every accelerator. */
    List<AcceleratorStatus> accelerators();

    /** How far a model is from its calibration; empty if that is not known. */
    Optional<DriftReport> drift(String model);
  }

  /**
   * A message of figures.
   *
   * @param of the life of the engine that it tells of
   * @param told what it tells
   * @param dropped dropped events that it tells of
   */
  private record Figures(
      KuraPayload payload, State of, long sequence, Map<String, Total> told, long dropped) {}

  synchronized void configure(TelemetrySettings changed) {
    boolean other =
        changed.eventBurst() != settings.eventBurst()
            || changed.eventsPerMinute() != settings.eventsPerMinute();
    settings = changed;
    if (other) {
      bucket = bucket();
    }
    if (!changed.events() || !changed.enabled()) {
      waiting.clear();
    }
  }

  private TokenBucket bucket() {
    return new TokenBucket(settings.eventBurst(), settings.eventsPerMinute(), nanoTime.getAsLong());
  }

  /** An engine is there. */
  synchronized void started(Engine started) {
    engine = started;
    counters.engine(started.id());
    lookNanos = nanoTime.getAsLong();
    eventSequence = 0;
  }

  /** The engine goes: what it counted since the latest message is kept to be published. */
  synchronized void stopped(Engine stopped) {
    if (engine != stopped) {
      return;
    }
    look();
    engine = null;
  }

  /** What to write down, so that counting goes on after a restart of this component. */
  synchronized State state() {
    look();
    return counters.state();
  }

  private void look() {
    if (engine != null) {
      try {
        counters.look(engine.models());
      } catch (RuntimeException e) {
        LOG.warn("the last figures of an engine cannot be had", e);
      }
    }
  }

  /** Publishes one message of figures: the one that is due. */
  void figures() {
    Figures figures;
    synchronized (this) {
      if (!settings.enabled() || publisher.get() == null) {
        // What is counted meanwhile is in the next message.
        return;
      }
      State current = counters.state();
      if (!current.earlier.isEmpty()) {
        figures = figures(current.earlier.get(0), List.of(), List.of());
      } else if (engine != null) {
        List<ModelOverview> models = engine.models();
        counters.look(models);
        figures = figures(current, models, engine.accelerators());
      } else if (current.isUnpublished()) {
        figures = figures(current, List.of(), List.of());
      } else {
        return;
      }
    }
    if (publish(figures.payload(), "telemetry")) {
      synchronized (this) {
        messages++;
        eventsDroppedTold = Math.max(eventsDroppedTold, figures.dropped());
        figures.of().published(figures.sequence(), figures.told());
        if (!counters.state().earlier.remove(figures.of())) {
          lookNanos = nanoTime.getAsLong();
        }
      }
    }
  }

  /** An event happened. Returns at once. */
  synchronized void happened(EngineEvent event) {
    if (event.type() == EngineEvent.Type.MODEL_REMOVED) {
      counters.removed(event.model(), event.version(), event.details());
    }
    if (!settings.enabled() || !settings.events()) {
      eventSequence = event.sequence();
      return;
    }
    if (eventSequence > 0 && event.sequence() > eventSequence + 1) {
      // The engine does not wait for a slow listener.
      eventsDropped += event.sequence() - eventSequence - 1;
    }
    eventSequence = event.sequence();
    if (waiting.size() < MOST_EVENTS && bucket.take(nanoTime.getAsLong())) {
      waiting.addLast(event);
    } else {
      eventsDropped++;
    }
  }

  /**
   * Publishes the events that wait.
   *
   * @return whether all are out
   */
  boolean events() {
    while (true) {
      EngineEvent event;
      KuraPayload payload;
      long dropped;
      synchronized (this) {
        event = waiting.peekFirst();
        if (event == null) {
          return true;
        }
        if (publisher.get() == null) {
          return false;
        }
        dropped = eventsDropped;
        payload = payload(event);
      }
      boolean taken = publish(payload, "event");
      synchronized (this) {
        if (!taken) {
          return false;
        }
        eventMessages++;
        eventsDroppedTold = Math.max(eventsDroppedTold, dropped);
        waiting.remove(event);
      }
    }
  }

  private boolean publish(KuraPayload payload, String type) {
    CloudPublisher to = publisher.get();
    if (to == null) {
      return false;
    }
    try {
      to.publish(new KuraMessage(payload, Map.of("type", type)));
      synchronized (this) {
        if (!lastFailure.isEmpty()) {
          LOG.info("Kura takes messages again");
          lastFailure = "";
        }
      }
      return true;
    } catch (KuraException | RuntimeException e) {
      synchronized (this) {
        failures++;
        if (lastFailure.isEmpty()) {
          // Once for an outage, without its stack: what it is, the message says.
          LOG.warn("Kura did not take a message, its contents are kept: {}", e.toString());
        }
        lastFailure = String.valueOf(e.getMessage());
      }
      return false;
    }
  }

  // Messages. Under the lock.

  private KuraPayload begin(String type, String bootId) {
    KuraPayload payload = new KuraPayload();
    payload.setTimestamp(Date.from(clock.instant()));
    payload.addMetric("version", Management.VERSION);
    payload.addMetric("type", type);
    payload.addMetric("boot.id", bootId);
    payload.addMetric("events.dropped", eventsDropped - eventsDroppedTold);
    payload.addMetric("events.dropped.total", eventsDropped);
    payload.addMetric("publish.failures", failures);
    return payload;
  }

  private Figures figures(
      State of, List<ModelOverview> models, List<AcceleratorStatus> accelerators) {
    of.sequence++;
    KuraPayload payload = begin("telemetry", of.engine);
    payload.addMetric("sequence", of.sequence);
    payload.addMetric("previous", of.published);
    payload.addMetric("interval.ms", (nanoTime.getAsLong() - lookNanos) / 1_000_000);
    payload.addMetric("models.omitted", of.omitted);
    Map<String, ModelOverview> there = new LinkedHashMap<>();
    models.forEach(model -> there.put(model.name(), model));
    of.models.forEach((name, total) -> model(payload, name, total, there.get(name)));
    accelerators.stream()
        .limit(MOST_ACCELERATORS)
        .forEach(accelerator -> accelerator(payload, accelerator));
    return new Figures(payload, of, of.sequence, of.mark(), eventsDropped);
  }

  private void model(
      KuraPayload payload, String name, Total total, @Nullable ModelOverview overview) {
    String prefix = "model." + name + ".";
    payload.addMetric(prefix + "requests", total.requests() - total.publishedRequests());
    payload.addMetric(prefix + "requests.total", total.requests());
    payload.addMetric(prefix + "answered", total.answered - total.publishedAnswered);
    payload.addMetric(prefix + "answered.total", total.answered);
    total.errors.forEach(
        (code, count) -> {
          String error = prefix + "errors." + code;
          payload.addMetric(error, count - total.publishedErrors.getOrDefault(code, 0L));
          payload.addMetric(error + ".total", count);
        });
    times(payload, prefix + "latency.", total.latency);
    times(payload, prefix + "queue.", total.queue);
    int waitingRequests = 0;
    Optional<ModelStatus> answering = Optional.empty();
    if (overview != null) {
      for (ModelOverview.Installed version : overview.versions()) {
        waitingRequests += version.status().map(status -> status.metrics().waiting()).orElse(0);
        if (version.version().equals(overview.answering())) {
          answering = version.status();
        }
      }
      overview
          .answering()
          .ifPresent(version -> payload.addMetric(prefix + "version", version.toString()));
    }
    payload.addMetric(prefix + "waiting", waitingRequests);
    payload.addMetric(
        prefix + "state",
        overview == null
            ? "REMOVED"
            : answering.map(status -> status.state().name()).orElse("NOT_SERVING"));
    answering
        .flatMap(ModelStatus::serving)
        .ifPresent(
            by -> {
              payload.addMetric(prefix + "variant", by.variant());
              payload.addMetric(prefix + "accelerator", by.accelerator() + ":" + by.device());
              payload.addMetric(prefix + "degraded", by.degraded());
              drift(payload, prefix, name);
            });
  }

  private void drift(KuraPayload payload, String prefix, String name) {
    Engine now = engine;
    Optional<DriftReport> drift = now == null ? Optional.empty() : now.drift(name);
    drift.ifPresent(
        report -> {
          payload.addMetric(prefix + "drift.state", report.state().name());
          report.features().stream()
              .max(Comparator.comparingDouble(DriftReport.Feature::psi))
              .ifPresent(
                  worst -> {
                    payload.addMetric(prefix + "drift.psi", worst.psi());
                    payload.addMetric(prefix + "drift.ks", worst.ks());
                    payload.addMetric(prefix + "drift.feature", worst.label());
                  });
        });
  }

  private void times(KuraPayload payload, String prefix, String encoded) {
    Histogram histogram = Counters.decode(encoded);
    if (histogram == null || histogram.getTotalCount() == 0) {
      return;
    }
    payload.addMetric(prefix + "mean.ms", histogram.getMean() / 1e6);
    payload.addMetric(prefix + "p50.ms", histogram.getValueAtPercentile(50) / 1e6);
    payload.addMetric(prefix + "p90.ms", histogram.getValueAtPercentile(90) / 1e6);
    payload.addMetric(prefix + "p99.ms", histogram.getValueAtPercentile(99) / 1e6);
    payload.addMetric(prefix + "p999.ms", histogram.getValueAtPercentile(99.9) / 1e6);
    payload.addMetric(prefix + "max.ms", histogram.getMaxValue() / 1e6);
    if (settings.histograms()) {
      payload.addMetric(prefix + "histogram", encoded);
    }
  }

  private static void accelerator(KuraPayload payload, AcceleratorStatus status) {
    String prefix = "accelerator." + status.info().kind() + ":" + status.info().device() + ".";
    AcceleratorHealth health = status.health();
    payload.addMetric(prefix + "state", health.state().name());
    if (!health.reason().isEmpty()) {
      payload.addMetric(prefix + "reason", text(health.reason()));
    }
    payload.addMetric(prefix + "throttled", health.state() == AcceleratorHealth.State.THROTTLED);
    health
        .temperatureCelsius()
        .ifPresent(value -> payload.addMetric(prefix + "temperature.celsius", value));
    health.powerWatts().ifPresent(value -> payload.addMetric(prefix + "power.watts", value));
    health
        .memoryUsedBytes()
        .ifPresent(value -> payload.addMetric(prefix + "memory.used.bytes", value));
    health
        .memoryTotalBytes()
        .ifPresent(value -> payload.addMetric(prefix + "memory.total.bytes", value));
    payload.addMetric(prefix + "models", status.models().size());
    payload.addMetric(prefix + "simulated", status.info().simulated());
  }

  private KuraPayload payload(EngineEvent event) {
    KuraPayload payload = begin("event", counters.state().engine);
    payload.addMetric("event.sequence", event.sequence());
    payload.addMetric("event.time", event.time().toEpochMilli());
    payload.addMetric("event.type", event.type().name());
    payload.addMetric("event.message", text(event.message()));
    if (!event.model().isEmpty()) {
      payload.addMetric("event.model", event.model());
    }
    if (!event.version().isEmpty()) {
      payload.addMetric("event.model.version", event.version());
    }
    if (!event.accelerator().isEmpty()) {
      payload.addMetric("event.accelerator", event.accelerator());
    }
    event.details().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .limit(MOST_DETAILS)
        .forEach(
            detail ->
                payload.addMetric("event.detail." + detail.getKey(), text(detail.getValue())));
    return payload;
  }

  private static String text(String text) {
    return text.length() <= LONGEST_TEXT ? text : text.substring(0, LONGEST_TEXT) + "...";
  }

  /** For the status document. */
  synchronized Map<String, Object> status() {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("enabled", settings.enabled());
    status.put("publisher", publisher.get() == null ? "ABSENT" : "PRESENT");
    status.put("intervalSeconds", settings.intervalSeconds());
    status.put("bootId", counters.state().engine);
    status.put("sequence", counters.state().sequence);
    status.put("messages", messages);
    status.put("eventMessages", eventMessages);
    status.put("eventsWaiting", waiting.size());
    status.put("eventsDropped", eventsDropped);
    status.put("publishFailures", failures);
    if (!lastFailure.isEmpty()) {
      status.put("lastFailure", lastFailure);
    }
    return status;
  }
}
