/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import static io.shoji.kura.inference.FakeGraph.envelope;
import static io.shoji.kura.inference.FakeGraph.record;
import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Precision;
import io.shoji.inference.InferenceException;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Pipeline;
import io.shoji.inference.PipelineService;
import io.shoji.inference.Prediction;
import io.shoji.inference.Provenance;
import io.shoji.inference.Sample;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Source;
import io.shoji.model.PipelineDescription.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.kura.wire.WireRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Version;

/**
 * The box beside accelerators that do not keep their deadline, and what it puts out of all kinds.
 */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
class WireInferenceTimingTest {
  private static final Provenance PROVENANCE =
      new Provenance(
          1,
          "stubborn",
          "1.0.0",
          "v",
          "",
          "",
          "sim",
          "sim0",
          "driver",
          "1",
          "rt",
          "1",
          "",
          true,
          false);

  private final FakeGraph graph = new FakeGraph();
  private final List<WireInference> boxes = new ArrayList<>();
  private final ExecutorService emitters = Executors.newCachedThreadPool();

  @AfterEach
  void stop() {
    boxes.forEach(WireInference::deactivate);
    emitters.shutdownNow();
  }

  /** Pipelines that answer when they are let, whatever the deadline. */
  private static final class Stubborn implements PipelineService {
    private final Source source;
    private final List<Prediction> predictions;
    final CountDownLatch go = new CountDownLatch(1);
    final CountDownLatch running = new CountDownLatch(1);
    final AtomicInteger processed = new AtomicInteger();
    final AtomicInteger resets = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();
    volatile boolean hang = true;
    volatile @Nullable RuntimeException thrown;

    Stubborn(Source source, Prediction... predictions) {
      this.source = source;
      this.predictions = List.of(predictions);
    }

    @Override
    public Pipeline open(ModelRef model, long deadlineNanos) {
      open.incrementAndGet();
      return new Pipeline() {
        @Override
        public ModelDescription model() {
          return description(source);
        }

        @Override
        public List<Prediction> process(Sample sample, long deadline) throws InferenceException {
          running.countDown();
          boolean interrupted = false;
          while (hang && go.getCount() > 0) {
            try {
              go.await();
            } catch (InterruptedException e) {
              interrupted = true;
            }
          }
          if (interrupted) {
            Thread.currentThread().interrupt();
          }
          RuntimeException failure = thrown;
          if (failure != null) {
            throw failure;
          }
          processed.incrementAndGet();
          return predictions;
        }

        @Override
        public void reset() {
          resets.incrementAndGet();
        }

        @Override
        public void close() {
          open.decrementAndGet();
        }
      };
    }
  }

  private static ModelDescription description(Source source) {
    return new ModelDescription(
        "stubborn",
        new Version(1, 0, 0),
        "",
        "",
        "",
        "other",
        List.of(),
        List.of(),
        List.of(),
        List.of(
            new ModelVariant(
                "v", "sim", Precision.FP32, "", List.of(new ModelFile("m", "", 1)), Map.of())),
        Optional.of(
            new PipelineDescription(
                source,
                OptionalDouble.empty(),
                source == Source.SIGNAL ? List.of("v") : List.of(),
                List.of(),
                List.of(new Step("decode-boxes", Map.of())))),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        "");
  }

  private static Prediction prediction(
      List<Prediction.Box> found, OptionalDouble anomaly, Optional<Boolean> alarm) {
    return new Prediction(List.of(), found, anomaly, alarm, List.of(), PROVENANCE, 1, 2, 3);
  }

  private static Prediction alarm() {
    return prediction(List.of(), OptionalDouble.of(0.75), Optional.of(true));
  }

  private WireInference box(PipelineService pipelines, Object... settings) {
    Map<String, Object> properties = new HashMap<>();
    properties.put("model", "stubborn");
    properties.put("steps", "package");
    for (int i = 0; i < settings.length; i += 2) {
      properties.put((String) settings[i], settings[i + 1]);
    }
    WireInference box = graph.box(properties);
    boxes.add(box);
    box.bindPipelines(pipelines);
    return box;
  }

  private static WireRecord picture() {
    return record("image", new byte[] {1});
  }

