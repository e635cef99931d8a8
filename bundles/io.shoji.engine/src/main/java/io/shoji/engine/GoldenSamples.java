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
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Golden samples in a safetensors file: 8 bytes little-endian length, a JSON header with type,
 * shape and place of each tensor, then their contents (the format as its README specifies it). The
 * first dimension of each tensor counts the samples. Immutable.
 */
final class GoldenSamples {
  private static final int PREFIX = 8;
  private static final Map<String, ElementType> TYPES =
      Map.of(
          "F32", ElementType.FLOAT32,
          "F16", ElementType.FLOAT16,
          "F64", ElementType.FLOAT64,
          "I8", ElementType.INT8,
          "U8", ElementType.UINT8,
          "I16", ElementType.INT16,
          "U16", ElementType.UINT16,
          "I32", ElementType.INT32,
          "I64", ElementType.INT64,
          "BOOL", ElementType.BOOL);

  /** A header of more bytes is no header. */
  private static final long MOST_HEADER = 100_000_000;

  private record Entry(ElementType type, Shape shape, long begin) {}

  /** Where the contents of the tensors are. */
  @FunctionalInterface
  private interface Source {
    /** Fills a buffer from a place on. */
    void read(long begin, ByteBuffer into) throws IOException;
  }

  private final Map<String, Entry> entries;
  private final Source source;
  private final long bytes;

  private GoldenSamples(Map<String, Entry> entries, Source source, long bytes) {
    this.entries = entries;
    this.source = source;
    this.bytes = bytes;
  }

  /**
   * Samples in a file, of which only the header is read now, and each sample when it is asked for:
   * the file has to stay as it is.
   *
   * @throws IllegalArgumentException if it is no such file
   */
  static GoldenSamples read(Path path) throws IOException {
    // Not by a channel, which an interrupt would close, as when a trial is given up.
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
      long size = file.length();
      byte[] prefix = new byte[(int) Math.min(PREFIX, size)];
      file.readFully(prefix);
      byte[] header = new byte[headerLength(prefix, size, path.toString())];
      file.readFully(header);
      long data = PREFIX + (long) header.length;
      return new GoldenSamples(
          entries(header, size - data, path.toString()),
          (begin, into) -> {
            try (RandomAccessFile open = new RandomAccessFile(path.toFile(), "r")) {
              open.seek(data + begin);
              byte[] part = new byte[into.remaining()];
              open.readFully(part);
              into.put(part);
            }
          },
          size - data);
    }
  }

  private static int headerLength(byte[] prefix, long size, String path) {
    long length =
        prefix.length < PREFIX
            ? -1
            : ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > Math.min(MOST_HEADER, size - PREFIX)) {
      throw new IllegalArgumentException("not a safetensors file path=" + path);
    }
    return (int) length;
  }

  /**
   * Reads the bytes of a file, which it keeps.
   *
   * @param path where they are from, for messages
   * @throws IllegalArgumentException if it is no such file
   */
  static GoldenSamples of(byte[] bytes, String path) {
    int length =
        headerLength(Arrays.copyOf(bytes, Math.min(PREFIX, bytes.length)), bytes.length, path);
    ByteBuffer data = ByteBuffer.wrap(bytes).slice(PREFIX + length, bytes.length - PREFIX - length);
    return new GoldenSamples(
        entries(Arrays.copyOfRange(bytes, PREFIX, PREFIX + length), data.capacity(), path),
        (begin, into) -> into.put(data.slice((int) begin, into.remaining())),
        data.capacity());
  }

  private static Map<String, Entry> entries(byte[] header, long dataBytes, String path) {
    Map<String, Entry> entries = new HashMap<>();
    try {
      JsonObject json =
          JsonParser.parseString(new String(header, StandardCharsets.UTF_8)).getAsJsonObject();
      for (Map.Entry<String, JsonElement> member : json.entrySet()) {
        if (!member.getKey().equals("__metadata__")) {
          entries.put(member.getKey(), entry(member.getValue().getAsJsonObject(), dataBytes));
        }
      }
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      throw new IllegalArgumentException("its header is damaged path=" + path, e);
    }
    return entries;
  }

  private static Entry entry(JsonObject json, long dataBytes) {
    ElementType type = TYPES.get(json.get("dtype").getAsString());
    JsonArray dims = json.getAsJsonArray("shape");
    JsonArray place = json.getAsJsonArray("data_offsets");
    if (type == null || dims.isEmpty()) {
      throw new IllegalArgumentException("a tensor is of an unknown type or a scalar " + json);
    }
    long[] shape = new long[dims.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dims.get(i).getAsLong();
    }
    long begin = place.get(0).getAsLong();
    long end = place.get(1).getAsLong();
    if (begin < 0 || end < begin || end > dataBytes) {
      throw new IllegalArgumentException("a tensor lies outside the file " + json);
    }
    return new Entry(type, Shape.of(shape), begin);
  }

  /**
   * One sample for each input of a model, with a batch of one.
   *
   * @throws IllegalArgumentException if there is none that fits
   */
  List<Tensor> inputs(ModelDescription model, int sample) {
    List<Tensor> inputs = new ArrayList<>();
    for (TensorSpec spec : model.inputs()) {
      Tensor tensor =
          tensor("input." + spec.name(), sample)
              .orElseThrow(
                  () -> new IllegalArgumentException("no golden samples for input=" + spec.name()));
      Optional<String> mismatch = spec.mismatch(tensor);
      if (mismatch.isPresent()) {
        throw new IllegalArgumentException(mismatch.get());
      }
      inputs.add(tensor);
    }
    return inputs;
  }

  /** What an output is expected to be; empty if nothing is expected of it. */
  Optional<Tensor> expected(String output, int sample) {
    return tensor("expected." + output, sample);
  }

  /** The class that a sample is of; empty if the samples have none. */
  Optional<Long> label(int sample) {
    return tensor("label", sample).map(t -> t.getLong(0));
  }

  /**
   * One sample of a tensor, with a batch of one; empty if there is no such tensor or sample.
   *
   * @throws IllegalArgumentException if it is not in the file
   * @throws UncheckedIOException if it cannot be read any more
   */
  Optional<Tensor> tensor(String name, int sample) {
    Entry entry = entries.get(name);
    if (entry == null || sample >= entry.shape().dim(0)) {
      return Optional.empty();
    }
    long[] shape = entry.shape().dims();
    shape[0] = 1;
    Tensor tensor = Tensor.allocate(entry.type(), Shape.of(shape));
    long begin = entry.begin() + (long) sample * tensor.byteSize();
    if (begin + tensor.byteSize() > bytes) {
      throw new IllegalArgumentException("a tensor lies outside the file name=" + name);
    }
    try {
      // Little-endian as the file is: every platform that Shoji runs on is.
      source.read(begin, tensor.data().duplicate());
    } catch (IOException e) {
      throw new UncheckedIOException("a tensor cannot be read name=" + name, e);
    }
    return Optional.of(tensor);
  }
}
