/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.osgi.framework.Version;

/** A good model package, to be spoilt by a test in one way or another. */
final class PackageFixture implements PackageSource {
  final Map<String, byte[]> files = new LinkedHashMap<>();
  JsonObject document;
  String capabilityName;
  String capabilityVersion;

  PackageFixture(String name, String version) {
    this(name, version, new Random(name.hashCode()), 4_000);
  }

  PackageFixture(String name, String version, Random random, int bytes) {
    capabilityName = name;
    capabilityVersion = version;
    document =
        JsonParser.parseString(
                """
                {"schemaVersion": 1, "name": "x", "version": "1.0.0", "title": "A test's model",
                 "description": "Line one.\\nLine two.", "licence": "EPL-2.0", "task": "classification",
                 "inputs": [{"name": "image", "type": "FLOAT32", "shape": [-1, 1, 8, 8], "layout": "NCHW"}],
                 "outputs": [{"name": "logits", "type": "FLOAT32", "shape": [-1, 3], "layout": "NC"}],
                 "labels": ["a", "b", "c"],
                 "variants": [],
                 "pipeline": {"source": "image",
                   "pre": [{"step": "decode-image", "color": "gray"},
                     {"step": "resize", "width": 8, "height": 8, "method": "bilinear"},
                     {"step": "normalize", "scale": 0.0039, "mean": [0.3], "std": [0.38]},
                     {"step": "to-tensor", "layout": "NCHW"}],
                   "post": [{"step": "softmax"}, {"step": "top-k", "k": 3},
                     {"step": "threshold", "on": 0.9, "off": 0.8, "label": "b"}]},
                 "evidence": {"metric": "top1", "value": 0.986, "evaluationCount": 500,
                   "dataset": "held out", "tool": "train.py", "created": "2026-11-22T00:00:00Z"},
                 "acceptance": {"metric": "top1", "minimum": 0.97, "p99Ms": 5.0,
                   "peakMemoryBytes": 67108864}}
                """)
            .getAsJsonObject();
    document.addProperty("name", name);
    document.addProperty("version", version);
    variant("onnx-fp32", "onnx", "models/net.onnx", random(random, bytes));
    variant(
        "ir-fp16",
        "openvino-ir",
        "ir/net.xml",
        random(random, bytes / 2),
        "ir/net.bin",
        random(random, bytes));
    golden(safetensors(4, "F32", "image", 64, "logits", 3));
  }

  static byte[] random(Random random, int bytes) {
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    return content;
  }

  /** Adds a variant of one or two files, given as path and content in turn. */
  void variant(String name, String format, Object... pathsAndContents) {
    JsonObject variant = new JsonObject();
    variant.addProperty("name", name);
    variant.addProperty("format", format);
    variant.addProperty("precision", "FP32");
    variant.addProperty("filter", "(&(shoji.format=" + format + ")(shoji.precision=FP32))");
    JsonArray list = new JsonArray();
    for (int i = 0; i < pathsAndContents.length; i += 2) {
      String path = (String) pathsAndContents[i];
      byte[] content = (byte[]) pathsAndContents[i + 1];
      files.put(path, content);
      list.add(file(path, content));
    }
    variant.add("files", list);
    JsonObject options = new JsonObject();
    options.addProperty("intraOpThreads", "1");
    variant.add("options", options);
    document.getAsJsonArray("variants").add(variant);
  }

  void golden(byte[] content) {
    files.put("golden/samples.safetensors", content);
    JsonObject golden = file("golden/samples.safetensors", content);
    golden.addProperty("count", 4);
    document.add("golden", golden);
  }

  static JsonObject file(String path, byte[] content) {
    JsonObject file = new JsonObject();
    file.addProperty("path", path);
    file.addProperty("sha256", Digests.of(content));
    file.addProperty("size", content.length);
    return file;
  }

  /** Samples for one input [count, 1, 8, 8] and one output [count, 3] with labels. */
  static byte[] safetensors(
      int count, String type, String input, int inputSize, String output, int outputSize) {
    int first = count * inputSize * 4;
    int second = first + count * outputSize * 4;
    int third = second + count * 8;
    String header =
        String.format(
            "{\"__metadata__\":{\"made\":\"by hand\"},"
                + "\"input.%s\":{\"dtype\":\"%s\",\"shape\":[%d,1,8,8],\"data_offsets\":[0,%d]},"
                + "\"expected.%s\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%d,%d]},"
                + "\"label\":{\"dtype\":\"I64\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}  ",
            input,
            type,
            count,
            first,
            output,
            count,
            outputSize,
            first,
            second,
            count,
            second,
            third);
    return safetensors(header, third);
  }

  static byte[] safetensors(String header, int dataBytes) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  /** The element at a JSON pointer. */
  JsonElement at(String pointer) {
    JsonElement at = document;
    for (String part : pointer.substring(1).split("/")) {
      at =
          at.isJsonArray()
              ? at.getAsJsonArray().get(Integer.parseInt(part))
              : at.getAsJsonObject().get(part);
    }
    return at;
  }

  /** Changes the object at a JSON pointer. */
  PackageFixture change(String pointer, Consumer<JsonObject> change) {
    change.accept(pointer.isEmpty() ? document : at(pointer).getAsJsonObject());
    return this;
  }

  /** Sets the member that the JSON pointer ends in. */
  PackageFixture set(String pointer, String json) {
    int slash = pointer.lastIndexOf('/');
    String parent = pointer.substring(0, slash);
    String member = pointer.substring(slash + 1);
    JsonElement value = JsonParser.parseString(json);
    JsonElement object = parent.isEmpty() ? document : at(parent);
    if (object.isJsonArray()) {
      object.getAsJsonArray().set(Integer.parseInt(member), value);
    } else {
      object.getAsJsonObject().add(member, value);
    }
    return this;
  }

  byte[] documentBytes() {
    return files.getOrDefault("model.json", document.toString().getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public Optional<InputStream> open(String path) {
    byte[] content = path.equals("model.json") ? documentBytes() : files.get(path);
    return Optional.ofNullable(content).map(ByteArrayInputStream::new);
  }

  List<Map<String, Object>> capabilities() {
    return List.of(
        Map.of(
            "io.shoji.model", capabilityName, "version", Version.parseVersion(capabilityVersion)));
  }

  PackageInstaller.Origin origin(long bundleId) {
    return new PackageInstaller.Origin(
        bundleId, "test 1.0.0", "test:" + bundleId, 1, capabilities(), this);
  }

  /** The package as a bundle. */
  InputStream jar(String symbolicName) {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", symbolicName);
    main.putValue("Bundle-Version", "1.0.0");
    if (!capabilityName.isEmpty()) {
      main.putValue(
          "Provide-Capability",
          "io.shoji.model;io.shoji.model=\""
              + capabilityName
              + "\";version:Version=\""
              + capabilityVersion
              + "\"");
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      jar.putNextEntry(new JarEntry("SHOJI-INF/model.json"));
      jar.write(documentBytes());
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        if (!file.getKey().equals("model.json")) {
          jar.putNextEntry(new JarEntry("SHOJI-INF/" + file.getKey()));
          jar.write(file.getValue());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }
}
