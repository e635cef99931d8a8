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

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException.Code;
import io.shoji.kura.operations.FormValues;
import io.shoji.kura.operations.ScriptedEngine;
import io.shoji.kura.telemetry.Counters.State;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.VersionPolicy;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.Histogram;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Sums that hold, events that are counted, nothing that grows. */
final class ReporterTest {
  private static final long SECOND = 1_000_000_000L;

  private final ScriptedEngine engine = new ScriptedEngine();
  private final Store store = new Store();
  private final AtomicReference<@Nullable CloudPublisher> publisher = new AtomicReference<>(store);
  private final AtomicLong nanos = new AtomicLong();
  private Reporter reporter = reporter(new State());

  private Reporter reporter(State state) {
    return new Reporter(state, publisher::get, nanos::get, Clock.systemUTC());
  }

  private static TelemetrySettings settings(Map<String, ?> properties) {
    FormValues form = new FormValues(properties);
    TelemetrySettings settings = TelemetrySettings.read(form);
    assertThat(form.problems()).isEmpty();
    return settings;
  }

  private KuraPayload figures() {
    store.clear();
    nanos.addAndGet(30 * SECOND);
    reporter.figures();
    assertThat(store.payloads()).hasSize(1);
    return store.payloads().get(0);
  }

  private static Object of(KuraPayload payload, String metric) {
    return payload.getMetric("model.digits." + metric);
  }

  @Test
  void shouldTellIntervalAndTotalWhenRequestsEnd() throws Exception {
    reporter.started(TelemetryExamples.of(engine, "boot"));
    KuraPayload first = figures();
    assertThat(of(first, "requests")).isEqualTo(4L);
    engine.count(1_000_000, 10);
    engine.fail(Code.OVERLOADED, 2);
    KuraPayload second = figures();
    assertThat(of(second, "requests")).isEqualTo(12L);
    assertThat(of(second, "requests.total")).isEqualTo(16L);
    assertThat(of(second, "errors.OVERLOADED")).isEqualTo(2L);
    assertThat(of(second, "errors.DEADLINE_EXCEEDED")).isEqualTo(0L);
    assertThat(of(second, "errors.DEADLINE_EXCEEDED.total")).isEqualTo(1L);
    assertThat((Double) of(second, "latency.p50.ms")).isBetween(0.99, 1.01);
    Histogram interval = Counters.decode((String) of(second, "latency.histogram"));
    assertThat(interval).isNotNull();
    assertThat(interval.getTotalCount()).isEqualTo(10);
    assertThat(second.getMetric("previous")).isEqualTo(1L);
    assertThat(second.getMetric("interval.ms")).isEqualTo(30_000L);
    KuraPayload third = figures();
    assertThat(of(third, "requests")).isEqualTo(0L);
    assertThat(of(third, "latency.p50.ms")).isNull();
  }

  @Test
  void shouldMergeHistogramsToTheWholeWhenIntervalsAreAddedUp() {
    reporter.started(TelemetryExamples.of(engine, "boot"));
    Random random = new Random(7);
    Histogram sum = new Histogram(3);
    for (int i = 0; i < 50; i++) {
      engine.count(1_000 + random.nextInt(50_000_000), 1 + random.nextInt(20));
      store.full = random.nextInt(3) == 0;
      store.clear();
      reporter.figures();
      store.payloads().forEach(payload -> add(sum, payload));
    }
    store.full = false;
    add(sum, figures());
    Histogram whole =
        Counters.decode(
            engine
                .models()
                .get(0)
                .versions()
                .get(0)
                .status()
                .orElseThrow()
                .metrics()
                .latency()
                .histogram());
    assertThat(whole).isNotNull();
    assertThat(sum.getTotalCount()).isEqualTo(whole.getTotalCount());
    for (double percentile : new double[] {1, 50, 90, 99, 99.9}) {
      assertThat(sum.getValueAtPercentile(percentile))
          .isEqualTo(whole.getValueAtPercentile(percentile));
    }
  }

  private static void add(Histogram sum, KuraPayload payload) {
    if (of(payload, "latency.histogram") instanceof String text) {
      Histogram more = Counters.decode(text);
      assertThat(more).isNotNull();
      sum.add(more);
    }
  }

