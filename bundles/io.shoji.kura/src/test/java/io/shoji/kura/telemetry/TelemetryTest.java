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

import io.shoji.kura.operations.ScriptedEngine;
import io.shoji.operations.EngineEvent;
import java.nio.file.Path;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.felix.framework.Felix;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Constants;

/** The component in a real framework: publishers that come and go, the interval, restarts. */
@Timeout(120)
final class TelemetryTest {
  private static final Map<String, Object> ENGINE = Map.of(Constants.SERVICE_ID, 57L);

  private final ScriptedEngine engine = new ScriptedEngine();
  private final Store store = new Store();
  private @Nullable Felix framework;

  @BeforeEach
  void start(@TempDir Path folder) throws Exception {
    Felix started =
        new Felix(Map.of(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString()));
    started.start();
    framework = started;
  }

  @AfterEach
  void stop() throws Exception {
    Felix running = framework;
    if (running != null) {
      running.stop();
      running.waitForStop(10_000);
    }
  }

  private Felix framework() {
    Felix running = framework;
    if (running == null) {
      throw new IllegalStateException("no framework");
    }
    return running;
  }

  private Telemetry telemetry(Map<String, Object> properties) {
    Telemetry telemetry = new Telemetry(framework().getBundleContext(), properties);
    telemetry.inference = engine.inference();
    telemetry.setOperations(engine, ENGINE);
    return telemetry;
  }

  private void publish(Store to, String pid) {
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put("kura.service.pid", pid);
    framework().getBundleContext().registerService(CloudPublisher.class, to, properties);
  }

  private static Map<String, Object> form(String target) {
    return Map.of("interval.seconds", 1, "CloudPublisher.target", target);
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private List<KuraPayload> figures() {
    return store.payloads().stream()
        .filter(payload -> "telemetry".equals(payload.getMetric("type")))
        .toList();
  }

  @Test
  void shouldSendAtMostOnceASecondAndEventsAtOnce() {
    publish(store, "other");
    Telemetry telemetry = telemetry(form("(kura.service.pid=mine)"));
    engine.count(1_000, 5);
    telemetry.event(engine.events.get(0));
    publish(store, "mine");
    await(() -> figures().size() >= 3);
    List<KuraPayload> figures = figures();
    for (int i = 1; i < figures.size(); i++) {
      assertThat(figures.get(i).getTimestamp().getTime())
          .isGreaterThanOrEqualTo(figures.get(i - 1).getTimestamp().getTime() + 990);
    }
    long start = System.nanoTime();
    telemetry.event(ScriptedEngine.event(2, EngineEvent.Type.DEVICE_LOST, "", "lost", Map.of()));
    await(() -> store.payloads().stream().anyMatch(TelemetryTest::isLost));
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(5));
    assertThat(store.messages().get(0).getProperties()).containsKey("type");
    telemetry.deactivate();
    int sent = store.messages().size();
    telemetry.event(engine.events.get(1));
    assertThat(store.messages()).hasSize(sent);
  }

  private static boolean isLost(KuraPayload payload) {
    return "DEVICE_LOST".equals(payload.getMetric("event.type"));
  }

  @Test
  void shouldKeepSendingWhenTheNewFilterDoesNotParse() {
    publish(store, "mine");
    Telemetry telemetry = telemetry(form("mine"));
    await(() -> !figures().isEmpty());
    Map<String, Object> wrong = new HashMap<>(form("(kura.service.pid=mine"));
    telemetry.modified(wrong);
    assertThat(telemetry.status())
        .containsEntry("configuration", "REFUSED")
        .containsEntry("inEffect", "LAST_GOOD")
        .containsEntry("publisher", "PRESENT");
    assertThat(telemetry.status().get("problems").toString())
        .contains("CloudPublisher.target: does not parse", "allowed: the PID");
    store.clear();
    await(() -> !figures().isEmpty());
    telemetry.modified(form("elsewhere"));
    assertThat(telemetry.status())
        .containsEntry("configuration", "APPLIED")
        .containsEntry("publisher", "ABSENT");
    telemetry.modified(form("mine"));
    store.clear();
    await(() -> !figures().isEmpty());
    telemetry.deactivate();
  }

  @Test
  void shouldGoOnCountingAfterARestartOfTheComponent() {
    publish(store, "mine");
    Telemetry first = telemetry(form("mine"));
    await(() -> !figures().isEmpty());
    first.deactivate();
    KuraPayload last = figures().get(figures().size() - 1);
    engine.count(1_000, 7);
    store.clear();
    Telemetry second = telemetry(form("mine"));
    await(() -> !figures().isEmpty());
    KuraPayload next = figures().get(0);
    assertThat(next.getMetric("boot.id")).isEqualTo(last.getMetric("boot.id"));
    assertThat((Long) next.getMetric("sequence")).isGreaterThan((Long) last.getMetric("sequence"));
    assertThat(next.getMetric("model.digits.requests")).isEqualTo(7L);
    assertThat(next.getMetric("model.digits.requests.total")).isEqualTo(11L);
    second.removeOperations(engine);
    second.setOperations(engine, Map.of(Constants.SERVICE_ID, 58L));
    await(
        () -> {
          List<KuraPayload> all = figures();
          return !all.get(all.size() - 1).getMetric("boot.id").equals(last.getMetric("boot.id"));
        });
    second.deactivate();
  }

  @Test
  void shouldTellTheLastCountsOfAnEngineAfterARestartOfTheGateway() {
    publish(store, "mine");
    Telemetry first = telemetry(form("mine"));
    await(() -> !figures().isEmpty());
    Object boot = figures().get(0).getMetric("boot.id");
    engine.count(1_000, 7);
    first.removeOperations(engine);
    first.deactivate();
    store.clear();
    engine.forget();
    Telemetry second = new Telemetry(framework().getBundleContext(), form("mine"));
    second.setOperations(engine, Map.of(Constants.SERVICE_ID, 99L));
    await(() -> figures().size() >= 2);
    assertThat(figures().get(0).getMetric("boot.id")).isEqualTo(boot);
    assertThat(figures().get(0).getMetric("model.digits.requests.total")).isEqualTo(11L);
    assertThat(figures().get(0).getMetric("model.digits.state")).isEqualTo("REMOVED");
    assertThat(figures().get(1).getMetric("boot.id")).isNotEqualTo(boot);
    assertThat(figures().get(1).getMetric("model.digits.requests.total")).isEqualTo(0L);
    second.deactivate();
  }

  @Test
  void shouldNotGrowWhenEventsComeInAStorm() {
    Telemetry telemetry = telemetry(form("mine"));
    for (int i = 1; i <= 100_000; i++) {
      telemetry.event(ScriptedEngine.event(i, EngineEvent.Type.DEVICE_LOST, "", "", Map.of()));
    }
    Map<String, Object> status = telemetry.status();
    assertThat((Integer) status.get("eventsWaiting") + (Long) status.get("eventsDropped"))
        .isEqualTo(100_000);
    assertThat((Integer) status.get("eventsWaiting")).isLessThanOrEqualTo(Reporter.MOST_EVENTS);
    telemetry.deactivate();
  }
}