  @Test
  void shouldLetTheEmitterGoOnWhenTheDeadlinePasses() {
    Stubborn stubborn = new Stubborn(Source.IMAGE, alarm());
    WireInference box = box(stubborn, "deadlineMs", 1_000, "onError", "pass");
    long start = System.nanoTime();
    box.onWireReceive(envelope(picture(), picture()));
    assertThat(System.nanoTime() - start)
        .isBetween(TimeUnit.SECONDS.toNanos(1), TimeUnit.SECONDS.toNanos(20));
    List<WireRecord> emitted = graph.emitted();
    assertThat(emitted).hasSize(2);
    for (WireRecord record : emitted) {
      assertThat(record.getProperties().get("error.code").getValue())
          .isEqualTo("DEADLINE_EXCEEDED");
    }
    // While the accelerator still hangs, each envelope waits its deadline and no longer.
    box.onWireReceive(envelope(picture()));
    assertThat(graph.emitted()).hasSize(1);
    stubborn.go.countDown();
    WireInferenceTest.await(() -> box.status().get("late").equals(1L));
    // And then all is as before.
    box.modified(
        Map.of("model", "stubborn", "steps", "package", "deadlineMs", 20_000, "onError", "pass"));
    box.onWireReceive(envelope(picture()));
    assertThat(graph.emitted().get(0).getProperties()).containsKey("alarm");
    assertThat(box.status())
        .containsEntry("answered", 1L)
        .containsEntry("errors", Map.of("DEADLINE_EXCEEDED", 3L));
  }

  @Test
  void shouldNotMakeOneGraphWaitForAnother() throws Exception {
    Stubborn slow = new Stubborn(Source.IMAGE, alarm());
    Stubborn fast = new Stubborn(Source.IMAGE, alarm());
    fast.hang = false;
    WireInference first = box(slow, "deadlineMs", 30_000);
    WireInference second = box(fast, "deadlineMs", 20_000);
    Future<?> waiting = emitters.submit(() -> first.onWireReceive(envelope(picture())));
    slow.running.await();
    for (int i = 0; i < 10; i++) {
      second.onWireReceive(envelope(picture()));
    }
    assertThat(graph.emitted()).hasSize(10);
    assertThat(waiting.isDone()).isFalse();
    slow.go.countDown();
    waiting.get(20, TimeUnit.SECONDS);
    assertThat(graph.emitted()).hasSize(1);
  }

  @Test
  void shouldTurnAwayWhatIsTooMuchAndEmptyTheWindowsThen() throws Exception {
    Stubborn stubborn = new Stubborn(Source.SIGNAL, alarm());
    WireInference box = box(stubborn, "deadlineMs", 30_000, "onError", "pass");
    List<Future<?>> waiting = new ArrayList<>();
    int most = Handover.MAX_WAITING + 1;
    for (int i = 0; i < most + 3; i++) {
      waiting.add(emitters.submit(() -> box.onWireReceive(envelope(record("v", 1f)))));
    }
    WireInferenceTest.await(() -> box.status().get("errors").equals(Map.of("OVERLOADED", 3L)));
    stubborn.go.countDown();
    for (Future<?> each : waiting) {
      each.get(20, TimeUnit.SECONDS);
    }
    assertThat(graph.emitted()).hasSize(most + 3);
    assertThat(box.status()).containsEntry("answered", (long) most);
    box.onWireReceive(envelope(record("v", 1f)));
    assertThat(stubborn.resets).hasValue(1);
  }

  @Test
  void shouldTakeLateSamplesIntoTheWindows() {
    Stubborn stubborn = new Stubborn(Source.SIGNAL, alarm());
    stubborn.hang = false;
    WireInference box = box(stubborn, "deadlineMs", 20_000);
    box.onWireReceive(envelope(record("v", 0f)));
    assertThat(graph.emitted()).hasSize(1);
    stubborn.hang = true;
    box.modified(Map.of("model", "stubborn", "steps", "package", "deadlineMs", 50));
    box.onWireReceive(envelope(record("v", 1f), record("v", 2f), record("v", 3f)));
    box.onWireReceive(envelope(record("v", 4f)));
    assertThat(graph.emitted()).isEmpty();
    stubborn.go.countDown();
    WireInferenceTest.await(() -> stubborn.processed.get() == 5);
    WireInferenceTest.await(() -> box.status().get("late").equals(4L));
    assertThat(stubborn.resets).hasValue(0);
    assertThat(box.status()).containsEntry("dropped", 4L);
  }