  @Test
  void shouldKeepSumsEqualWhateverFails() {
    Random random = new Random(42);
    CloudSums cloud = new CloudSums();
    int boot = 1;
    Reporter.Engine current = TelemetryExamples.of(engine, "boot-1");
    reporter.started(current);
    long gone = 0;
    long most = 0;
    for (int step = 0; step < 2_000; step++) {
      engine.count(100_000 + random.nextInt(1_000_000), random.nextInt(5));
      if (random.nextInt(4) == 0) {
        engine.fail(Code.values()[random.nextInt(Code.values().length)], 1);
      }
      store.full = random.nextInt(3) == 0;
      store.throwsAfterwards = random.nextInt(10) == 0;
      publisher.set(random.nextInt(10) == 0 ? null : store);
      nanos.addAndGet(SECOND);
      reporter.figures();
      deliver(random, cloud);
      switch (random.nextInt(100)) {
        case 0 -> {
          // The engine is restarted: it counts from zero, under another id.
          reporter.stopped(current);
          gone += engine.answered() + engine.failed();
          engine.forget();
          current = TelemetryExamples.of(engine, "boot-" + ++boot);
          if (random.nextBoolean()) {
            restart();
          }
          reporter.started(current);
          if (random.nextBoolean()) {
            restart();
            reporter.started(current);
          }
          // No more than four lives may be open.
          flush(cloud);
        }
        case 1 -> {
          // This component is restarted.
          most = Math.max(most, restart());
          reporter.started(current);
        }
        case 2 -> {
          // All versions go for a while, and come back as they were.
          engine.empty(true);
          reporter.figures();
          deliver(random, cloud);
          engine.empty(false);
        }
        default -> {}
      }
    }
    flush(cloud);
    assertThat(boot).isGreaterThan(5);
    assertThat(cloud.total()).isEqualTo(gone + engine.answered() + engine.failed());
    assertThat(cloud.charted()).isEqualTo(cloud.total());
    assertThat(most).isLessThan(20_000);
  }

  /** This component goes and comes; what it writes down is so long. */
  private int restart() {
    String json = new Gson().toJson(reporter.state());
    reporter = reporter(new Gson().fromJson(json, State.class));
    return json.length();
  }

  /** What is in the store arrives: in order, some of it lost, some twice. */
  private void deliver(Random random, CloudSums cloud) {
    for (KuraPayload payload : store.payloads()) {
      if (random.nextInt(20) > 0) {
        cloud.receive(payload);
      }
      if (random.nextInt(10) == 0) {
        cloud.receive(payload);
      }
    }
    store.clear();
  }

  /** Everything arrives: what is lost for good is made good by the next totals only. */
  private void flush(CloudSums cloud) {
    store.full = false;
    store.throwsAfterwards = false;
    publisher.set(store);
    for (int i = 0; i < 6; i++) {
      reporter.figures();
    }
    store.payloads().forEach(cloud::receive);
    store.clear();
  }

  @Test
  void shouldCountAnewWhenAVersionComesBackAfterItsRemoval() {
    reporter.started(TelemetryExamples.of(engine, "boot"));
    assertThat(of(figures(), "requests.total")).isEqualTo(4L);
    reporter.happened(
        ScriptedEngine.event(
            3,
            EngineEvent.Type.MODEL_REMOVED,
            "1.1.0",
            "removed",
            Map.of("answered", "10", "errors.DEADLINE_EXCEEDED", "1", "errors.FAILED", "2")));
    engine.forget();
    engine.count(1_000, 9);
    KuraPayload after = figures();
    // 7 answers and 2 failures between the last message and the removal, 9 answers since then.
    assertThat(of(after, "requests")).isEqualTo(18L);
    assertThat(of(after, "requests.total")).isEqualTo(22L);
    assertThat(of(after, "errors.FAILED")).isEqualTo(2L);
    assertThat(of(after, "errors.DEADLINE_EXCEEDED")).isEqualTo(0L);
  }

  @Test
  void shouldCountOnceWhenAVersionComesBackAndGoesOnCounting() {
    reporter.started(TelemetryExamples.of(engine, "boot"));
    assertThat(of(figures(), "requests.total")).isEqualTo(4L);
    engine.count(1_000, 7);
    reporter.happened(
        ScriptedEngine.event(
            3,
            EngineEvent.Type.MODEL_REMOVED,
            "1.1.0",
            "removed",
            Map.of("answered", "10", "errors.DEADLINE_EXCEEDED", "1")));
    engine.count(1_000, 9);
    KuraPayload after = figures();
    assertThat(of(after, "requests")).isEqualTo(16L);
    assertThat(of(after, "requests.total")).isEqualTo(20L);
  }

  @Test
  void shouldCountAnewWhenCountsGoBack() {
    reporter.started(TelemetryExamples.of(engine, "boot"));
    figures();
    engine.forget();
    engine.count(1_000, 1);
    assertThat(of(figures(), "requests.total")).isEqualTo(5L);
  }

  @Test
  void shouldDropEventsBeyondTheRateAndSayExactlyHowMany() {
    reporter.configure(settings(Map.of("events.burst", 10, "events.per.minute", 60)));
    reporter.started(TelemetryExamples.of(engine, "boot"));
    long sequence = 0;
    for (int i = 0; i < 1_000; i++) {
      reporter.happened(event(++sequence));
    }
    assertThat(reporter.events()).isTrue();
    assertThat(store.payloads()).hasSize(10);
    assertThat(told()).isEqualTo(990);
    assertThat(store.payloads().get(9).getMetric("events.dropped.total")).isEqualTo(990L);
    nanos.addAndGet(3 * SECOND);
    for (int i = 0; i < 5; i++) {
      reporter.happened(event(++sequence));
    }
    reporter.events();
    assertThat(store.payloads()).hasSize(13);
    reporter.figures();
    assertThat(told()).isEqualTo(992);
    assertThat(reporter.status()).containsEntry("eventsDropped", 992L);
  }

