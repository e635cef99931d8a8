/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/**
 * Packages of a model that multiplies what it is given: {@code y = factor * x}, both FLOAT32[N, 4],
 * so that every answer is known to the bit and says by which version it was given.
 */
final class Multiplier {
  static final int WIDTH = 4;
  private static final int SAMPLES = 8;

  private final String name;

  Multiplier(String name) {
    this.name = name;
  }

  /** What version {@code 1.0.patch} multiplies with: powers of two, which lose no bit. */
  static float factor(int patch) {
    return 1 << (patch % 8);
  }

  /** Symbolic name of the bundle of that model. */
  static String symbolicName(String model) {
    return "test.model." + model;
  }

  static String version(int patch) {
    return "1.0." + patch;
  }

  /** An input that tells which element is the largest. */
  static float[] input(int number) {
    float[] values = new float[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      values[i] = 1 + i + 0.25f * (number % 64);
    }
    values[number % WIDTH] += 16;
    return values;
  }

  static float[] answer(int number, int patch) {
    float[] values = input(number);
    for (int i = 0; i < WIDTH; i++) {
      values[i] *= factor(patch);
    }
    return values;
  }

  /** Writes the bundle of version {@code 1.0.patch}. */
  Path write(Path folder, int patch) throws IOException {
    byte[] model = model(patch);
    byte[] golden = golden(patch);
    JsonObject description = new JsonObject();
    description.addProperty("schemaVersion", 1);
    description.addProperty("name", name);
    description.addProperty("version", version(patch));
    description.addProperty("title", "Multiplier");
    description.addProperty("description", "");
    description.addProperty("licence", "EPL-2.0");
    description.addProperty("task", "classification");
    description.add("inputs", list(tensor("x")));
    description.add("outputs", list(tensor("y")));
    JsonArray labels = new JsonArray();
    List.of("a", "b", "c", "d").forEach(labels::add);
    description.add("labels", labels);
    JsonObject variant = new JsonObject();
    variant.addProperty("name", "onnx-fp32");
    variant.addProperty("format", "onnx");
    variant.addProperty("precision", "FP32");
    variant.addProperty("filter", "(shoji.kind=cpu)");
    JsonArray files = new JsonArray();
    files.add(file("models/model.onnx", model));
    variant.add("files", files);
    description.add("variants", list(variant));
    JsonObject samples = file("golden/samples.safetensors", golden);
    samples.addProperty("count", SAMPLES);
    description.add("golden", samples);
    JsonObject evidence = new JsonObject();
    evidence.addProperty("metric", "top1");
    evidence.addProperty("value", 1.0);
    evidence.addProperty("evaluationCount", SAMPLES);
    evidence.addProperty("dataset", "made here");
    evidence.addProperty("tool", "test");
    evidence.addProperty("created", "2026-11-22T00:00:00Z");
    description.add("evidence", evidence);
    JsonObject acceptance = new JsonObject();
    acceptance.addProperty("metric", "top1");
    acceptance.addProperty("minimum", 1.0);
    description.add("acceptance", acceptance);

    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("models/model.onnx", model);
    entries.put("golden/samples.safetensors", golden);
    return bundle(folder, name, version(patch), description, entries);
  }

  /** Writes a model's bundle: what {@code model.json} says, and the files that it names. */
  static Path bundle(
      Path folder, String name, String version, JsonObject description, Map<String, byte[]> files)
      throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.putValue("Manifest-Version", "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", symbolicName(name));
    main.putValue("Bundle-Version", version);
    main.putValue(
        "Provide-Capability",
        "io.shoji.model;io.shoji.model=\"" + name + "\";version:Version=\"" + version + "\"");
    Path jar = Files.createDirectories(folder).resolve(name + "-" + version + ".jar");
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out, manifest)) {
      entry(
          entries, "SHOJI-INF/model.json", description.toString().getBytes(StandardCharsets.UTF_8));
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        entry(entries, "SHOJI-INF/" + file.getKey(), file.getValue());
      }
    }
    return jar;
  }

  private static byte[] model(int patch) {
    Shape shape = Shape.of(Shape.DYNAMIC, WIDTH);
    Tensor weights = Tensor.allocate(ElementType.FLOAT32, Shape.of(WIDTH, WIDTH));
    for (int i = 0; i < WIDTH; i++) {
      weights.setFloat((long) i * WIDTH + i, factor(patch));
    }
    return new OnnxGraph("multiplier")
        .input("x", ElementType.FLOAT32, shape)
        .constant("w", weights)
        .node("MatMul", List.of("x", "w"), List.of("z"))
        .node("Relu", List.of("z"), List.of("y"))
        .output("y", ElementType.FLOAT32, shape)
        .toModel();
  }

  private static byte[] golden(int patch) throws IOException {
    int floats = SAMPLES * WIDTH * Float.BYTES;
    int end = 2 * floats + SAMPLES * Long.BYTES;
    ByteBuffer data = ByteBuffer.allocate(end).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < SAMPLES; i++) {
      for (float value : input(i)) {
        data.putFloat(value);
      }
    }
    for (int i = 0; i < SAMPLES; i++) {
      for (float value : answer(i, patch)) {
        data.putFloat(value);
      }
    }
    for (int i = 0; i < SAMPLES; i++) {
      data.putLong(i % WIDTH);
    }
    JsonObject header = new JsonObject();
    header.add("input.x", place("F32", 0, floats, SAMPLES, WIDTH));
    header.add("expected.y", place("F32", floats, 2 * floats, SAMPLES, WIDTH));
    header.add("label", place("I64", 2 * floats, end, SAMPLES));
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(text.length)
            .array());
    out.write(text);
    out.write(data.array());
    return out.toByteArray();
  }

  private static JsonObject place(String type, int begin, int end, long... shape) {
    JsonObject entry = new JsonObject();
    entry.addProperty("dtype", type);
    entry.add("shape", dims(shape));
    entry.add("data_offsets", dims(begin, end));
    return entry;
  }

  static JsonArray dims(long... values) {
    JsonArray dims = new JsonArray();
    for (long value : values) {
      dims.add(value);
    }
    return dims;
  }

  private static JsonObject tensor(String name) {
    JsonObject tensor = new JsonObject();
    tensor.addProperty("name", name);
    tensor.addProperty("type", "FLOAT32");
    tensor.add("shape", dims(-1, WIDTH));
    return tensor;
  }

  static JsonArray list(JsonObject only) {
    JsonArray list = new JsonArray();
    list.add(only);
    return list;
  }

  static JsonObject file(String path, byte[] content) {
    JsonObject file = new JsonObject();
    file.addProperty("path", path);
    file.addProperty("sha256", sha256(content));
    file.addProperty("size", content.length);
    return file;
  }

  static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has it", e);
    }
  }

  private static void entry(JarOutputStream jar, String name, byte[] content) throws IOException {
    jar.putNextEntry(new JarEntry(name));
    jar.write(content);
    jar.closeEntry();
  }
}
