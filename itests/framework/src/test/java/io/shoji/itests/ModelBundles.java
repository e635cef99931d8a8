/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.SimulatedEdgeTpu;
import io.shoji.testkit.SimulatedEdgeTpuModel;
import io.shoji.testkit.TfliteModels;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/**
 * Writes model bundles, a good one in each format and the others each wrong in one way. Runs
 * outside the framework.
 */
final class ModelBundles {
  private static final String JSON =
      """
      {"schemaVersion": 1, "name": "@NAME@", "version": "1.0.0", "title": "Test", "description": "", "licence": "EPL-2.0",
       "task": "other",
       "inputs": [{"name": "x", "type": "FLOAT32", "shape": [@BATCH@, @IN@]}],
       "outputs": [{"name": "y", "type": "FLOAT32", "shape": [@BATCH@, @OUT@]}],
       "labels": [],
       "variants": [{"name": "only", "format": "@FORMAT@", "precision": "FP32", "filter": "@FILTER@",
         "files": [{"path": "@PATH@", "sha256": "@SHA@", "size": @SIZE@}]}]@MORE@}
      """;

  private static final String CORAL =
      """
      {"schemaVersion": 1, "name": "coral", "version": "1.0.0", "title": "Test", "description": "", "licence": "EPL-2.0",
       "task": "other",
       "inputs": [{"name": "x", "type": "FLOAT32", "shape": [-1, 32]}],
       "outputs": [{"name": "y", "type": "FLOAT32", "shape": [-1, 10]}],
       "labels": [],
       "variants": [
         {"name": "edgetpu", "format": "edgetpu-tflite", "precision": "INT8", "filter": "(shoji.kind=edgetpu)",
          "files": [{"path": "models/edgetpu.tflite", "sha256": "@EDGE_SHA@", "size": @EDGE_SIZE@}],
          "inputs": [{"name": "x", "type": "INT8", "shape": [1, 32],
                      "quantization": {"scale": 0.0078125, "zeroPoint": 0}}],
          "outputs": [{"name": "y", "type": "INT8", "shape": [1, 10],
                       "quantization": {"scale": 0.0078125, "zeroPoint": 0}}]},
         {"name": "cpu", "format": "tflite", "precision": "FP32", "filter": "(shoji.kind=cpu)",
          "files": [{"path": "models/cpu.tflite", "sha256": "@CPU_SHA@", "size": @CPU_SIZE@}]}]}
      """;

  private ModelBundles() {}

  /** Writes all into a folder, by the name of their model. */
  static void write(Path folder) {
    byte[] good = OnnxModels.mlp(1, 4, 8, 2);
    byte[] noise = new byte[4096];
    new Random(5).nextBytes(noise);
    try {
      Files.createDirectories(folder);
      bundle(folder, "good", good, Map.of());
      bundle(folder, "openvino", good, Map.of("FILTER", "(shoji.kind=openvino)"));
      byte[] lite = TfliteModels.mlp(1, 4, 8, 2);
      bundle(folder, "lite", lite, Map.of("FORMAT", "tflite"));
      bundle(
          folder,
          "lite-truncated",
          Arrays.copyOf(lite, lite.length / 2),
          Map.of("FORMAT", "tflite"));
      // The package is sound, the model in it is not: the engine says why it cannot be loaded.
      bundle(folder, "truncated", Arrays.copyOf(good, good.length / 2), Map.of());
      bundle(folder, "zero-length", new byte[0], Map.of());
      bundle(folder, "random", noise, Map.of());
      bundle(folder, "unknown-operator", OnnxModels.unknownOperator(), Map.of());
      bundle(folder, "future-opset", OnnxModels.futureOpset(), Map.of());
      bundle(folder, "outside", OnnxModels.externalData("../../outside.bin"), Map.of());
      // The package itself is refused.
      bundle(folder, "wrong-digest", good, Map.of("SHA", "0".repeat(64)));
      bundle(folder, "wrong-size", good, Map.of("SIZE", "7"));
      bundle(folder, "unknown-field", good, Map.of("MORE", ", \"colour\": \"red\""));
      bundle(folder, "wrong-type", good, Map.of("SIZE", "\"many\""));
      bundle(folder, "escaping-path", good, Map.of("PATH", "../model.onnx"));
      bundle(folder, "bad-filter", good, Map.of("FILTER", "(shoji.kind=cpu"));
    } catch (IOException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("cannot write the test's bundles folder=" + folder, e);
    }
  }

