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

import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.kura.models.Models;
import io.shoji.kura.operations.ScriptedEngine;
import io.shoji.model.ModelPackage;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Source;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.operations.ModelPolicy;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.OnnxModels;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.imageio.ImageIO;
import org.eclipse.kura.type.DataType;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.wire.WireRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The box on the real engine, with records as Kura's own components emit them. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class WireInferenceTest {
  private static final GoldenSamples DIGITS =
      new GoldenSamples(GoldenSamples.resource("model.digits", "golden/samples.safetensors"));
  private static final GoldenSamples BEARING =
      new GoldenSamples(GoldenSamples.resource("model.bearing", "golden/samples.safetensors"));
  private static final List<String> CONDITIONS =
      List.of("normal", "inner race", "outer race", "ball");

  @TempDir private static Path folder;
  private static RealEngine real;

  private final FakeGraph graph = new FakeGraph();
  private final List<WireInference> boxes = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    real = new RealEngine(folder);
    real.install(
        "digits",
        "1.0.0",
        GoldenSamples.resource("model.digits", "models/digits.onnx"),
        List.of(
            TensorSpec.of("image", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 1, 8, 8))
                .withLayout(Layout.NCHW)),
        List.of(
            TensorSpec.of("logits", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 10))
                .withLayout(Layout.NC)),
        List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
        Optional.of(
            new PipelineDescription(
                Source.IMAGE,
                OptionalDouble.empty(),
                List.of(),
                List.of(
                    new Step("decode-image", Map.of("color", "gray")),
                    new Step("resize", Map.of("width", 8.0, "height", 8.0)),
                    new Step(
                        "normalize",
                        Map.of("scale", 1 / 255.0, "mean", List.of(0.3053), "std", List.of(0.376))),
                    new Step("to-tensor", Map.of("layout", "NCHW"))),
                List.of(new Step("softmax", Map.of()), new Step("top-k", Map.of("k", 3.0))))));
    real.install(
        "bearing",
        "1.0.0",
        GoldenSamples.resource("model.bearing", "models/bearing.onnx"),
        List.of(
            TensorSpec.of("window", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 1, 2048))
                .withLayout(Layout.NCW)),
        List.of(
            TensorSpec.of("logits", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4))
                .withLayout(Layout.NC)),
        CONDITIONS,
        Optional.of(
            new PipelineDescription(
                Source.SIGNAL,
                OptionalDouble.of(12_000),
                List.of("vibration"),
                List.of(
                    new Step("window", Map.of("size", 2048.0, "hop", 1024.0)),
                    new Step("detrend", Map.of("type", "linear")),
                    new Step("standardize", Map.of()),
                    new Step("to-tensor", Map.of("layout", "NCW"))),
                List.of(new Step("softmax", Map.of()), new Step("top-k", Map.of("k", 3.0))))));
    Shape pair = Shape.of(Shape.DYNAMIC, 2);
    real.install(
        "add",
        "1.0.0",
        OnnxModels.add(2),
        List.of(
            TensorSpec.of("a", ElementType.FLOAT32, pair),
            TensorSpec.of("b", ElementType.FLOAT32, pair)),
        List.of(TensorSpec.of("sum", ElementType.FLOAT32, pair)));
    Shape three = Shape.of(1, 3);
    real.install(
        "quantized",
        "1.0.0",
        OnnxModels.identity(ElementType.INT8, three),
        List.of(
            TensorSpec.of("x", ElementType.INT8, three)
                .withQuantization(Quantization.perTensor(0.5f, 3))),
        List.of(
            TensorSpec.of("y", ElementType.INT8, three)
                .withQuantization(Quantization.perTensor(0.5f, 3))));
    for (ElementType type :
        List.of(ElementType.INT64, ElementType.FLOAT64, ElementType.BOOL, ElementType.INT32)) {
      real.install(
          "scalar-" + type.name().toLowerCase(java.util.Locale.ROOT),
          "1.0.0",
          OnnxModels.identity(type, Shape.of(1)),
          List.of(TensorSpec.of("x", type, Shape.of(1))),
          List.of(TensorSpec.of("y", type, Shape.of(1))));
    }
    // Two channels of two samples, put out as they come: windows of 2, the next 2 on.
    Shape channels = Shape.of(1, 2, 2);
    real.install(
        "channels",
        "1.0.0",
        OnnxModels.identity(ElementType.FLOAT32, channels),
        List.of(TensorSpec.of("x", ElementType.FLOAT32, channels).withLayout(Layout.NCW)),
        List.of(TensorSpec.of("y", ElementType.FLOAT32, channels)),
        List.of(),
        Optional.of(
            new PipelineDescription(
                Source.SIGNAL,
                OptionalDouble.empty(),
                List.of("left", "right"),
                List.of(
                    new Step("window", Map.of("size", 2.0, "hop", 2.0)),
                    new Step("to-tensor", Map.of("layout", "NCW"))),
                List.of())));
    Shape large = Shape.of(1, 20);
    real.install(
        "large",
        "1.0.0",
        OnnxModels.identity(ElementType.FLOAT32, large),
        List.of(TensorSpec.of("x", ElementType.FLOAT32, large)),
        List.of(TensorSpec.of("y", ElementType.FLOAT32, large)));
    for (ModelStatus model : real.service().models()) {
      awaitServing(model.description().name());
    }
  }

  private static void awaitServing(String model) {
    await(
        () ->
            real.service()
                .model(ModelRef.latest(model))
                .filter(m -> m.state() == ModelStatus.State.SERVING)
                .isPresent());
  }

  static void await(BooleanSupplier condition) {
    long deadline = InferenceService.deadlineIn(30_000);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("waited too long").isNegative();
      LockSupport.parkNanos(1_000_000);
    }
  }

  @AfterAll
  static void stop() throws Exception {
    real.close();
  }

  @AfterEach
  void stopBoxes() {
    boxes.forEach(WireInference::deactivate);
  }

  private WireInference box(Object... settings) {
    Map<String, Object> properties = new HashMap<>();
    // Generous: these tests are about answers, not about times, and other builds may run.
    properties.put("deadlineMs", 20_000);
    for (int i = 0; i < settings.length; i += 2) {
      properties.put((String) settings[i], settings[i + 1]);
    }
    WireInference box = graph.box(properties);
    boxes.add(box);
    box.bindInference(real.service());
    box.bindPipelines(real.pipelines());
    return box;
  }

  private List<WireRecord> answers(WireInference box, WireRecord... records) {
    box.onWireReceive(envelope(records));
    List<WireRecord> emitted = graph.emitted();
    for (WireRecord record : emitted) {
      // What DB Store, Publisher and Logger can take: no nulls, and one of Kura's types.
      record
          .getProperties()
          .forEach(
              (name, value) -> {
                assertThat(name).isNotBlank();
                assertThat(value.getValue()).isNotNull();
                assertThat(value.getType()).isIn((Object[]) DataType.values());
              });
    }
    return emitted;
  }

  private WireRecord answer(WireInference box, WireRecord record) {
    List<WireRecord> answers = answers(box, record);
    assertThat(answers).as(() -> String.valueOf(box.status())).hasSize(1);
    return answers.get(0);
  }

  private static @Nullable Object value(WireRecord record, String name) {
    TypedValue<?> value = record.getProperties().get(name);
    return value == null ? null : value.getValue();
  }

  // Pictures.

  /** A golden sample as the pixels that it was made of. */
  private static byte[] pixels(int index) {
    float[] values = DIGITS.input("image", index);
    byte[] pixels = new byte[values.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) Math.round((values[i] * 0.376 + 0.3053) * 255);
    }
    return pixels;
  }

  private static byte[] png(int index) throws Exception {
    byte[] pixels = pixels(index);
    BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setDataElements(0, 0, 8, 8, pixels);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  @Test
  void shouldReadDigitsFromPicturesAndPassTheTruthThrough() throws Exception {
    WireInference box = box("model", "digits", "passThrough", "truth = label, file*");
    int right = 0;
    for (int i = 0; i < 200; i++) {
      WireRecord answer =
          answer(
              box,
              record("picture", png(i), "label", "" + DIGITS.label(i), "file.name", i + ".png"));
      assertThat(answer.getProperties()).containsOnlyKeys("label", "score", "truth", "file.name");
      right +=
          answer.getProperties().get("truth").equals(answer.getProperties().get("label")) ? 1 : 0;
    }
    assertThat(right).isGreaterThanOrEqualTo(194);
    assertThat(box.status())
        .containsEntry("received", 200L)
        .containsEntry("answered", 200L)
        .containsEntry("dropped", 0L);
  }

  @Test
  void shouldReadDigitsFromRawPixelsAndFromOneColumnPerPixel() throws Exception {
    WireInference raw =
        box("model", "digits", "pictures", "gray", "pictureWidth", 8, "pictureHeight", 8);
    WireInference columns =
        box(
            "model",
            "digits",
            "pictures",
            "gray",
            "pictureWidth",
            8,
            "pictureHeight",
            8,
            "inputs",
            "image <- p{0..63}");
    for (int i = 0; i < 10; i++) {
      byte[] pixels = pixels(i);
      Object[] row = new Object[128];
      for (int p = 0; p < 64; p++) {
        row[2 * p] = "p" + p;
        row[2 * p + 1] =
            p % 2 == 0 ? (Object) (pixels[p] & 0xff) : (Object) (double) (pixels[p] & 0xff);
      }
      Object expected = value(answer(raw, record("camera", pixels)), "label");
      assertThat(value(answer(columns, record(row)), "label")).isEqualTo(expected);
    }
    assertRefused(raw, "asked=64", record("camera", new byte[63]));
  }

  @Test
  void shouldPutOutAsMuchAsIsAskedFor() throws Exception {
    WireInference box =
        box(
            "model",
            "digits",
            "topK",
            3,
            "bytes",
            true,
            "provenance",
            true,
            "latency",
            true,
            "prefix",
            "meter_");
    WireRecord answer = answer(box, record("image", png(0), "assetName", "camera"));
    assertThat(value(answer, "assetName")).isEqualTo("camera");
    assertThat(value(answer, "meter_label_1")).isEqualTo(value(answer, "meter_label"));
    assertThat(value(answer, "meter_score_1")).isEqualTo(value(answer, "meter_score"));
    assertThat((Float) value(answer, "meter_score_1"))
        .isGreaterThanOrEqualTo((Float) value(answer, "meter_score_3"));
    assertThat((byte[]) value(answer, "meter_logits")).hasSize(40);
    assertThat(value(answer, "meter_logits.type")).isEqualTo("FP32");
    assertThat(value(answer, "meter_logits.shape")).isEqualTo("[1, 10]");
    assertThat(value(answer, "meter_provenance.accelerator")).isEqualTo("cpu");
    assertThat(value(answer, "meter_provenance.version")).isEqualTo("1.0.0");
    assertThat(value(answer, "meter_provenance.degraded")).isEqualTo(false);
    assertThat((Double) value(answer, "meter_latency.ms"))
        .isGreaterThanOrEqualTo((Double) value(answer, "meter_latency.infer.ms"))
        .isPositive();
  }

  private void assertRefused(WireInference box, String part, WireRecord record) {
    assertThat(answers(box, record)).isEmpty();
    assertThat(String.valueOf(box.status().get("lastError"))).contains(part);
  }

  @Test
  void shouldSayWhatIsWrongWithAPicture() throws Exception {
    WireInference box = box("model", "digits");
    assertRefused(box, "cannot decode the picture", record("image", new byte[] {1, 2, 3}));
    assertRefused(box, "byte array with a PNG or JPEG", record("image", "text"));
    // Kura's timer straight before the box.
    assertRefused(box, "found=[TIMER]", record("TIMER", 1L));
    assertRefused(box, "no property for an input", record("a", png(0), "b", png(1)));
    assertThat(value(answer(box, record("a", png(0))), "label")).isNotNull();
    assertThat(box.status()).containsEntry("errors", Map.of("INVALID_INPUT", 4L));
  }

  // Signals.

  private static float[] vibration(int index) {
    return BEARING.input("window", index);
  }

  @Test
  void shouldTakeRecordsAsSamplesInTime() throws Exception {
    for (int i = 0; i < 3; i++) {
      WireInference box = box("model", "bearing");
      float[] values = vibration(i);
      // As an asset emits them: one envelope per reading, with what it adds.
      for (int s = 0; s < 2047; s++) {
        assertThat(answers(box, sample(values[s]))).isEmpty();
      }
      WireRecord answer = answer(box, sample(values[2047]));
      assertThat(value(answer, "label")).isEqualTo(CONDITIONS.get(BEARING.label(i)));
      assertThat(value(answer, "assetName")).isEqualTo("machine");
      assertThat(answer.getProperties()).doesNotContainKey("vibration");
    }
  }

  @Test
  void shouldEmptyTheWindowsWhenWhatFeedsThemChanges() {
    WireInference box = box("model", "channels");
    assertThat(answers(box, record("left", 1, "right", 1))).isEmpty();
    box.modified(Map.of("model", "channels", "inputs", "left = l"));
    assertThat(answers(box, record("l", 2, "right", 2))).isEmpty();
    WireRecord answer = answer(box, record("l", 3, "right", 3));
    assertThat(value(answer, "y_0")).isEqualTo(2f);
  }

  private static WireRecord sample(float value) {
    return record(
        "assetName", "machine",
        "vibration", value,
        "vibration_timestamp", 1_700_000_000_000L,
        "vibration_error", "",
        "vibration_unit", "m/s2");
  }

  @Test
  void shouldTakeSeveralRecordsOfAnEnvelopeAndBlocks() throws Exception {
    WireInference many = box("model", "bearing");
    WireInference blocks = box("model", "bearing", "blocks", "int16");
    for (int i = 0; i < 20; i++) {
      float[] values = vibration(i);
      WireRecord[] records = new WireRecord[2048];
      ByteBuffer block = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
      for (int s = 0; s < 2048; s++) {
        records[s] = s % 2 == 0 ? record("v", values[s]) : record("v", (double) values[s]);
        block.putShort((short) Math.round(values[s] * 1000));
      }
      List<WireRecord> first = answers(many, records);
      List<WireRecord> second = answers(blocks, record("assetTimestamp", 5L, "v", block.array()));
      assertThat(first).hasSize(i == 0 ? 1 : 2);
      assertThat(second).hasSize(i == 0 ? 1 : 2);
      assertThat(value(first.get(first.size() - 1), "label"))
          .isEqualTo(CONDITIONS.get(BEARING.label(i)));
      assertThat(value(second.get(second.size() - 1), "label"))
          .isEqualTo(CONDITIONS.get(BEARING.label(i)));
      assertThat(value(second.get(0), "assetTimestamp")).isEqualTo(5L);
    }
    assertRefused(blocks, "multiple of 2 bytes", record("v", new byte[3]));
    assertRefused(blocks, "is no number", record("vibration", "much"));
  }

  @Test
  void shouldMapSeveralChannels() {
    WireInference byName = box("model", "channels");
    assertThat(answers(byName, record("left", 1, "RIGHT", 2L))).isEmpty();
    WireRecord answer = answer(byName, record("left", true, "right", 4.5));
    assertThat(value(answer, "y_0")).isEqualTo(1f);
    assertThat(value(answer, "y_1")).isEqualTo(1f);
    assertThat(value(answer, "y_2")).isEqualTo(2f);
    assertThat(value(answer, "y_3")).isEqualTo(4.5f);
    WireInference mapped = box("model", "channels", "inputs", "left = a, b; right = c, d");
    answer = answer(mapped, record("a", 1, "b", 2, "c", 3, "d", 4));
    assertThat(value(answer, "y_2")).isEqualTo(3f);
    assertRefused(mapped, "asked=d", record("a", 1, "b", 2, "c", 3));
    // What an asset says of a channel that it could not read.
    assertRefused(
        byName, "the asset says: bus timeout", record("left", 1, "right_error", "bus timeout"));
    WireInference wrong = box("model", "channels", "inputs", "left = a\nmiddle = b");
    assertRefused(wrong, "found=[middle]", record("a", 1, "b", 2));
    WireInference uneven = box("model", "channels", "inputs", "left = a, b; right = c");
    assertRefused(uneven, "different lengths", record("a", 1, "b", 2, "c", 3));
  }

  @Test
  void shouldKeepTheWindowsWhenOnlyTheDeadlineIsChanged() {
    WireInference box = box("model", "channels");
    assertThat(answers(box, record("left", 1, "right", 1))).isEmpty();
    // Another deadline alone changes nothing of the windows.
    box.modified(Map.of("model", "channels", "deadlineMs", 19_000));
    assertThat(answers(box, record("left", 2, "right", 2))).hasSize(1);
  }

  // Tensors.

  @Test
  void shouldFeedTensorsByNameFromNumbersAndBytes() {
    WireInference box = box("model", "add", "inputs", "a = a1, a2");
    byte[] b =
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(10).putFloat(20).array();
    // As Kura's script component makes them: any name, any number.
    WireRecord answer = answer(box, record("a1", 1, "a2", 2.5, "b", b));
    assertThat(answer.getProperties()).containsOnlyKeys("sum_0", "sum_1");
    assertThat(value(answer, "sum_0")).isEqualTo(11f);
    assertThat(value(answer, "sum_1")).isEqualTo(22.5f);
    assertRefused(box, "3 values", record("a1", 1, "a2", 2, "b", new byte[12]));
    WireInference wrong = box("model", "add", "inputs", "x = a1");
    assertRefused(wrong, "found=[x]", record("a", 1, "b", 2));
  }

  @Test
  void shouldQuantizeNumbersAndPutRealsOut() {
    WireInference box = box("model", "quantized", "inputs", "x = p, q, r", "bytes", true);
    WireRecord answer = answer(box, record("p", 1, "q", -0.5, "r", false));
    assertThat(value(answer, "y_0")).isEqualTo(1f);
    assertThat(value(answer, "y_1")).isEqualTo(-0.5f);
    assertThat(value(answer, "y_2")).isEqualTo(0f);
    assertThat((byte[]) value(answer, "y.bytes")).containsExactly(5, 2, 3);
  }

  @Test
  void shouldKeepTheTypesOfScalars() {
    long precise = (1L << 60) + 1;
    assertThat(value(answer(box("model", "scalar-int64"), record("v", precise)), "y"))
        .isEqualTo(precise);
    assertThat(value(answer(box("model", "scalar-int64"), record("v", 5.0)), "y")).isEqualTo(5L);
    assertThat(value(answer(box("model", "scalar-int32"), record("v", 7L)), "y")).isEqualTo(7);
    assertThat(value(answer(box("model", "scalar-float64"), record("v", 0.1)), "y")).isEqualTo(0.1);
    assertThat(value(answer(box("model", "scalar-bool"), record("v", true)), "y")).isEqualTo(true);
    assertRefused(box("model", "scalar-int32"), "whole numbers", record("v", 0.5));
    assertRefused(box("model", "scalar-int32"), "[-2147483648, 2147483647]", record("v", 1L << 40));
  }

  @Test
  void shouldPutLargeOutputsOutAsBytes() {
    WireInference box = box("model", "large");
    byte[] content = new byte[80];
    content[3] = 0x3f;
    WireRecord answer = answer(box, record("data", content));
    assertThat((byte[]) value(answer, "y")).isEqualTo(content);
    assertThat(value(answer, "y.shape")).isEqualTo("[1, 20]");
    assertThat(answer.getProperties()).containsOnlyKeys("y", "y.type", "y.shape");
  }

  @Test
  void shouldLabelWithoutStepsToo() {
    WireInference box = box("model", "digits", "steps", "none", "inputs", "image = v{0..63}");
    for (int i = 0; i < 5; i++) {
      float[] values = DIGITS.input("image", i);
      Object[] row = new Object[128];
      for (int p = 0; p < 64; p++) {
        row[2 * p] = "v" + p;
        row[2 * p + 1] = values[p];
      }
      WireRecord answer = answer(box, record(row));
      assertThat(value(answer, "label")).isEqualTo("" + DIGITS.label(i));
      assertThat(value(answer, "score")).isEqualTo(value(answer, "logits_" + DIGITS.label(i)));
    }
  }

  // Errors, models that come and go.

  @Test
  void shouldDropPassOrHoldWhatCannotBeAnswered() throws Exception {
    WireInference pass = box("model", "digits", "onError", "pass", "prefix", "d.");
    WireRecord failed = answer(pass, record("assetName", "camera", "image", "text"));
    assertThat(failed.getProperties()).containsOnlyKeys("assetName", "d.error", "d.error.code");
    assertThat(value(failed, "d.error.code")).isEqualTo("INVALID_INPUT");
    WireInference hold = box("model", "digits", "onError", "hold");
    assertThat(answers(hold, record("image", "text"))).isEmpty();
    Object label = value(answer(hold, record("image", png(3))), "label");
    WireRecord held = answer(hold, record("image", "text", "assetName", "camera"));
    assertThat(value(held, "label")).isEqualTo(label);
    assertThat(value(held, "held")).isEqualTo(true);
    assertThat(value(held, "error.code")).isEqualTo("INVALID_INPUT");
    assertThat(value(held, "assetName")).isEqualTo("camera");
    assertThat(hold.status()).containsEntry("held", 1L).containsEntry("dropped", 1L);
    // Records of one envelope stand alone.
    List<WireRecord> both =
        answers(pass, record("image", png(1)), record("image", "text"), record("image", png(2)));
    assertThat(both).hasSize(3);
    assertThat(both.get(0).getProperties()).containsKey("d.label");
    assertThat(both.get(1).getProperties()).containsKey("d.error");
    assertThat(both.get(2).getProperties()).containsKey("d.label");
  }

  @Test
  void shouldAnswerOnceTheModelIsInstalled() throws Exception {
    WireInference box = box("model", "later", "onError", "pass");
    assertThat(box.status()).containsEntry("configuration", "APPLIED");
    assertThat(value(answer(box, record("v", 1)), "error.code")).isEqualTo("UNKNOWN_MODEL");
    Shape one = Shape.of(1);
    TensorSpec x = TensorSpec.of("x", ElementType.FLOAT32, one);
    TensorSpec y = TensorSpec.of("y", ElementType.FLOAT32, one);
    ModelPackage installed =
        real.install(
            "later",
            "1.0.0",
            OnnxModels.identity(ElementType.FLOAT32, one),
            List.of(x),
            List.of(y));
    assertThat(value(answer(box, record("v", 1)), "y")).isEqualTo(1f);
    real.uninstall(installed);
    assertThat(value(answer(box, record("v", 1)), "error.code")).isEqualTo("UNKNOWN_MODEL");
  }

  @Test
  void shouldAnswerFromTheVersionsThatAreAskedFor() throws Exception {
    Shape one = Shape.of(1);
    List<ModelPackage> installed = new ArrayList<>();
    for (String version : List.of("1.0.0", "1.5.0", "2.0.0")) {
      installed.add(
          real.install(
              "versions",
              version,
              OnnxModels.identity(ElementType.FLOAT32, one),
              List.of(TensorSpec.of("x", ElementType.FLOAT32, one)),
              List.of(TensorSpec.of("y", ElementType.FLOAT32, one))));
    }
    await(
        () ->
            real.service().models().stream()
                    .filter(m -> m.description().name().equals("versions"))
                    .filter(m -> m.serving().isPresent())
                    .count()
                == 3);
    assertThat(version("latest")).isEqualTo("2.0.0");
    assertThat(version("1.0.0")).isEqualTo("1.0.0");
    assertThat(version("[1,2)")).isEqualTo("1.5.0");
    installed.forEach(real::uninstall);
  }

  private @Nullable Object version(String policy) {
    WireInference box = box("model", "versions", "version", policy, "provenance", true);
    return value(answer(box, record("v", 1)), "provenance.version");
  }

  @Test
  void shouldTakeNoAnswerFromAnotherAcceleratorWhenToldSo() {
    WireInference box =
        box("model", "add", "accelerators", "only hailo, edgetpu", "onError", "pass");
    WireRecord answer = answer(box, record("a", new byte[8], "b", new byte[8]));
    assertThat(value(answer, "error.code")).isEqualTo("NO_ACCELERATOR");
    assertThat(String.valueOf(value(answer, "error"))).contains("found=cpu:cpu0");
    WireInference cpu = box("model", "add", "accelerators", "only cpu:cpu0");
    assertThat(answers(cpu, record("a", new byte[8], "b", new byte[8]))).hasSize(1);
    WireInference any = box("model", "add", "accelerators", "hailo, cpu");
    assertThat(answers(any, record("a", new byte[8], "b", new byte[8]))).hasSize(1);
  }

  @Test
  void shouldHaveTheModelRunWhereTheBoxPrefersWhenTheFormOfModelsLeavesItOpen() {
    ScriptedEngine engine = new ScriptedEngine();
    engine.plug(graph.policies);
    WireInference box = box("model", "digits", "accelerators", "only hailo, cpu:cpu0");
    assertThat(engine.policy().model("digits").accelerators()).containsExactly("hailo", "cpu:cpu0");
    // Others may go on wherever it runs.
    assertThat(engine.policy().model("digits").only()).isFalse();
    new Models(
        graph.policies,
        Map.of("versions", "* = [1,2)", "accelerators", "* = fastest; digits = cpu"));
    assertThat(engine.policy().model("digits").accelerators()).containsExactly("cpu");
    new Models(graph.policies, Map.of("versions", "* = [1,2)"));
    ModelPolicy digits = engine.policy().model("digits");
    assertThat(digits.accelerators()).containsExactly("hailo", "cpu:cpu0");
    assertThat(digits.versions()).hasToString("[1.0.0,2.0.0)");
    box.modified(Map.of("model", "digits"));
    assertThat(engine.policy().model("digits").accelerators()).isEmpty();
    box.modified(Map.of("model", "digits", "accelerators", "cpu"));
    boxes.remove(box);
    box.deactivate();
    assertThat(engine.policy().model("digits").accelerators()).isEmpty();
  }

  @Test
  void shouldWaitForServicesThatAreExchanged() throws Exception {
    WireInference box = box("model", "channels");
    assertThat(answers(box, record("left", 1, "right", 2))).isEmpty();
    box.unbindPipelines(real.pipelines());
    box.unbindInference(real.service());
    ExecutorService emitter = Executors.newSingleThreadExecutor();
    try {
      Future<?> received =
          emitter.submit(
              () ->
                  box.onWireReceive(
                      envelope(record("left", 3, "right", 4), record("left", 5, "right", 6))));
      box.bindInference(real.service());
      box.bindPipelines(real.pipelines());
      received.get(20, TimeUnit.SECONDS);
    } finally {
      emitter.shutdownNow();
    }
    assertThat(graph.emitted()).hasSize(1);
  }

  // Configuration.

  @Test
  void shouldKeepTheLastGoodConfigurationWhenEveryFieldIsWrong() {
    WireInference box = box("model", "scalar-int32");
    Map<String, Object> wrong = new HashMap<>();
    wrong.put("model", "Digits!");
    wrong.put("version", "newest");
    wrong.put("accelerators", "only hailo!");
    wrong.put("steps", "some");
    wrong.put("inputs", "a\nb =\nc = d{5..1}\ne = f; e = g");
    wrong.put("blocks", "int12");
    wrong.put("pictures", "yuv");
    wrong.put("pictureWidth", -1);
    wrong.put("pictureHeight", 1 << 20);
    wrong.put("topK", 0);
    wrong.put("bytes", "perhaps");
    wrong.put("provenance", 3);
    wrong.put("latency", "");
    wrong.put("prefix", "x".repeat(101));
    wrong.put("passThrough", "a = b = c, *x = y");
    wrong.put("deadlineMs", 0);
    wrong.put("onError", "panic");
    box.modified(wrong);
    assertThat(box.status()).containsEntry("configuration", "REFUSED");
    String problems = String.valueOf(box.status().get("problems"));
    for (String field : wrong.keySet()) {
      assertThat(problems).contains(field);
    }
    assertThat(value(answer(box, record("v", 7)), "y")).isEqualTo(7);
    box.modified(Map.of("model", "scalar-int32", "prefix", "r."));
    assertThat(box.status()).containsEntry("configuration", "APPLIED");
    assertThat(value(answer(box, record("v", 7)), "r.y")).isEqualTo(7);
  }

  @Test
  void shouldStartWithoutAModelWhenTheFirstConfigurationIsWrong() {
    WireInference box = box("model", "digits", "deadlineMs", -5);
    assertThat(box.status()).containsEntry("configuration", "REFUSED");
    assertRefused(box, "the box names no model", record("image", 1));
  }
}
