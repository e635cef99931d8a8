/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.wires;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.wire.graph.MultiportWireConfiguration;
import org.eclipse.kura.wire.graph.WireComponentConfiguration;
import org.eclipse.kura.wire.graph.WireComponentDefinition;
import org.eclipse.kura.wire.graph.WireComponentDefinitionService;
import org.eclipse.kura.wire.graph.WireGraphConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.ServiceRegistration;

/** Graphs in a framework: how they come, change and go while envelopes flow. */
@Timeout(120)
class WireGraphIT {
  private static final String TIMER = "org.eclipse.kura.wire.Timer";
  private static final String LOGGER = "org.eclipse.kura.wire.Logger";

  @TempDir Path work;
  private KuraInFelix kura;

  @BeforeEach
  void start() throws Exception {
    kura = new KuraInFelix(work);
  }

  @AfterEach
  void stop() throws Exception {
    kura.close();
  }

  private static WireComponentConfiguration component(
      ComponentConfiguration configuration, int inputs, int outputs) {
    return new WireComponentConfiguration(
        configuration, Map.of("inputPortCount", inputs, "outputPortCount", outputs));
  }

  private static WireComponentConfiguration timer(String pid, int milliseconds) {
    return component(
        KuraInFelix.configuration(
            pid,
            TIMER,
            Map.of("simple.interval", milliseconds, "simple.time.unit", "MILLISECONDS")),
        0,
        1);
  }

  private static WireComponentConfiguration existing(String pid, int inputs, int outputs) {
    return component(KuraInFelix.configuration(pid, "none", Map.of()), inputs, outputs);
  }

  private static WireGraphConfiguration graph(
      List<WireComponentConfiguration> components, String... wires) {
    List<MultiportWireConfiguration> all = new ArrayList<>();
    for (String wire : wires) {
      String[] ends = wire.split(">");
      all.add(new MultiportWireConfiguration(ends[0], ends[1], 0, 0));
    }
    return new WireGraphConfiguration(new ArrayList<>(components), all);
  }

  @Test
  void shouldCarryTicksToReceiverWhenGraphIsUpdated() throws Exception {
    Recorder recorder = new Recorder();
    kura.register("recorder", recorder, Map.of());

    kura.graph()
        .update(graph(List.of(timer("timer", 20), existing("recorder", 1, 0)), "timer>recorder"));

    Waiting.until("ticks", () -> recorder.envelopes.size() >= 5);
    assertThat(recorder.envelopes.get(0).getScope()).isEqualTo("WIRES");
    // As in Kura: the service.pid, not the name in the graph.
    assertThat(recorder.envelopes.get(0).getEmitterPid())
        .isEqualTo(kura.component("timer").getProperty("service.pid"));
    assertThat(recorder.values("TIMER")).allMatch(Long.class::isInstance);
    assertThat(recorder.threads).allMatch(name -> name.startsWith("WiresTimer_timer"));
    assertThat(kura.component("timer").getProperty("emitter.port.count")).isEqualTo(1);
    assertThat(kura.component("timer").getProperty("receiver.port.count")).isEqualTo(0);
    assertThat(
            (String)
                kura.configurations()
                    .getComponentConfiguration(KuraInFelix.GRAPH)
                    .getConfigurationProperties()
                    .get("WireGraph"))
        .contains("\"emitter\":\"timer\"");
    assertThat(kura.configurations().getSnapshots()).isNotEmpty();
    assertThat(kura.wires()).contains("timer/0 -> recorder/0").contains("every 20 ms");
  }

