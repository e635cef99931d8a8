/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import io.shoji.testkit.LargeMlp;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.Deflater;

/** Makes the package of a large model, with golden samples and what it has to pass. */
final class LargeModelBundle {
  /** Its name. */
  static final String NAME = "large";

  private static final int CLASSES = 10;
  private static final int SAMPLES = 16;

  private LargeModelBundle() {}

  /**
   * Writes a bundle.
   *
   * @param folder where the model itself is written meanwhile
   * @param width and layers make {@code width * width * layers * 4} bytes
   */
  static Path write(Path folder, String version, int width, int layers) throws Exception {
    LargeMlp model = new LargeMlp(version.hashCode(), width, layers, CLASSES);
    Path onnx = folder.resolve(NAME + "-" + version + ".onnx");
    model.write(onnx);
    byte[] golden = golden(model, width);
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.putValue("Manifest-Version", "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", "io.shoji.model." + NAME);
    main.putValue("Bundle-Version", version);
    main.putValue(
        "Provide-Capability",
        "io.shoji.model;io.shoji.model=" + NAME + ";version:Version=\"" + version + "\"");
    Path bundle = folder.resolve(NAME + "-" + version + ".jar");
    try (OutputStream out = Files.newOutputStream(bundle);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      // As "shoji package" does.
      jar.setLevel(Deflater.BEST_COMPRESSION);
      jar.putNextEntry(new JarEntry("SHOJI-INF/model.json"));
      jar.write(description(version, width, onnx, golden).getBytes(StandardCharsets.UTF_8));
      jar.putNextEntry(new JarEntry("SHOJI-INF/model.onnx"));
      Files.copy(onnx, jar);
      jar.putNextEntry(new JarEntry("SHOJI-INF/golden.safetensors"));
      jar.write(golden);
      jar.closeEntry();
    }
    Files.delete(onnx);
    return bundle;
  }

  private static String description(String version, int width, Path onnx, byte[] golden)
      throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (InputStream in = new DigestInputStream(Files.newInputStream(onnx), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    String sha256 = HexFormat.of().formatHex(digest.digest());
    return """
        {
          "schemaVersion": 1,
          "name": "%s",
          "version": "%s",
          "title": "A large perceptron of random weights",
          "task": "classification",
          "inputs": [{"name": "x", "type": "FLOAT32", "shape": [-1, %d]}],
          "outputs": [{"name": "y", "type": "FLOAT32", "shape": [-1, %d]}],
          "variants": [{
            "name": "onnx-fp32", "format": "onnx", "precision": "FP32",
            "filter": "(&(shoji.format=onnx)(shoji.precision=FP32))",
            "files": [{"path": "model.onnx", "sha256": "%s", "size": %d}]
          }],
          "golden": {"path": "golden.safetensors", "sha256": "%s", "size": %d, "count": %d},
          "acceptance": {"metric": "top1", "minimum": 0.9}
        }
        """
        .formatted(
            NAME,
            version,
            width,
            CLASSES,
            sha256,
            Files.size(onnx),
            HexFormat.of().formatHex(digest.digest(golden)),
            golden.length,
            SAMPLES);
  }

  /** Inputs, what the model answers to them, and the class of each. */
  private static byte[] golden(LargeMlp model, int width) throws IOException {
    Random random = new Random(7);
    float[][] inputs = new float[SAMPLES][width];
    for (float[] input : inputs) {
      for (int i = 0; i < width; i++) {
        input[i] = (float) random.nextGaussian();
      }
    }
    float[][] outputs = model.run(inputs);
    int inputBytes = 4 * SAMPLES * width;
    int outputBytes = 4 * SAMPLES * CLASSES;
    int labelBytes = 8 * SAMPLES;
    String header =
        String.format(
            "{\"input.x\":{\"dtype\":\"F32\",\"shape\":[%1$d,%2$d],\"data_offsets\":[0,%3$d]},"
                + "\"expected.y\":{\"dtype\":\"F32\",\"shape\":[%1$d,%4$d],\"data_offsets\":[%3$d,%5$d]},"
                + "\"label\":{\"dtype\":\"I64\",\"shape\":[%1$d],\"data_offsets\":[%5$d,%6$d]}}",
            SAMPLES,
            width,
            inputBytes,
            CLASSES,
            inputBytes + outputBytes,
            inputBytes + outputBytes + labelBytes);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length() + inputBytes + outputBytes + labelBytes)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length()).put(header.getBytes(StandardCharsets.UTF_8));
    for (float[][] values : new float[][][] {inputs, outputs}) {
      for (float[] row : values) {
        for (float value : row) {
          bytes.putFloat(value);
        }
      }
    }
    for (float[] output : outputs) {
      int best = 0;
      for (int i = 1; i < CLASSES; i++) {
        best = output[i] > output[best] ? i : best;
      }
      bytes.putLong(best);
    }
    return bytes.array();
  }
}
