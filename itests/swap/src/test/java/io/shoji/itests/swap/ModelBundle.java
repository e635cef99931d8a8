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

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/** Makes other versions of a model bundle, which answer a little differently. */
final class ModelBundle {
  private static final String DESCRIPTION = "SHOJI-INF/model.json";
  private static final int WEIGHTS = 1_000;

  private ModelBundle() {}

  /**
   * Writes a bundle with the one variant {@code onnx-fp32}.
   *
   * @param factor what some of the weights in the middle of the file are multiplied with
   */
  static Path write(Path from, Path to, String version, float factor) throws Exception {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    Manifest manifest;
    try (JarFile jar = new JarFile(from.toFile())) {
      manifest = jar.getManifest();
      for (JarEntry entry : jar.stream().toList()) {
        if (!entry.isDirectory() && !entry.getName().equals(JarFile.MANIFEST_NAME)) {
          entries.put(entry.getName(), jar.getInputStream(entry).readAllBytes());
        }
      }
    }
    JsonObject description =
        JsonParser.parseString(new String(entries.get(DESCRIPTION), StandardCharsets.UTF_8))
            .getAsJsonObject();
    String before = description.get("version").getAsString();
    description.addProperty("version", version);
    JsonArray variants = new JsonArray();
    for (JsonElement variant : description.getAsJsonArray("variants")) {
      if (variant.getAsJsonObject().get("name").getAsString().equals("onnx-fp32")) {
        variants.add(variant);
      }
    }
    description.add("variants", variants);
    JsonObject file =
        variants.get(0).getAsJsonObject().getAsJsonArray("files").get(0).getAsJsonObject();
    String path = "SHOJI-INF/" + file.get("path").getAsString();
    byte[] model = entries.get(path);
    scale(model, factor);
    file.addProperty(
        "sha256", HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(model)));
    entries.put(
        DESCRIPTION,
        new GsonBuilder()
            .setPrettyPrinting()
            .create()
            .toJson(description)
            .getBytes(StandardCharsets.UTF_8));
    manifest.getMainAttributes().putValue("Bundle-Version", version);
    manifest
        .getMainAttributes()
        .putValue(
            "Provide-Capability",
            manifest.getMainAttributes().getValue("Provide-Capability").replace(before, version));
    try (OutputStream out = Files.newOutputStream(to);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        jar.putNextEntry(new JarEntry(entry.getKey()));
        jar.write(entry.getValue());
        jar.closeEntry();
      }
    }
    return to;
  }

  /** Multiplies weights, wherever binary32 numbers of their kind begin. */
  private static void scale(byte[] model, float factor) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(model).order(ByteOrder.LITTLE_ENDIAN);
    int middle = model.length / 2;
    for (int shift = 0; shift < Float.BYTES; shift++) {
      int start = middle + shift;
      int likely = 0;
      for (int i = 0; i < WEIGHTS; i++) {
        float weight = Math.abs(bytes.getFloat(start + i * Float.BYTES));
        likely += weight > 1e-7 && weight < 10 ? 1 : 0;
      }
      if (likely > WEIGHTS * 0.98) {
        for (int i = 0; i < WEIGHTS; i++) {
          int at = start + i * Float.BYTES;
          bytes.putFloat(at, bytes.getFloat(at) * factor);
        }
        return;
      }
    }
    throw new IOException("no weights in the middle of the model");
  }
}
