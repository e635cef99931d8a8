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

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.ai.inference.InferenceEngineService;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;
import org.eclipse.kura.wire.WireEmitter;
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.WireHelperService;
import org.eclipse.kura.wire.WireReceiver;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.WireSupport;
import org.eclipse.kura.wire.graph.BarrierAggregatorFactory;
import org.eclipse.kura.wire.graph.MultiportWireSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Producer;
import org.osgi.service.wireadmin.Wire;

/** The components, in graphs, with their settings changed while they run. */
@Timeout(120)
class WireComponentsIT {
  private static final String TIMER = "org.eclipse.kura.wire.Timer";
  private static final String LOGGER = "org.eclipse.kura.wire.Logger";
  private static final String PUBLISHER = "org.eclipse.kura.wire.CloudPublisher";
  private static final String AI = "org.eclipse.kura.wire.AIComponent";
  private static final String REPLAY = "io.shoji.gateway.kura.ReplaySource";

  @TempDir Path work;
  private KuraInFelix kura;
  private final Recorder recorder = new Recorder();
  private final Source source = new Source();

  @BeforeEach
  void start() throws Exception {
    kura = new KuraInFelix(work);
    kura.register("recorder", recorder, Map.of());
    kura.register("source", source, Map.of());
  }

  @AfterEach
  void stop() throws Exception {
    kura.close();
  }

  private void connect(String component, int inputs, int outputs) throws Exception {
    Json json =
        new Json()
            .component("source", 0, 1)
            .component(component, inputs, outputs)
            .component("recorder", 1, 0);
    if (inputs > 0) {
      json.wire("source", component);
    }
    if (outputs > 0) {
      json.wire(component, "recorder");
    }
    kura.configureGraph(json.toString());
    Waiting.until(
        "connected",
        () ->
            kura.wires().lines().filter(line -> line.contains("  connected ")).count()
                    == (inputs > 0 ? 1 : 0) + (outputs > 0 ? 1 : 0)
                && (inputs == 0 || source.wires() == 1));
  }

  private void emit(Map<String, TypedValue<?>> properties) {
    source.support().emit(List.of(new WireRecord(properties)));
  }

  @Test
  void shouldTickBySecondsWhenTimerHasCronExpression() throws Exception {
    kura.create("timer", TIMER, Map.of("type", "CRON", "cron.interval", "* * * * * ?"));
    connect("timer", 0, 1);
    Waiting.until("three ticks", () -> recorder.envelopes.size() >= 3);
    List<Object> times = recorder.values("TIMER");
    for (Object time : times) {
      // Each at a whole second, a little late.
      assertThat((Long) time % 1_000).isLessThan(900);
    }
  }

  @Test
  void shouldGoOnTickingWhenTimersNewSettingsAreWrong() throws Exception {
    kura.create(
        "timer",
        TIMER,
        Map.of(
            "simple.interval",
            50,
            "simple.time.unit",
            "MILLISECONDS",
            "simple.first.tick.policy",
            "CUSTOM",
            "simple.custom.first.tick.interval",
            0));
    connect("timer", 0, 1);
    for (Map<String, Object> wrong :
        List.<Map<String, Object>>of(
            Map.of("simple.interval", 0),
            Map.of("simple.interval", -7),
            Map.of("simple.time.unit", "FORTNIGHTS"),
            Map.of("type", "CRON", "cron.interval", "whenever"))) {
      kura.configurations().updateConfiguration("timer", wrong, false);
      Waiting.until("a refusal", () -> kura.wires().contains("goes on as before"));
      int before = recorder.envelopes.size();
      Waiting.until("ticks", () -> recorder.envelopes.size() > before + 2);
      kura.configurations()
          .updateConfiguration(
              "timer",
              Map.of("type", "SIMPLE", "simple.interval", 50, "simple.time.unit", "MILLISECONDS"),
              false);
      Waiting.until("no refusal", () -> !kura.wires().contains("goes on as before"));
    }
  }

