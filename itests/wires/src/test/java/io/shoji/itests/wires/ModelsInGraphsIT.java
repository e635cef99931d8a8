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

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.eclipse.kura.ai.inference.InferenceEngineService;
import org.eclipse.kura.type.TypedValues;
import org.eclipse.kura.wire.WireRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The demonstration's samples through graphs, with our box and with one like Kura's. */
@Timeout(180)
class ModelsInGraphsIT {
  private static final String REPLAY = "io.shoji.gateway.kura.ReplaySource";
  private static final String BOX = "io.shoji.kura.WireInference";
  private static final String AI = "org.eclipse.kura.wire.AIComponent";
  private static final double LEAST_RIGHT = 0.97;

  @TempDir Path work;
  private KuraInFelix kura;
  private List<Path> pictures;
  private final Recorder recorder = new Recorder();

  @BeforeEach
  void start() throws Exception {
    Path digits = Files.createDirectories(work.resolve("replay/digits"));
    pictures = copy("digits", digits);
    kura = new KuraInFelix(work);
    kura.install(Path.of(System.getProperty("wires.shoji")));
    kura.register("recorder", recorder, Map.of());
    InferenceEngineService engine = kura.service(InferenceEngineService.class);
    Waiting.until("the model", () -> engine.isModelLoaded("digits"));
  }

  @AfterEach
  void stop() throws Exception {
    kura.close();
  }

  private static List<Path> copy(String demo, Path to) throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("wires.demo"), demo))) {
      List<Path> all = files.sorted().toList();
      for (Path file : all) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
      return all;
    }
  }

  private static String label(Path picture) {
    String name = picture.getFileName().toString();
    return name.substring(name.lastIndexOf('_') + 1, name.lastIndexOf('.'));
  }

  @Test
  void shouldReadEveryDigitWhenPicturesAreReplayedIntoTheBox() throws Exception {
    kura.create(
        "box", BOX, Map.of("model", "digits", "passThrough", "truth", "deadlineMs", 10_000));
    kura.create(
        "replay",
        REPLAY,
        Map.of(
            "path",
            "digits",
            "rate",
            0.0,
            "start.delay",
            0,
            "batch",
            5,
            "property",
            "picture",
            "label.property",
            "truth"));
    kura.configureGraph(
        new Json()
            .component("box", 1, 1)
            .component("recorder", 1, 0)
            .wire("box", "recorder")
            .toString());
    Waiting.until("the box is wired", () -> kura.wires().contains("recorder/0  connected"));
    kura.configureGraph(
        new Json()
            .component("replay", 0, 1)
            .component("box", 1, 1)
            .component("recorder", 1, 0)
            .wire("replay", "box")
            .wire("box", "recorder")
            .toString());

    Waiting.until("all", () -> recorder.records().size() >= pictures.size());
    List<Object> labels = recorder.values("label");
    assertThat(recorder.values("truth"))
        .isEqualTo(pictures.stream().map(ModelsInGraphsIT::label).toList());
    int right = 0;
    for (int i = 0; i < pictures.size(); i++) {
      right += label(pictures.get(i)).equals(labels.get(i)) ? 1 : 0;
    }
    assertThat(right).isGreaterThanOrEqualTo((int) (LEAST_RIGHT * pictures.size()));
    assertThat(kura.wires()).contains("done, envelopes " + pictures.size() / 5);
  }

  @Test
  void shouldHearBearingsWhenRecordingsAreReplayedIntoTheBox() throws Exception {
    copy("bearing", Files.createDirectories(work.resolve("replay/bearing")));
    InferenceEngineService engine = kura.service(InferenceEngineService.class);
    Waiting.until("the model", () -> engine.isModelLoaded("bearing"));
    kura.create(
        "box", BOX, Map.of("model", "bearing", "passThrough", "truth", "deadlineMs", 10_000));
    kura.create(
        "replay",
        REPLAY,
        Map.of(
            "path", "bearing",
            "format", "WAV",
            "rate", 0.0,
            "start.delay", 1_000,
            "property", "vibration",
            "audio.window", 2_048,
            "label.property", "truth"));
    kura.configureGraph(
        new Json()
            .component("replay", 0, 1)
            .component("box", 1, 1)
            .component("recorder", 1, 0)
            .wire("replay", "box")
            .wire("box", "recorder")
            .toString());
    Waiting.until("the end", () -> kura.wires().contains("done, envelopes"));

    List<Object> truths = recorder.values("truth");
    List<Object> labels = recorder.values("label");
    int right = 0;
    for (int i = 0; i < truths.size(); i++) {
      right += truths.get(i).equals(labels.get(i)) ? 1 : 0;
    }
    // A window begins at every 1,024 values; one of each recording reaches into the one before.
    int recordings = 20;
    assertThat(truths).hasSizeGreaterThan(recordings * 20);
    assertThat(right).isGreaterThan((int) (0.9 * truths.size()));
  }

  /** As the model's package prepares a picture. */
  private static byte[] floats(Path picture) throws IOException {
    BufferedImage image = ImageIO.read(picture.toFile());
    ByteBuffer floats =
        ByteBuffer.allocate(image.getWidth() * image.getHeight() * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        floats.putFloat((image.getRaster().getSample(x, y, 0) / 255f - 0.3053f) / 0.376f);
      }
    }
    return floats.array();
  }

  @Test
  void shouldReadEveryDigitWhenTheEngineIsAskedAsKuraDoes() throws Exception {
    kura.configurations()
        .updateConfiguration("io.shoji.kura.InferenceEngine", Map.of("outputs", "bytes"), false);
    Source source = new Source();
    kura.register("source", source, Map.of());
    kura.create(
        "ai",
        AI,
        Map.of(
            "InferenceEngineService.target",
            "(kura.service.pid=io.shoji.kura.InferenceEngine)",
            "inference.model.name",
            "digits"));
    kura.configureGraph(
        new Json()
            .component("source", 0, 1)
            .component("ai", 1, 1)
            .component("recorder", 1, 0)
            .wire("source", "ai")
            .wire("ai", "recorder")
            .toString());
    Waiting.until(
        "connected",
        () ->
            source.wires() == 1
                && kura.wires().lines().filter(l -> l.contains("  connected ")).count() == 2);
    int right = 0;
    for (Path picture : pictures) {
      source.support().emit(List.of(image(picture)));
      List<Object> logits = recorder.values("logits");
      right += label(picture).equals(largest((byte[]) logits.get(logits.size() - 1))) ? 1 : 0;
    }
    assertThat(recorder.envelopes).hasSize(pictures.size());
    assertThat(right).isGreaterThanOrEqualTo((int) (LEAST_RIGHT * pictures.size()));
  }

  private static WireRecord image(Path picture) throws IOException {
    return new WireRecord(Map.of("image", TypedValues.newByteArrayValue(floats(picture))));
  }

  private static String largest(byte[] logits) {
    ByteBuffer values = ByteBuffer.wrap(logits).order(ByteOrder.LITTLE_ENDIAN);
    int best = 0;
    for (int i = 1; i < logits.length / Float.BYTES; i++) {
      if (values.getFloat(i * Float.BYTES) > values.getFloat(best * Float.BYTES)) {
        best = i;
      }
    }
    return Integer.toString(best);
  }
}
