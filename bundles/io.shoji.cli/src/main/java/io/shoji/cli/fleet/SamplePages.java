/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.shoji.cli.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Pages of field samples, each a safetensors file, put together to one. One thread. */
final class SamplePages {
  private static final int PREFIX = 8;
  private static final String METADATA = "__metadata__";

  /** A tensor over all pages: what it is, but for the first dimension. */
  private static final class Tensor {
    final String type;
    final List<Long> inner;
    final List<byte[]> parts = new ArrayList<>();
    long outer;

    Tensor(String type, List<Long> inner) {
      this.type = type;
      this.inner = inner;
    }

    long bytes() {
      return parts.stream().mapToLong(part -> part.length).sum();
    }
  }

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private int count;

  /** Samples so far. */
  int count() {
    return count;
  }

  /**
   * Adds a page.
   *
   * @param samples in it
   * @throws GatewayException MALFORMED_REPLY if it is no such file, or does not go with those
   *     before
   */
  void add(byte[] page, int samples) throws GatewayException {
    ByteBuffer buffer = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
    if (page.length < PREFIX || buffer.getLong(0) < 2 || buffer.getLong(0) > page.length - PREFIX) {
      throw malformed("it is too short bytes=" + page.length, null);
    }
    int length = (int) buffer.getLong(0);
    int begin = PREFIX + length;
    JsonObject header;
    try {
      header =
          Json.parse(new String(page, PREFIX, length, StandardCharsets.UTF_8)).getAsJsonObject();
      for (Map.Entry<String, JsonElement> member : header.entrySet()) {
        if (!member.getKey().equals(METADATA)) {
          add(member.getKey(), member.getValue().getAsJsonObject(), page, begin);
        }
      }
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      throw malformed("its header is damaged", e);
    }
    count += samples;
  }

  private void add(String name, JsonObject entry, byte[] page, int begin) throws GatewayException {
    List<Long> shape = new ArrayList<>();
    entry.getAsJsonArray("shape").forEach(dim -> shape.add(dim.getAsLong()));
    JsonArray place = entry.getAsJsonArray("data_offsets");
    long from = begin + place.get(0).getAsLong();
    long to = begin + place.get(1).getAsLong();
    String type = entry.get("dtype").getAsString();
    if (shape.isEmpty() || from < begin || to < from || to > page.length) {
      throw malformed("a tensor lies outside of it name=" + name, null);
    }
    List<Long> inner = List.copyOf(shape.subList(1, shape.size()));
    Tensor tensor = tensors.computeIfAbsent(name, unused -> new Tensor(type, inner));
    if (!tensor.type.equals(type) || !tensor.inner.equals(inner)) {
      throw malformed("the samples changed their shape meanwhile, begin again name=" + name, null);
    }
    byte[] part = new byte[(int) (to - from)];
    System.arraycopy(page, (int) from, part, 0, part.length);
    tensor.parts.add(part);
    tensor.outer += shape.get(0);
  }

  private static GatewayException malformed(String why, @Nullable Exception e) {
    String message = "the page of samples cannot be read: " + why;
    return e == null
        ? new GatewayException(GatewayException.MALFORMED_REPLY, message)
        : new GatewayException(GatewayException.MALFORMED_REPLY, message, e);
  }

  /** Writes the file, whole or not at all. */
  void write(Path file) throws IOException {
    JsonObject header = new JsonObject();
    long offset = 0;
    for (Map.Entry<String, Tensor> each : tensors.entrySet()) {
      Tensor tensor = each.getValue();
      JsonObject entry = new JsonObject();
      entry.addProperty("dtype", tensor.type);
      JsonArray shape = new JsonArray();
      shape.add(tensor.outer);
      tensor.inner.forEach(shape::add);
      entry.add("shape", shape);
      JsonArray place = new JsonArray();
      place.add(offset);
      offset += tensor.bytes();
      place.add(offset);
      entry.add("data_offsets", place);
      header.add(each.getKey(), entry);
    }
    byte[] json = Json.line(header).getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + PREFIX - 1) / PREFIX * PREFIX;
    Path folder = file.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    Path fresh = Files.createTempFile(folder, "samples", ".part");
    boolean written = false;
    try {
      try (OutputStream out = Files.newOutputStream(fresh)) {
        ByteBuffer head = ByteBuffer.allocate(PREFIX + padded).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(padded).put(json);
        while (head.hasRemaining()) {
          head.put((byte) ' ');
        }
        out.write(head.array());
        for (Tensor tensor : tensors.values()) {
          for (byte[] part : tensor.parts) {
            out.write(part);
          }
        }
      }
      Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
      written = true;
    } finally {
      if (!written) {
        Files.deleteIfExists(fresh);
      }
    }
  }
}