  @Test
  void shouldLogWhenVerbosityChanges() throws Exception {
    kura.create("log", LOGGER, Map.of());
    connect("log", 1, 0);
    source.emit(1);
    assertThat(kura.wires()).contains("quiet, envelopes 1");
    kura.configurations().updateConfiguration("log", Map.of("log.verbosity", "VERBOSE"), false);
    Waiting.until("verbose", () -> kura.wires().contains("verbose"));
    source.emit(2);
    assertThat(kura.wires()).contains("verbose, envelopes 2");
  }

  private static final class Cloud implements CloudPublisher {
    private final List<KuraMessage> messages = new CopyOnWriteArrayList<>();
    private volatile boolean full;

    @Override
    public String publish(KuraMessage message) throws KuraException {
      if (full) {
        throw new KuraException(KuraErrorCode.STORE_ERROR);
      }
      messages.add(message);
      return "id";
    }

    @Override
    public void registerCloudConnectionListener(CloudConnectionListener listener) {}

    @Override
    public void unregisterCloudConnectionListener(CloudConnectionListener listener) {}

    @Override
    public void registerCloudDeliveryListener(CloudDeliveryListener listener) {}

    @Override
    public void unregisterCloudDeliveryListener(CloudDeliveryListener listener) {}
  }

  @Test
  void shouldPublishEachRecordWhenCloudPublisherIsThere() throws Exception {
    kura.create(
        "publisher",
        PUBLISHER,
        Map.of(
            "CloudPublisher.target",
            "(kura.service.pid=cloud)",
            "set.body.from.property",
            "body",
            "remove.body.from.metrics",
            true));
    connect("publisher", 1, 0);
    source.emit(1);
    assertThat(kura.wires()).contains("no cloud publisher, dropped 1");

    Cloud cloud = new Cloud();
    Cloud other = new Cloud();
    kura.context()
        .registerService(
            CloudPublisher.class, other, new Hashtable<>(Map.of("kura.service.pid", "other")));
    kura.context()
        .registerService(
            CloudPublisher.class, cloud, new Hashtable<>(Map.of("kura.service.pid", "cloud")));
    Waiting.until("bound", () -> kura.wires().contains("published 0"));
    Map<String, TypedValue<?>> all =
        Map.of(
            "flag", TypedValues.newBooleanValue(true),
            "d", TypedValues.newDoubleValue(1.5),
            "f", TypedValues.newFloatValue(2.5f),
            "i", TypedValues.newIntegerValue(3),
            "l", TypedValues.newLongValue(4L),
            "s", TypedValues.newStringValue("text"),
            "b", TypedValues.newByteArrayValue(new byte[] {1, 2}),
            "body", TypedValues.newStringValue("ä"));
    source
        .support()
        .emit(
            List.of(
                new WireRecord(all), new WireRecord(Map.of("n", TypedValues.newIntegerValue(9)))));

    assertThat(other.messages).isEmpty();
    assertThat(cloud.messages).hasSize(2);
    KuraMessage message = cloud.messages.get(0);
    assertThat(message.getPayload().metrics())
        .containsEntry("flag", true)
        .containsEntry("d", 1.5)
        .containsEntry("f", 2.5f)
        .containsEntry("i", 3)
        .containsEntry("l", 4L)
        .containsEntry("s", "text")
        .doesNotContainKey("body");
    assertThat(message.getPayload().getBody()).containsExactly(0xc3, 0xa4);
    assertThat(message.getPayload().getTimestamp()).isNotNull();
    assertThat(message.getPayload().getPosition()).isNull();
    assertThat(message.getProperties()).containsEntry("i", 3).doesNotContainKey("body");
    assertThat(cloud.messages.get(1).getPayload().getBody()).isNull();

    cloud.full = true;
    source.emit(5);
    assertThat(kura.wires()).contains("published 2, dropped 2");
  }

