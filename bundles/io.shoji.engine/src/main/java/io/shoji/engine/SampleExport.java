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
import io.shoji.tensor.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Samples of the same shapes as one safetensors file, of the form of {@link GoldenSamples}. */
final class SampleExport {
  private static final int ALIGNMENT = 8;

  private final JsonObject header = new JsonObject();
  private long bytes;

  private SampleExport() {}

  /**
   * The file.
   *
   * @param indexes number of each sample
   * @param samples at least one, all of one signature
   * @throws IllegalArgumentException if safetensors has no such element type, or they do not fit
   *     into one file
   */
  static ByteBuffer of(List<Long> indexes, List<FieldSample> samples) {
    SampleExport export = new SampleExport();
    JsonObject about = new JsonObject();
    about.addProperty(
        "generations",
        samples.stream().map(FieldSample::generation).distinct().collect(Collectors.joining("; ")));
    export.header.add("__metadata__", about);
    long count = samples.size();
    export.entry("index", "I64", List.of(count), Long.BYTES * count);
    export.entry("timeMs", "I64", List.of(count), Long.BYTES * count);
    List<FieldSample.Part> parts = samples.get(0).tensors();
    for (FieldSample.Part part : parts) {
      List<Long> shape = new ArrayList<>(part.shape);
      if (shape.isEmpty()) {
        shape.add(count);
      } else {
        shape.set(0, shape.get(0) * count);
      }
      export.entry(part.name, type(part), shape, part.data.length * count);
    }
    return export.write(indexes, samples);
  }

  private void entry(String name, String type, List<Long> shape, long length) {
    JsonArray dims = new JsonArray();
    shape.forEach(dims::add);
    JsonArray place = new JsonArray();
    place.add(bytes);
    bytes += length;
    place.add(bytes);
    JsonObject entry = new JsonObject();
    entry.addProperty("dtype", type);
    entry.add("shape", dims);
    entry.add("data_offsets", place);
    header.add(name, entry);
  }

  private ByteBuffer write(List<Long> indexes, List<FieldSample> samples) {
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    long size = Long.BYTES + padded + bytes;
    if (size > Integer.MAX_VALUE - ALIGNMENT) {
      throw new IllegalArgumentException("the samples do not fit into one file bytes=" + size);
    }
    ByteBuffer file = ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(padded).put(json);
    while (file.position() < Long.BYTES + padded) {
      file.put((byte) ' ');
    }
    indexes.forEach(file::putLong);
    samples.forEach(sample -> file.putLong(sample.timeMs()));
    for (int i = 0; i < samples.get(0).tensors().size(); i++) {
      for (FieldSample sample : samples) {
        // Little-endian as the file is: every platform that Shoji runs on is.
        file.put(sample.tensors().get(i).data);
      }
    }
    return file.flip().asReadOnlyBuffer();
  }

  private static String type(FieldSample.Part part) {
    ElementType type = part.type;
    return switch (type) {
      case FLOAT32 -> "F32";
      case FLOAT16 -> "F16";
      case FLOAT64 -> "F64";
      case INT8 -> "I8";
      case UINT8 -> "U8";
      case INT16 -> "I16";
      case UINT16 -> "U16";
      case INT32 -> "I32";
      case INT64 -> "I64";
      case BOOL -> "BOOL";
      default ->
          throw new IllegalArgumentException(
              "safetensors has no such type tensor=" + part.name + " type=" + type);
    };
  }
}
