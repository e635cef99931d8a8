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
import com.google.gson.JsonParser;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
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
 * A package of the model {@code digits} for ONNX Runtime, which adds the number of its version to
 * what it is given, so that an answer tells which version gave it.
 *
 * @param number first part of the version
 * @param good whether it passes its own golden samples
 */
public record NumberedModel(int number, boolean good) {
  private static final int SAMPLES = 8;

  /** The version of the package. */
  public String version() {
    return number + ".0.0";
  }

  /** Every file, by its path in {@code SHOJI-INF}. */
  public Map<String, byte[]> files() {
    byte[] model = model();
    byte[] golden = golden();
    JsonObject document =
        JsonParser.parseString(
                """
                {"schemaVersion": 1, "name": "digits", "title": "Adds", "description": "A number.",
                 "licence": "EPL-2.0", "task": "classification",
                 "inputs": [{"name": "x", "type": "FLOAT32", "shape": [-1, 4], "layout": "NC"}],
                 "outputs": [{"name": "y", "type": "FLOAT32", "shape": [-1, 4], "layout": "NC"}],
                 "labels": ["a", "b", "c", "d"],
                 "evidence": {"metric": "top1", "value": 1.0, "evaluationCount": 500,
                   "dataset": "made up", "tool": "test", "created": "2026-11-22T00:00:00Z"},
                 "acceptance": {"metric": "top1", "minimum": 0.9}}
                """)
            .getAsJsonObject();
    document.addProperty("version", version());
    JsonObject variant =
        JsonParser.parseString(
                """
                {"name": "onnx-fp32", "format": "onnx", "precision": "FP32",
                 "filter": "(shoji.format=onnx)"}
                """)
            .getAsJsonObject();
    JsonArray files = new JsonArray();
    files.add(file("models/add.onnx", model));
    variant.add("files", files);
    JsonArray variants = new JsonArray();
    variants.add(variant);
    document.add("variants", variants);
    JsonObject samples = file("golden/samples.safetensors", golden);
    samples.addProperty("count", SAMPLES);
    document.add("golden", samples);
    Map<String, byte[]> all = new LinkedHashMap<>();
    all.put("model.json", document.toString().getBytes(StandardCharsets.UTF_8));
    all.put("models/add.onnx", model);
    all.put("golden/samples.safetensors", golden);
    return all;
  }

  private static JsonObject file(String path, byte[] content) {
    try {
      JsonObject file = new JsonObject();
      file.addProperty("path", path);
      file.addProperty(
          "sha256", HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content)));
      file.addProperty("size", content.length);
      return file;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private byte[] model() {
    Shape shape = Shape.of(Shape.DYNAMIC, 4);
    return new OnnxGraph("add")
        .input("x", ElementType.FLOAT32, shape)
        .constant("number", Tensor.ofFloats(Shape.of(4), number, number, number, number))
        .node("Add", List.of("x", "number"), List.of("y"))
        .output("y", ElementType.FLOAT32, shape)
        .toModel();
  }

  private byte[] golden() {
    ByteBuffer data = ByteBuffer.allocate(SAMPLES * 40).order(ByteOrder.LITTLE_ENDIAN);
    for (int added : new int[] {0, number}) {
      for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < 4; k++) {
          data.putFloat((k == i % 4 ? 9 : k) + added);
        }
      }
    }
    for (int i = 0; i < SAMPLES; i++) {
      data.putLong((good ? i : i + 1) % 4);
    }
    String header =
        String.format(
            "{\"input.x\":{\"dtype\":\"F32\",\"shape\":[%1$d,4],\"data_offsets\":[0,%2$d]},"
                + "\"expected.y\":{\"dtype\":\"F32\",\"shape\":[%1$d,4],\"data_offsets\":[%2$d,%3$d]},"
                + "\"label\":{\"dtype\":\"I64\",\"shape\":[%1$d],\"data_offsets\":[%3$d,%4$d]}}",
            SAMPLES, SAMPLES * 16, SAMPLES * 32, SAMPLES * 40);
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + data.capacity())
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .put(data.array())
        .array();
  }

  /** The package as a bundle. */
  InputStream jar() throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", "test.model.digits");
    main.putValue("Bundle-Version", version());
    main.putValue(
        "Provide-Capability",
        "io.shoji.model;io.shoji.model=digits;version:Version=\"" + version() + "\"");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      for (Map.Entry<String, byte[]> file : files().entrySet()) {
        jar.putNextEntry(new JarEntry("SHOJI-INF/" + file.getKey()));
        jar.write(file.getValue());
        jar.closeEntry();
      }
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }
}