  @Test
  void shouldReplayTableToItsEndWhenItPlaysOnce() throws Exception {
    StringBuilder text = new StringBuilder("n,v,label\n");
    for (int i = 0; i < 1_000; i++) {
      text.append(i).append(',').append(i / 8.0).append(",class").append(i % 3).append('\n');
    }
    Files.writeString(work.resolve("replay/table.csv"), text);
    kura.create(
        "replay", REPLAY, Map.of("path", "table.csv", "rate", 0.0, "start.delay", 0, "batch", 7));
    connect("replay", 0, 1);
    Waiting.until("the end", () -> kura.wires().contains("done, envelopes 143, passes 1"));
    assertThat(recorder.values("n")).isEqualTo(LongStream.range(0, 1_000).boxed().toList());
    assertThat(recorder.values("v").get(3)).isEqualTo(0.375);
    assertThat(recorder.values("label").get(4)).isEqualTo("class1");
    assertThat(recorder.envelopes.get(142).getRecords()).hasSize(6);
    assertThat(recorder.threads).containsOnly("WiresReplay_replay");
  }

  @Test
  void shouldReplayAtItsRateWhenItLoops() throws Exception {
    Files.writeString(work.resolve("replay/table.csv"), "n\n1\n2\n3\n");
    kura.create(
        "replay",
        REPLAY,
        Map.of("path", "table.csv", "rate", 100.0, "start.delay", 0, "loop", true));
    connect("replay", 0, 1);
    Waiting.until("a start", () -> !recorder.envelopes.isEmpty());
    long start = System.nanoTime();
    int first = recorder.envelopes.size();
    Waiting.until("a hundred more", () -> recorder.envelopes.size() >= first + 100);
    double seconds = (System.nanoTime() - start) / 1e9;
    // Never faster; how much slower depends on the machine.
    assertThat(seconds).isGreaterThan(0.9);
    assertThat(recorder.values("n").subList(0, 7)).containsExactly(1L, 2L, 3L, 1L, 2L, 3L, 1L);
  }

  @Test
  void shouldWaitForAReceiverWhenThereIsNone() throws Exception {
    Files.writeString(work.resolve("replay/table.csv"), "n\n1\n2\n3\n");
    kura.create("replay", REPLAY, Map.of("path", "table.csv", "rate", 0.0, "start.delay", 0));
    kura.configureGraph(new Json().component("replay", 0, 1).toString());
    Waiting.until("it waits", () -> kura.wires().contains("waits for a receiver, envelopes 0"));
    connect("replay", 0, 1);
    Waiting.until("all", () -> recorder.envelopes.size() == 3);
  }

  @Test
  void shouldEmitOncePerTickWhenReplayIsTriggered() throws Exception {
    Files.writeString(work.resolve("replay/table.csv"), "n\n1\n2\n3\n");
    kura.create("replay", REPLAY, Map.of("path", "table.csv", "mode", "TRIGGER"));
    connect("replay", 1, 1);
    for (int i = 0; i < 5; i++) {
      source.emit(i);
    }
    assertThat(recorder.values("n")).containsExactly(1L, 2L, 3L);
    assertThat(recorder.threads).containsOnly(Thread.currentThread().getName());
    assertThat(kura.wires()).contains("done, envelopes 3");
  }

  @Test
  void shouldGoOnWithTheOldFileWhenTheNewPathIsWrong() throws Exception {
    Files.writeString(work.resolve("replay/table.csv"), "n\n1\n");
    kura.create(
        "replay",
        REPLAY,
        Map.of("path", "table.csv", "rate", 200.0, "start.delay", 0, "loop", true));
    connect("replay", 0, 1);
    Waiting.until("a start", () -> !recorder.envelopes.isEmpty());
    for (String path : List.of("gone.csv", "../../../../etc/passwd", "/etc/passwd")) {
      kura.configurations().updateConfiguration("replay", Map.of("path", path), false);
      Waiting.until(
          "a refusal",
          () -> kura.wires().contains("goes on as before") && kura.wires().contains(path));
      int before = recorder.envelopes.size();
      Waiting.until("more", () -> recorder.envelopes.size() > before + 5);
    }
    Files.writeString(work.resolve("replay/other.csv"), "m\n2\n");
    kura.configurations().updateConfiguration("replay", Map.of("path", "other.csv"), false);
    Waiting.until("the other one", () -> recorder.values("m").contains(2L));
  }

