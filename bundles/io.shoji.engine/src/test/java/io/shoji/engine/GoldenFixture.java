/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.Acceptance;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Packages with golden samples. The fake model adds one, so the largest output is where the largest
 * input is.
 */
abstract class GoldenFixture extends EngineFixture {
  static final int SAMPLES = 20;

  @TempDir Path temp;
  Path file;
  Path golden;

  @BeforeEach
  void write() throws Exception {
    file = Files.write(temp.resolve("model.onnx"), new byte[100_000]);
    golden = temp.resolve("golden.safetensors");
  }

  /** Samples of which the first so many have a wrong label; expected is off by {@code error}. */
  final void samples(int wrong, float error) throws Exception {
    ByteBuffer data = ByteBuffer.allocate(SAMPLES * (16 + 16 + 8)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < SAMPLES; i++) {
      for (int k = 0; k < 4; k++) {
        data.putFloat(k == i % 4 ? 9 : k);
      }
    }
    for (int i = 0; i < SAMPLES; i++) {
      for (int k = 0; k < 4; k++) {
        data.putFloat((k == i % 4 ? 9 : k) + 1 + error);
      }
    }
    for (int i = 0; i < SAMPLES; i++) {
      data.putLong(i < wrong ? (i + 1) % 4 : i % 4);
    }
    JsonObject header = new JsonObject();
    header.add("input.x", entry("F32", 0, SAMPLES * 16, SAMPLES, 4));
    header.add("expected.y", entry("F32", SAMPLES * 16, SAMPLES * 32, SAMPLES, 4));
    header.add("label", entry("I64", SAMPLES * 32, SAMPLES * 40, SAMPLES));
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).array());
    out.write(text);
    out.write(data.array());
    Files.write(golden, out.toByteArray());
  }

  private static JsonObject entry(String type, int begin, int end, long... shape) {
    JsonObject entry = new JsonObject();
    entry.addProperty("dtype", type);
    JsonArray dims = new JsonArray();
    for (long dim : shape) {
      dims.add(dim);
    }
    entry.add("shape", dims);
    JsonArray place = new JsonArray();
    place.add(begin);
    place.add(end);
    entry.add("data_offsets", place);
    return entry;
  }

  private static ModelFile fileOf(Path path) throws Exception {
    byte[] bytes = Files.readAllBytes(path);
    return new ModelFile(
        String.valueOf(path.getFileName()),
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
        bytes.length);
  }

  final FakePackage packageOf(Optional<Acceptance> acceptance) throws Exception {
    return packageOf("1.0.0", acceptance);
  }

  final FakePackage packageOf(String version, Optional<Acceptance> acceptance) throws Exception {
    ModelVariant plain = FakePackage.variant("onnx-fp32", "");
    ModelDescription d =
        FakePackage.description(
            "digits",
            version,
            "digits" + version,
            FakeAccelerator.INPUTS,
            FakeAccelerator.OUTPUTS,
            new ModelVariant(
                plain.name(),
                plain.format(),
                plain.precision(),
                plain.filter(),
                List.of(fileOf(file)),
                Map.of()));
    boolean samples = Files.exists(golden);
    return new FakePackage(
        new ModelDescription(
            d.name(),
            d.version(),
            d.title(),
            d.description(),
            d.licence(),
            d.task(),
            d.inputs(),
            d.outputs(),
            d.labels(),
            d.variants(),
            d.pipeline(),
            samples
                ? Optional.of(new ModelDescription.GoldenSamples(fileOf(golden), SAMPLES))
                : Optional.empty(),
            Optional.empty(),
            acceptance,
            d.sha256()),
        false,
        file,
        golden);
  }

  static Acceptance top1(double minimum) {
    return new Acceptance("top1", minimum, Optional.empty(), Optional.empty());
  }
}