  /**
   * Writes {@code coral} beside the others, and puts a libedgetpu into a folder that simulates one
   * USB device.
   *
   * @return the libedgetpu
   */
  static Path withEdgeTpu(Path folder, Path runtime) {
    try {
      coral(folder);
      return SimulatedEdgeTpu.in(runtime, SimulatedEdgeTpu.FITTING).library();
    } catch (IOException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("cannot write the test's files folder=" + runtime, e);
    }
  }

  private static void bundle(Path folder, String name, byte[] model, Map<String, String> wrong)
      throws IOException, NoSuchAlgorithmException {
    Map<String, String> values =
        new TreeMap<>(
            Map.of(
                "NAME", name,
                "FORMAT", "onnx",
                "BATCH", "-1",
                "IN", "4",
                "OUT", "2",
                "FILTER", "(shoji.kind=cpu)",
                "PATH", "models/model.onnx",
                "SHA", sha256(model),
                "SIZE", Integer.toString(model.length),
                "MORE", ""));
    values.putAll(wrong);
    String json = JSON;
    for (Map.Entry<String, String> value : values.entrySet()) {
      json = json.replace("@" + value.getKey() + "@", value.getValue());
    }
    jar(
        folder,
        name,
        Map.of(
            "SHOJI-INF/model.json",
            json.getBytes(StandardCharsets.UTF_8),
            "SHOJI-INF/models/model.onnx",
            model));
  }

  /** One for the Edge TPU and, many times slower, for the processor. */
  private static void coral(Path folder) throws IOException, NoSuchAlgorithmException {
    byte[] edge = SimulatedEdgeTpuModel.classifier(0);
    byte[] cpu = TfliteModels.mlp(1, 32, 1_536, 1_536, 10);
    String json =
        CORAL
            .replace("@EDGE_SHA@", sha256(edge))
            .replace("@EDGE_SIZE@", Integer.toString(edge.length))
            .replace("@CPU_SHA@", sha256(cpu))
            .replace("@CPU_SIZE@", Integer.toString(cpu.length));
    jar(
        folder,
        "coral",
        Map.of(
            "SHOJI-INF/model.json",
            json.getBytes(StandardCharsets.UTF_8),
            "SHOJI-INF/models/edgetpu.tflite",
            edge,
            "SHOJI-INF/models/cpu.tflite",
            cpu));
  }

  private static String sha256(byte[] content) throws NoSuchAlgorithmException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
  }

  private static void jar(Path folder, String name, Map<String, byte[]> entries)
      throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.putValue("Manifest-Version", "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", "test.model." + name);
    main.putValue("Bundle-Version", "1.0.0");
    main.putValue(
        "Provide-Capability",
        "io.shoji.model;io.shoji.model=\"" + name + "\";version:Version=1.0.0");
    try (OutputStream file = Files.newOutputStream(folder.resolve(name + ".jar"));
        JarOutputStream jar = new JarOutputStream(file, manifest)) {
      for (Map.Entry<String, byte[]> each : new TreeMap<>(entries).entrySet()) {
        entry(jar, each.getKey(), each.getValue());
      }
    }
  }

  private static void entry(JarOutputStream jar, String name, byte[] content) throws IOException {
    jar.putNextEntry(new JarEntry(name));
    jar.write(content);
    jar.closeEntry();
  }
}