  @Test
  void shouldStandStillAndSayWhyWhenReplayHasNothing() throws Exception {
    kura.create("replay", REPLAY, Map.of());
    connect("replay", 0, 1);
    assertThat(kura.wires()).contains("stands still: there is no file or folder to replay");
    Files.writeString(work.resolve("replay/bad.csv"), "n\n1,2\n1,2\n");
    kura.configurations()
        .updateConfiguration(
            "replay",
            Map.of("path", "bad.csv", "loop", true, "rate", 0.0, "start.delay", 0),
            false);
    Waiting.until("a stop", () -> kura.wires().contains("stopped: there was nothing to read"));
    assertThat(kura.wires()).contains("passed over 2");
  }

  @Test
  void shouldTalkToTheEngineAsKuraDoesWhenRecordsComeIn() throws Exception {
    Engine engine = new Engine();
    kura.create("ai", AI, Engine.settings("", "double", ""));
    connect("ai", 1, 1);
    emit(Map.of("x", TypedValues.newDoubleValue(1.0)));
    assertThat(kura.wires()).contains("the engine is not ready");
    assertThat(recorder.envelopes).isEmpty();
    kura.context()
        .registerService(
            InferenceEngineService.class,
            engine,
            new Hashtable<>(Map.of("kura.service.pid", "engine")));
    engine.ready = false;
    emit(Map.of("x", TypedValues.newDoubleValue(1.0)));
    assertThat(engine.calls).isEmpty();
    engine.ready = true;

    emit(Map.of("x", TypedValues.newDoubleValue(4.0), "y", TypedValues.newIntegerValue(3)));
    emit(Map.of("x", TypedValues.newDoubleValue(5.0)));
    assertThat(recorder.values("x")).containsExactly(8.0, 10.0);
    assertThat(recorder.records().get(0).getProperties()).containsOnlyKeys("x");
    // It loads again what is loaded, once, and never what is not.
    assertThat(engine.calls).containsExactly("load double", "infer double", "infer double");

    emit(Map.of("z", TypedValues.newDoubleValue(4.0)));
    assertThat(kura.wires()).contains("inferred 2, failed 3");
    assertThat(recorder.envelopes).hasSize(2);
  }

  @Test
  void shouldChainModelsAndSplitOutputsWhenThereAreThree() throws Exception {
    Engine engine = new Engine();
    kura.context()
        .registerService(
            InferenceEngineService.class,
            engine,
            new Hashtable<>(Map.of("kura.service.pid", "engine")));
    kura.create("ai", AI, Engine.settings("turn", "turn", "two"));
    connect("ai", 1, 1);
    emit(Map.of("x", TypedValues.newByteArrayValue(new byte[] {1, 2, 3})));
    assertThat(engine.calls).containsExactly("infer turn", "infer turn", "infer two");
    assertThat(recorder.envelopes).hasSize(1);
    // One record for each output.
    assertThat(recorder.records()).hasSize(2);
    assertThat(recorder.values("score")).containsExactly(1f, null);
    assertThat(recorder.values("alarm")).containsExactly(null, true);

    kura.configurations().updateConfiguration("ai", Engine.settings("", "turn", ""), false);
    Waiting.until(
        "the other model",
        () -> {
          engine.calls.clear();
          emit(Map.of("x", TypedValues.newByteArrayValue(new byte[] {1, 2, 3})));
          return engine.calls.equals(List.of("infer turn"));
        });
    List<Object> values = recorder.values("x");
    assertThat((byte[]) values.get(values.size() - 1)).containsExactly(3, 2, 1);

    for (String model : List.of("long", "bad", "unknown")) {
      kura.configurations().updateConfiguration("ai", Engine.settings("", model, ""), false);
      int before = recorder.envelopes.size();
      Waiting.until(
          "a failure of " + model,
          () -> {
            emit(Map.of("x", TypedValues.newByteArrayValue(new byte[] {1})));
            return kura.wires()
                .contains(
                    model.equals("long")
                        ? "does not contain data of length 1"
                        : model.equals("bad") ? "as the test wants" : "unknown");
          });
      assertThat(recorder.envelopes.size()).isLessThanOrEqualTo(before + 20);
    }
  }

