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

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/**
 * A model package of this project in another version, changed as the test wants and then made
 * honestly: sizes and digests are those of what is inside.
 */
final class ChangedPackage {
  private static final String DESCRIPTION = "SHOJI-INF/model.json";

  private final Manifest manifest;
  private final Map<String, byte[]> entries = new LinkedHashMap<>();
  private final JsonObject description;
  private final JsonObject variant;

  /** The package with one of its variants, which serves on the processor. */
  ChangedPackage(Path bundle, String variantName) throws IOException {
    try (JarFile jar = new JarFile(bundle.toFile())) {
      manifest = jar.getManifest();
      for (JarEntry entry : jar.stream().toList()) {
        if (!entry.isDirectory() && !entry.getName().equals(JarFile.MANIFEST_NAME)) {
          entries.put(entry.getName(), jar.getInputStream(entry).readAllBytes());
        }
      }
    }
    description =
        JsonParser.parseString(new String(entries.get(DESCRIPTION), StandardCharsets.UTF_8))
            .getAsJsonObject();
    JsonObject found = null;
    for (JsonElement each : description.getAsJsonArray("variants")) {
      if (each.getAsJsonObject().get("name").getAsString().equals(variantName)) {
        found = each.getAsJsonObject();
      }
    }
    if (found == null) {
      throw new AssertionError("no such variant asked=" + variantName);
    }
    variant = found;
    variant.addProperty("filter", "(shoji.format=onnx)");
    JsonArray only = new JsonArray();
    only.add(variant);
    description.add("variants", only);
  }

  private JsonObject file() {
    return variant.getAsJsonArray("files").get(0).getAsJsonObject();
  }

  /** Changes weights of the model file. */
  ChangedPackage weights(Consumer<OnnxWeights> change) {
    change.accept(new OnnxWeights(entries.get("SHOJI-INF/" + file().get("path").getAsString())));
    return this;
  }

  /** Sets an acceptance criterion. */
  ChangedPackage acceptance(String name, Number value) {
    description.getAsJsonObject("acceptance").addProperty(name, value);
    return this;
  }

  /** Exchanges the first two labels of the description. */
  ChangedPackage swappedLabels() {
    JsonArray labels = description.getAsJsonArray("labels");
    JsonElement first = labels.get(0);
    labels.set(0, labels.get(1));
    labels.set(1, first);
    return this;
  }

  /** Changes the golden samples' file. */
  ChangedPackage golden(Consumer<byte[]> change) {
    change.accept(
        entries.get(
            "SHOJI-INF/" + description.getAsJsonObject("golden").get("path").getAsString()));
    return this;
  }

  /** Writes it as that version. */
  Path write(Path folder, String version) throws IOException {
    String name = description.get("name").getAsString();
    String before = description.get("version").getAsString();
    description.addProperty("version", version);
    renew(file());
    renew(description.getAsJsonObject("golden"));
    entries.put(
        DESCRIPTION,
        new GsonBuilder()
            .setPrettyPrinting()
            .create()
            .toJson(description)
            .getBytes(StandardCharsets.UTF_8));
    var main = manifest.getMainAttributes();
    main.putValue("Bundle-Version", version);
    main.putValue(
        "Provide-Capability", main.getValue("Provide-Capability").replace(before, version));
    Path jar = Files.createDirectories(folder).resolve(name + "-" + version + ".jar");
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream to = new JarOutputStream(out, manifest)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        to.putNextEntry(new JarEntry(entry.getKey()));
        to.write(entry.getValue());
        to.closeEntry();
      }
    }
    return jar;
  }

  private void renew(JsonObject file) {
    byte[] content = entries.get("SHOJI-INF/" + file.get("path").getAsString());
    file.addProperty("sha256", Multiplier.sha256(content));
    file.addProperty("size", content.length);
  }
}