  @Test
  void shouldGoOnAfterAnErrorInAStep() {
    Stubborn broken = new Stubborn(Source.IMAGE, alarm());
    broken.hang = false;
    broken.thrown = new IllegalStateException("step broke");
    WireInference box = box(broken, "deadlineMs", 20_000);
    box.onWireReceive(envelope(picture()));
    assertThat(String.valueOf(box.status().get("lastError"))).contains("step broke");
    assertThat(box.status()).containsEntry("errors", Map.of("FAILED", 1L));
    broken.thrown = null;
    box.onWireReceive(envelope(picture()));
    assertThat(graph.emitted()).hasSize(1);
    assertThat(broken.open).hasValue(1);
  }

  @Test
  void shouldStopWhileAnAcceleratorHangsAndLetGoOfItLater() throws Exception {
    Stubborn stubborn = new Stubborn(Source.IMAGE, alarm());
    WireInference box = box(stubborn, "deadlineMs", 30_000, "onError", "pass");
    Future<?> waiting = emitters.submit(() -> box.onWireReceive(envelope(picture())));
    stubborn.running.await();
    long start = System.nanoTime();
    box.deactivate();
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(10));
    stubborn.go.countDown();
    WireInferenceTest.await(() -> stubborn.open.get() == 0);
    waiting.get(20, TimeUnit.SECONDS);
    box.onWireReceive(envelope(picture()));
    List<WireRecord> emitted = graph.emitted();
    assertThat(emitted.get(emitted.size() - 1).getProperties().get("error.code").getValue())
        .isEqualTo("SHUTTING_DOWN");
  }

  @Test
  void shouldWaitForTheNextPipelinesWhenThoseThereAreShutDown() throws Exception {
    CountDownLatch asked = new CountDownLatch(3);
    PipelineService stopping =
        (model, deadline) -> {
          asked.countDown();
          throw new InferenceException(InferenceException.Code.SHUTTING_DOWN, "stopped");
        };
    Stubborn next = new Stubborn(Source.IMAGE, alarm());
    next.hang = false;
    WireInference box = box(stopping, "deadlineMs", 20_000);
    Future<?> waiting = emitters.submit(() -> box.onWireReceive(envelope(picture())));
    asked.await();
    assertThat(waiting.isDone()).isFalse();
    box.bindPipelines(next);
    box.unbindPipelines(stopping);
    waiting.get(20, TimeUnit.SECONDS);
    assertThat(graph.emitted()).hasSize(1);
    WireInference late = box(stopping, "deadlineMs", 50, "onError", "pass");
    late.onWireReceive(envelope(picture()));
    assertThat(graph.emitted().get(0).getProperties().get("error.code").getValue().toString())
        .isIn("SHUTTING_DOWN", "DEADLINE_EXCEEDED");
  }

  @Test
  void shouldPutOutBoxesAnomaliesAndAlarms() {
    Prediction.Box surest = new Prediction.Box(1, 2, 3, 4, 0, "bolt \"M8\"", 0.9f);
    Prediction.Box other = new Prediction.Box(5, 6, 7, 8, 1, "nut", 0.5f);
    Stubborn finds =
        new Stubborn(
            Source.IMAGE,
            prediction(List.of(surest, other), OptionalDouble.of(0.25), Optional.of(false)));
    finds.hang = false;
    WireInference box = box(finds, "deadlineMs", 20_000);
    box.onWireReceive(envelope(picture()));
    Map<String, ?> found = graph.emitted().get(0).getProperties();
    assertThat(found)
        .containsOnlyKeys("boxes", "boxes_count", "label", "score", "anomaly", "alarm");
    assertThat(graph.box(Map.of()).status()).containsEntry("model", "");
    assertThat(text(finds, box, "boxes"))
        .isEqualTo(
            "[{\"label\":\"bolt \\\"M8\\\"\",\"score\":0.9,\"x\":1.0,\"y\":2.0,\"width\":3.0,"
                + "\"height\":4.0},{\"label\":\"nut\",\"score\":0.5,\"x\":5.0,\"y\":6.0,"
                + "\"width\":7.0,\"height\":8.0}]");
    assertThat(text(finds, box, "label")).isEqualTo("bolt \"M8\"");
    assertThat(text(finds, box, "boxes_count")).isEqualTo("2");
    assertThat(text(finds, box, "anomaly")).isEqualTo("0.25");
    assertThat(text(finds, box, "alarm")).isEqualTo("false");
  }

  private String text(Stubborn finds, WireInference box, String name) {
    box.onWireReceive(envelope(picture()));
    return graph.emitted().get(0).getProperties().get(name).getValue().toString();
  }
}