  private long told() {
    return store.payloads().stream()
        .mapToLong(payload -> (Long) payload.getMetric("events.dropped"))
        .sum();
  }

  @Test
  void shouldCountEventsThatTheEngineDidNotWaitWith() {
    reporter.started(TelemetryExamples.of(engine, "boot"));
    reporter.happened(event(5));
    reporter.happened(event(9));
    reporter.events();
    assertThat(told()).isEqualTo(3);
  }

  @Test
  void shouldKeepEventsInOrderAndBoundedWhenKuraTakesNone() {
    reporter.configure(settings(Map.of("events.burst", 100, "events.per.minute", 60)));
    reporter.started(TelemetryExamples.of(engine, "boot"));
    store.full = true;
    long sequence = 0;
    for (int minute = 0; minute < 100; minute++) {
      for (int i = 0; i < 50; i++) {
        reporter.happened(event(++sequence));
      }
      assertThat(reporter.events()).isFalse();
      nanos.addAndGet(60 * SECOND);
    }
    store.full = false;
    assertThat(reporter.events()).isTrue();
    List<Long> sequences = new ArrayList<>();
    store.payloads().forEach(p -> sequences.add((Long) p.getMetric("event.sequence")));
    assertThat(sequences).hasSize(Reporter.MOST_EVENTS).isSorted().startsWith(1L);
    assertThat(told()).isEqualTo(sequence - Reporter.MOST_EVENTS);
  }

  private static EngineEvent event(long sequence) {
    return ScriptedEngine.event(
        sequence, EngineEvent.Type.DEVICE_LOST, "", "lost", Map.of("reason", "heat"));
  }

  @Test
  void shouldSendNothingWhenSwitchedOff() {
    reporter.started(TelemetryExamples.of(engine, "boot"));
    reporter.configure(settings(Map.of("enabled", false)));
    reporter.happened(event(1));
    reporter.events();
    reporter.figures();
    reporter.configure(settings(Map.of("events", false, "histograms", false)));
    reporter.happened(event(2));
    reporter.events();
    assertThat(store.payloads()).isEmpty();
    KuraPayload figures = figures();
    assertThat(of(figures, "requests.total")).isEqualTo(4L);
    assertThat(of(figures, "latency.histogram")).isNull();
    assertThat(figures.getMetric("events.dropped.total")).isEqualTo(0L);
  }

  @Test
  void shouldStayBoundedWhenThereAreManyModels() {
    List<ModelOverview> many = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      many.add(
          new ModelOverview(
              "m" + i,
              engine.models().get(0).versions(),
              VersionPolicy.latest(),
              ModelOverview.Source.DEFAULT,
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              ""));
    }
    Reporter.Engine crowded =
        new Reporter.Engine() {
          @Override
          public String id() {
            return "crowded";
          }

          @Override
          public List<ModelOverview> models() {
            return many;
          }

          @Override
          public List<AcceleratorStatus> accelerators() {
            return List.of();
          }

          @Override
          public Optional<DriftReport> drift(String model) {
            return Optional.empty();
          }
        };
    reporter.started(crowded);
    KuraPayload payload = figures();
    assertThat(payload.getMetric("models.omitted")).isEqualTo(200 - Counters.MOST_MODELS);
    assertThat(payload.metricNames()).hasSizeLessThan(Counters.MOST_MODELS * 25);
    // What is gone makes room for what is there.
    many.subList(0, 150).clear();
    assertThat(figures().getMetric("models.omitted")).isEqualTo(0);
  }

  @Test
  void shouldNameEveryFieldWhenAllAreWrong() {
    Map<String, Object> wrong = new HashMap<>();
    wrong.put("enabled", "maybe");
    wrong.put("interval.seconds", 0);
    wrong.put("histograms", 1);
    wrong.put("events", "");
    wrong.put("events.burst", 101);
    wrong.put("events.per.minute", Long.MAX_VALUE);
    wrong.put("CloudPublisher.target", "(kura.service.pid=");
    FormValues form = new FormValues(wrong);
    TelemetrySettings.read(form);
    assertThat(form.problems()).hasSize(wrong.size());
    for (String name : wrong.keySet()) {
      assertThat(form.problems()).anyMatch(problem -> problem.startsWith(name));
    }
    assertThat(form.problems().toString()).contains("range=[1, 3600]", "does not parse");
  }

  @Test
  void shouldTakeAPidOrAFilter() {
    for (String target :
        new String[] {"my-publisher", "(kura.service.pid=my-publisher)", " (a=*) ", ""}) {
      assertThat(settings(Map.of("CloudPublisher.target", target)).publisher().toString())
          .contains("objectClass=" + CloudPublisher.class.getName());
    }
    for (String target : new String[] {"(", "a=b", "(a=b))(c=d", "(&)", "*", "(=)", "(a=b"}) {
      FormValues form = new FormValues(Map.of("CloudPublisher.target", target));
      TelemetrySettings.read(form);
      assertThat(form.problems()).as(target).hasSize(1);
    }
  }
}