  /** Two inputs, joined, and two outputs. */
  private static final class Join implements Producer, Consumer, KuraInFelix.TestComponent {
    private final BarrierAggregatorFactory factory;
    private volatile MultiportWireSupport support;

    Join(BarrierAggregatorFactory factory) {
      this.factory = factory;
    }

    @Override
    public synchronized void support(Supplier<WireSupport> made) {
      if (support == null) {
        support = (MultiportWireSupport) made.get();
        factory.build(support.getReceiverPorts()).onWireReceive(this::joined);
      }
    }

    private void joined(List<WireEnvelope> envelopes) {
      List<WireRecord> records = new ArrayList<>();
      envelopes.forEach(envelope -> records.addAll(envelope.getRecords()));
      support.getEmitterPorts().get(1).emit(support.createWireEnvelope(records));
    }

    @Override
    public void producersConnected(Wire[] wires) {
      support.producersConnected(wires);
    }

    @Override
    public void updated(Wire wire, Object value) {
      support.updated(wire, value);
    }

    @Override
    public Object polled(Wire wire) {
      return support.polled(wire);
    }

    @Override
    public void consumersConnected(Wire[] wires) {
      support.consumersConnected(wires);
    }
  }

  @Test
  void shouldJoinPortsWhenComponentHasSeveral() throws Exception {
    Source second = new Source();
    Recorder first = new Recorder();
    kura.register("second", second, Map.of());
    kura.register("unused", first, Map.of());
    Join join = new Join(kura.service(BarrierAggregatorFactory.class));
    kura.register("join", join, Map.of("receiver.port.count", 2, "emitter.port.count", 2));
    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("second", 0, 1)
            .component("join", 2, 2)
            .component("recorder", 1, 0)
            .component("unused", 1, 0)
            .wire("source", 0, "join", 0)
            .wire("second", 0, "join", 1)
            .wire("join", 1, "recorder", 0)
            .wire("join", 0, "unused", 0)
            .toString());
    Waiting.until(
        "connected",
        () ->
            kura.wires().lines().filter(line -> line.contains("  connected ")).count() == 4
                && source.wires() == 1
                && second.wires() == 1
                && join.support.getEmitterPorts().get(1).listConnectedWires().size() == 1);
    source.emit(1);
    source.emit(2);
    assertThat(recorder.envelopes).isEmpty();
    second.emit(3);
    second.emit(4);
    source.emit(5);
    assertThat(recorder.values("n")).containsExactly(2L, 3L, 5L, 4L);
    assertThat(recorder.envelopes).hasSize(2);
    assertThat(first.envelopes).isEmpty();
    assertThat(join.support.getReceiverPorts().get(0).listConnectedWires()).hasSize(1);
  }

  @Test
  void shouldKnowComponentsWhenHelperIsAsked() throws Exception {
    kura.create("timer", TIMER, Map.of());
    WireHelperService helper = kura.service(WireHelperService.class);
    assertThat(helper.isEmitter("timer")).isTrue();
    assertThat(helper.isReceiver("timer")).isFalse();
    assertThat(helper.isReceiver("nobody")).isFalse();
    assertThat(helper.getServicePid("timer"))
        .isEqualTo(kura.component("timer").getProperty("service.pid"));
    assertThat(helper.getServicePid("nobody")).isNull();
    assertThat(helper.getPid(source)).isEqualTo("source");
    assertThat(helper.getServicePid(recorder)).isEqualTo("test.recorder");
    assertThat(recorder).isInstanceOf(WireReceiver.class);
    assertThat(source).isInstanceOf(WireEmitter.class);
  }
}