  @Test
  void shouldFollowConfigurationWhenGraphComesAsProperty() throws Exception {
    Recorder first = new Recorder();
    Recorder second = new Recorder();
    kura.register("first", first, Map.of());
    kura.register("second", second, Map.of());
    Source source = new Source();
    kura.register("source", source, Map.of());

    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("first", 1, 0)
            .component("second", 1, 0)
            .wire("source", "first")
            .toString());
    Waiting.until("one wire", () -> source.wires() == 1);
    source.emit(1);
    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("first", 1, 0)
            .component("second", 1, 0)
            .wire("source", "second")
            .toString());
    Waiting.until("the other wire", () -> kura.wires().contains("source/0 -> second/0  connected"));
    Waiting.until("still one wire", () -> source.wires() == 1);
    source.emit(2);

    assertThat(first.values("n")).containsExactly(1L);
    assertThat(second.values("n")).containsExactly(2L);
  }

  @Test
  void shouldConnectLaterWhenComponentsComeAfterTheGraph() throws Exception {
    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("recorder", 1, 0)
            .wire("source", "recorder")
            .toString());
    Source source = new Source();
    Recorder recorder = new Recorder();
    kura.register("recorder", recorder, Map.of());
    Waiting.until("it waits", () -> kura.wires().contains("waits for a component"));
    kura.register("source", source, Map.of());

    Waiting.until("a wire", () -> source.wires() == 1);
    source.emit(7);

    assertThat(recorder.values("n")).containsExactly(7L);
    assertThat(recorder.threads).containsExactly(Thread.currentThread().getName());
  }

  @Test
  void shouldKeepOldGraphWhenNewOneIsBroken() throws Exception {
    Source source = new Source();
    Recorder recorder = new Recorder();
    kura.register("source", source, Map.of());
    kura.register("recorder", recorder, Map.of());
    String good =
        new Json()
            .component("source", 0, 1)
            .component("recorder", 1, 0)
            .wire("source", "recorder")
            .toString();
    kura.configureGraph(good);
    Waiting.until("a wire", () -> source.wires() == 1);

    Map<String, String> broken = new HashMap<>();
    broken.put("{\"components\":[", "no JSON");
    broken.put("{\"components\":{}}", "no JSON array");
    broken.put(good + "x", "malformed at line 3");
    broken.put(
        new Json().component("source", 0, 1).wire("source", "nobody").toString(),
        "not in the graph");
    broken.put(
        new Json()
            .component("source", 0, 1)
            .component("recorder", 1, 0)
            .wire("source", 1, "recorder", 0)
            .toString(),
        "output port is not there");
    broken.put(
        new Json()
            .component("a", 1, 1)
            .component("b", 1, 1)
            .component("c", 1, 1)
            .wire("a", "b")
            .wire("b", "c")
            .wire("c", "a")
            .toString(),
        "circle: a -> b -> c -> a");
    broken.put(new Json().component("a", 0, 1).component("a", 0, 1).toString(), "one name");
    long number = 0;
    for (Map.Entry<String, String> graph : broken.entrySet()) {
      kura.configureGraph(graph.getKey());
      Waiting.until(graph.getValue(), () -> kura.wires().contains(graph.getValue()));
      source.emit(number++);
    }

    assertThat(recorder.values("n"))
        .containsExactlyElementsOf(LongStream.range(0, number).boxed().toList());
    kura.configureGraph(good);
    Waiting.until("the good one again", () -> !kura.wires().contains("refused"));
  }

  @Test
  void shouldKeepLastGoodGraphWhenBrokenOneIsThereAtStart() throws Exception {
    kura.graph().update(graph(List.of(timer("timer", 20))));
    kura.configureGraph("broken");
    Waiting.until("a refusal", () -> kura.wires().contains("refused"));
    kura.configurations().snapshot();

    kura.close();
    kura = new KuraInFelix(work);

    assertThat(kura.wires()).contains("refused").contains("no JSON").contains("timer");
    Waiting.until("the timer ticks", () -> kura.wires().contains("every 20 ms"));
  }

  @Test
  void shouldRefuseAndChangeNothingWhenComponentsCannotBeMade() throws Exception {
    Recorder recorder = new Recorder();
    kura.register("recorder", recorder, Map.of());
    kura.graph()
        .update(graph(List.of(timer("timer", 20), existing("recorder", 1, 0)), "timer>recorder"));
    Waiting.until("ticks", () -> !recorder.envelopes.isEmpty());
    String before = kura.wires().lines().filter(l -> l.startsWith("timer/")).findFirst().get();

    List<WireGraphConfiguration> bad = new ArrayList<>();
    bad.add(
        graph(
            List.of(
                timer("other", 20),
                component(KuraInFelix.configuration("x", "no.such.Factory", Map.of()), 0, 1))));
    bad.add(graph(List.of(component(KuraInFelix.configuration("x", TIMER, Map.of()), 3, 1))));
    bad.add(
        graph(
            List.of(
                new WireComponentConfiguration(
                    KuraInFelix.configuration("x", TIMER, Map.of()), Map.of()))));
    bad.add(graph(List.of(timer("timer", 20)), "timer>gone"));
    for (WireGraphConfiguration configuration : bad) {
      assertThatThrownBy(() -> kura.graph().update(configuration))
          .isInstanceOfSatisfying(
              KuraException.class,
              e -> assertThat(e.getCode()).isEqualTo(KuraErrorCode.BAD_REQUEST));
    }

    assertThat(kura.isThere("other")).isFalse();
    int count = recorder.envelopes.size();
    Waiting.until("more ticks", () -> recorder.envelopes.size() > count + 2);
    assertThat(kura.wires().lines().filter(l -> l.startsWith("timer/")).findFirst().get())
        .startsWith(before.substring(0, 30));
  }

  @Test
  void shouldReplaceAndRemoveComponentsWhenGraphChanges() throws Exception {
    kura.graph().update(graph(List.of(timer("a", 50), timer("b", 50))));
    Waiting.until("a and b", () -> kura.isThere("a") && kura.isThere("b"));
    Object first = kura.component("a").getProperty("service.factoryPid");
    kura.graph()
        .update(
            graph(
                List.of(
                    component(KuraInFelix.configuration("a", LOGGER, Map.of()), 1, 0),
                    timer("c", 50)),
                "c>a"));
    Waiting.until("b goes", () -> !kura.isThere("b"));
    Waiting.until(
        "a is a logger",
        () ->
            kura.isThere("a")
                && LOGGER.equals(kura.component("a").getProperty("service.factoryPid")));
    assertThat(first).isEqualTo(TIMER);
    Waiting.until("connected", () -> kura.wires().contains("c/0 -> a/0  connected"));

    WireGraphConfiguration now = kura.graph().get();
    assertThat(now.getWireComponentConfigurations())
        .extracting(c -> c.getConfiguration().getPid())
        .containsExactly("a", "c");
    assertThat(
            now.getWireComponentConfigurations()
                .get(1)
                .getConfiguration()
                .getConfigurationProperties())
        .containsEntry("simple.interval", 50)
        .containsEntry("service.factoryPid", TIMER);
    assertThat(now.getWireComponentConfigurations().get(1).getProperties())
        .containsEntry("outputPortCount", 1)
        .containsEntry("position.x", 0f);
    assertThat(now.getWireConfigurations().get(0).getWire().isConnected()).isTrue();

    kura.graph().delete();
    Waiting.until("nothing is left", () -> !kura.isThere("a") && !kura.isThere("c"));
    assertThat(kura.graph().get().getWireComponentConfigurations()).isEmpty();
    assertThat(kura.wires()).doesNotContain(" -> ");
  }

  @Test
  void shouldUpdateComponentsWhenOnlyTheirSettingsChange() throws Exception {
    kura.graph().update(graph(List.of(timer("timer", 3_600_000))));
    Waiting.until("hours", () -> kura.wires().contains("every 3600000 ms"));
    kura.graph().update(graph(List.of(timer("timer", 1_234))));
    Waiting.until("a second", () -> kura.wires().contains("every 1234 ms"));
  }

  @Test
  void shouldStartAgainWithTheSameGraphWhenGatewayRestarts() throws Exception {
    kura.graph()
        .update(
            graph(
                List.of(
                    timer("timer", 20),
                    component(KuraInFelix.configuration("log", LOGGER, Map.of()), 1, 0)),
                "timer>log"));
    Waiting.until("connected", () -> kura.wires().contains("timer/0 -> log/0  connected"));
    kura.close();
    kura = new KuraInFelix(work);
    Waiting.until("connected again", () -> kura.wires().contains("timer/0 -> log/0  connected"));
  }

  /** As CONF-V1 writes several configurations at once: the graph may come before its components. */
  @Test
  void shouldRunGraphWhenItComesTogetherWithNewComponents() throws Exception {
    Recorder recorder = new Recorder();
    kura.register("recorder", recorder, Map.of());
    long before = kura.configurations().snapshot();
    Waiting.until(
        "the graph is followed",
        () -> kura.configurations().getConfigurableComponentPids().contains(KuraInFelix.GRAPH));
    String json =
        new Json()
            .component("timer", 0, 1)
            .component("recorder", 1, 0)
            .wire("timer", "recorder")
            .toString();
    kura.configurations()
        .updateConfigurations(
            List.of(
                KuraInFelix.configuration(KuraInFelix.GRAPH, null, Map.of("WireGraph", json)),
                KuraInFelix.configuration(
                    "timer",
                    TIMER,
                    Map.of("simple.interval", 20, "simple.time.unit", "MILLISECONDS"))),
            true);
    Waiting.until("ticks", () -> recorder.envelopes.size() > 3);

    kura.configurations().rollback(before);
    Waiting.until("no timer", () -> !kura.isThere("timer"));
    Waiting.until("no wire", () -> !kura.wires().contains(" -> "));
    int last = recorder.envelopes.size();
    kura.configurations().rollback();
    Waiting.until("ticks again", () -> recorder.envelopes.size() > last + 3);
  }

  @Test
  void shouldGoOnWhenTargetFilterOfAComponentIsBroken() throws Exception {
    Source source = new Source();
    Recorder recorder = new Recorder();
    kura.register("source", source, Map.of());
    kura.register("recorder", recorder, Map.of());
    kura.configurations()
        .createFactoryConfiguration(
            "org.eclipse.kura.wire.CloudPublisher",
            "publisher",
            Map.of("CloudPublisher.target", "(kura.service.pid=("),
            false);
    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("publisher", 1, 0)
            .component("recorder", 1, 0)
            .wire("source", "publisher")
            .wire("source", "recorder")
            .toString());
    Waiting.until("the other wire", () -> kura.wires().contains("recorder/0   connected"));
    Waiting.until("told", () -> source.wires() == 2);
    source.emit(1);
    assertThat(recorder.values("n")).containsExactly(1L);
    assertThat(kura.wires()).contains("no cloud publisher, dropped 1");

    kura.configurations().deleteFactoryConfiguration("publisher", false);
    kura.configurations()
        .createFactoryConfiguration(
            "org.eclipse.kura.wire.CloudPublisher",
            "publisher",
            Map.of("CloudPublisher.target", "(kura.service.pid=some)"),
            false);
    Waiting.until(
        "a new one", () -> kura.wires().contains("no cloud publisher\n") && source.wires() == 2);
    Waiting.until("its wire", () -> kura.wires().contains("publisher/0  connected"));
  }

  @Test
  void shouldLoseNoWireWhenComponentsRestart() throws Exception {
    Source source = new Source();
    Recorder recorder = new Recorder();
    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("recorder", 1, 0)
            .wire("source", "recorder")
            .toString());
    kura.register("source", source, Map.of());
    ServiceRegistration<?> registration = kura.register("recorder", recorder, Map.of());
    for (long i = 0; i < 50; i++) {
      Waiting.until("connected", () -> kura.wires().contains("recorder/0  connected"));
      Waiting.until("told", () -> source.wires() == 1);
      source.emit(i);
      registration.unregister();
      source.emit(-1);
      registration = kura.register("recorder", recorder, Map.of());
    }
    assertThat(recorder.values("n"))
        .containsExactlyElementsOf(LongStream.range(0, 50).boxed().toList());
  }

  @Test
  void shouldEndUpConnectedWhenComponentsComeAndGoFromManyThreads() throws Exception {
    int receivers = 6;
    Source source = new Source();
    kura.register("source", source, Map.of());
    Json json = new Json().component("source", 0, 1);
    for (int i = 0; i < receivers; i++) {
      json.component("r" + i, 1, 0).wire("source", "r" + i);
    }
    kura.configureGraph(json.toString());
    AtomicBoolean going = new AtomicBoolean(true);
    Thread load =
        new Thread(
            () -> {
              while (going.get()) {
                source.emit(0);
              }
            });
    List<Recorder> last = new CopyOnWriteArrayList<>();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < receivers; i++) {
      String name = "r" + i;
      threads.add(
          new Thread(
              () -> {
                try {
                  for (int n = 0; n < 100; n++) {
                    kura.register(name, new Recorder(), Map.of()).unregister();
                  }
                  Recorder recorder = new Recorder();
                  kura.register(name, recorder, Map.of());
                  last.add(recorder);
                } catch (Exception | AssertionError e) {
                  failures.add(e);
                }
              }));
    }
    // Told of no wires first: it has its ports then.
    Waiting.until("the source has its ports", () -> source.support() != null);
    load.start();
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    going.set(false);
    load.join();

    assertThat(failures).isEmpty();
    assertThat(last).hasSize(receivers);
    last.forEach(recorder -> recorder.envelopes.clear());
    Waiting.until(
        "an envelope for each",
        () -> {
          source.emit(1);
          return last.stream().noneMatch(recorder -> recorder.envelopes.isEmpty());
        });
    Waiting.until("all wires", () -> source.wires() == receivers);
  }

  @Test
  void shouldLoseNothingOnWiresThatStayWhenGraphChangesUnderLoad() throws Exception {
    Source source = new Source();
    Recorder stays = new Recorder();
    Recorder comesAndGoes = new Recorder();
    kura.register("source", source, Map.of());
    kura.register("stays", stays, Map.of());
    kura.register("other", comesAndGoes, Map.of());
    Json without =
        new Json()
            .component("source", 0, 1)
            .component("stays", 1, 0)
            .component("other", 1, 0)
            .wire("source", "stays");
    String one = without.toString();
    String two = without.wire("source", "other").toString();
    kura.configureGraph(one);
    Waiting.until("connected", () -> source.wires() == 1);
    AtomicBoolean going = new AtomicBoolean(true);
    AtomicLong emitted = new AtomicLong();
    Thread load =
        new Thread(
            () -> {
              while (going.get()) {
                source.emit(emitted.getAndIncrement());
              }
            });
    load.start();
    for (int i = 0; i < 20; i++) {
      kura.configureGraph(two);
      Waiting.until("two wires", () -> source.wires() == 2);
      kura.configureGraph(one);
      Waiting.until("one wire", () -> source.wires() == 1);
    }
    going.set(false);
    load.join();

    assertThat(stays.values("n")).isEqualTo(LongStream.range(0, emitted.get()).boxed().toList());
    assertThat(comesAndGoes.envelopes).isNotEmpty();
  }

  @Test
  void shouldSlowItsOwnEmitterOnlyWhenReceiverIsSlow() throws Exception {
    Source slowSource = new Source();
    Source fastSource = new Source();
    Recorder slow = new Recorder();
    Recorder fast = new Recorder();
    CountDownLatch release = new CountDownLatch(1);
    slow.reaction =
        envelope -> {
          try {
            release.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        };
    kura.register("slowSource", slowSource, Map.of());
    kura.register("fastSource", fastSource, Map.of());
    kura.register("slow", slow, Map.of());
    kura.register("fast", fast, Map.of());
    kura.configureGraph(
        new Json()
            .component("slowSource", 0, 1)
            .component("fastSource", 0, 1)
            .component("slow", 1, 0)
            .component("fast", 1, 0)
            .wire("slowSource", "slow")
            .wire("slowSource", "fast")
            .wire("fastSource", "fast")
            .toString());
    Waiting.until("connected", () -> slowSource.wires() == 2 && fastSource.wires() == 1);
    Thread emitter = new Thread(() -> slowSource.emit(1));
    emitter.start();
    Waiting.until("the slow one has it", () -> slow.envelopes.size() == 1);

    for (int i = 0; i < 1_000; i++) {
      fastSource.emit(2);
    }
    assertThat(fast.values("n")).hasSize(1_000).containsOnly(2L);
    // The graph can be changed meanwhile.
    kura.configureGraph(
        new Json().component("fastSource", 0, 1).component("fast", 1, 0).toString());
    Waiting.until("no wires", () -> fastSource.wires() == 0);
    release.countDown();
    emitter.join(TimeUnit.SECONDS.toMillis(30));
    assertThat(emitter.isAlive()).isFalse();
  }

  @Test
  void shouldReachTheOthersWhenOneReceiverFails() throws Exception {
    Source source = new Source();
    Recorder bad = new Recorder();
    Recorder good = new Recorder();
    bad.reaction =
        envelope -> {
          throw new IllegalStateException("as the test wants");
        };
    kura.register("source", source, Map.of());
    kura.register("bad", bad, Map.of());
    kura.register("good", good, Map.of());
    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("bad", 1, 0)
            .component("good", 1, 0)
            .wire("source", "bad")
            .wire("source", "good")
            .toString());
    Waiting.until("connected", () -> source.wires() == 2);
    source.emit(1);
    source.emit(2);

    assertThat(good.values("n")).containsExactly(1L, 2L);
    assertThat(bad.values("n")).containsExactly(1L, 2L);
    assertThat(kura.wires()).contains("as the test wants");
  }

  @Test
  void shouldKeepGraphsApartWhenSeveralRunInParallel() throws Exception {
    int graphs = 8;
    int numbers = 5_000;
    List<Source> sources = new ArrayList<>();
    List<Recorder> recorders = new ArrayList<>();
    Json json = new Json();
    for (int i = 0; i < graphs; i++) {
      Source source = new Source();
      Recorder recorder = new Recorder();
      sources.add(source);
      recorders.add(recorder);
      kura.register("source" + i, source, Map.of());
      kura.register("recorder" + i, recorder, Map.of());
      json.component("source" + i, 0, 1)
          .component("recorder" + i, 1, 0)
          .wire("source" + i, "recorder" + i);
    }
    kura.configureGraph(json.toString());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < graphs; i++) {
      Source source = sources.get(i);
      Waiting.until("connected", () -> source.wires() == 1);
      long base = i * 1_000_000L;
      Thread thread =
          new Thread(
              () -> {
                for (int n = 0; n < numbers; n++) {
                  source.emit(base + n);
                }
              });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (int i = 0; i < graphs; i++) {
      long base = i * 1_000_000L;
      assertThat(recorders.get(i).values("n"))
          .isEqualTo(LongStream.range(base, base + numbers).boxed().toList());
    }
  }

  @Test
  void shouldOfferComponentsWithTheirPortsWhenAskedForDefinitions() throws Exception {
    Map<String, WireComponentDefinition> definitions = new HashMap<>();
    for (WireComponentDefinition definition :
        kura.service(WireComponentDefinitionService.class).getComponentDefinitions()) {
      definitions.put(definition.getFactoryPid(), definition);
    }
    assertThat(definitions)
        .containsKeys(
            TIMER,
            LOGGER,
            "org.eclipse.kura.wire.CloudPublisher",
            "org.eclipse.kura.wire.AIComponent",
            "io.shoji.gateway.kura.ReplaySource");
    assertThat(definitions.get(TIMER).getMaxInputPorts()).isZero();
    assertThat(definitions.get(TIMER).getMinOutputPorts()).isEqualTo(1);
    assertThat(definitions.get(LOGGER).getDefaultInputPorts()).isEqualTo(1);
    assertThat(definitions.get(LOGGER).getMaxOutputPorts()).isZero();
    WireComponentDefinition replay = definitions.get("io.shoji.gateway.kura.ReplaySource");
    assertThat(replay.getMinInputPorts()).isZero();
    assertThat(replay.getMaxInputPorts()).isEqualTo(1);
    assertThat(replay.getComponentOCD().getDefinition().getName()).isEqualTo("Replay source");
  }
}
