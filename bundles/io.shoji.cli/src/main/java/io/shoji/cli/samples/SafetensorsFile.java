/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.shoji.cli.Json;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A file of named tensors: 8 bytes little-endian length, a JSON object with type, shape and place
 * of each, and their bytes (the safetensors format as its README specifies it). Read in pieces.
 */
public final class SafetensorsFile implements AutoCloseable {
  private static final int PREFIX = 8;
  private static final int LONGEST_HEADER = 16 << 20;

  private record Entry(ElementType type, Shape shape, long begin) {}

  private final Path file;
  private final FileChannel channel;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private SafetensorsFile(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Opens a file and checks that what its header says is there.
   *
   * @throws QuantizerException UNREADABLE or BAD_SAMPLES, naming the file
   */
  public static SafetensorsFile open(Path file) throws QuantizerException {
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      boolean opened = false;
      try {
        SafetensorsFile tensors = new SafetensorsFile(file, channel);
        tensors.readHeader();
        opened = true;
        return tensors;
      } finally {
        if (!opened) {
          channel.close();
        }
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static QuantizerException unreadable(Path file, IOException e) {
    return new QuantizerException(
        Code.UNREADABLE, "the file cannot be read file=" + file + " cause=" + e, e);
  }

  private QuantizerException bad(String what) {
    return new QuantizerException(Code.BAD_SAMPLES, what + " file=" + file);
  }

  private void readHeader() throws IOException, QuantizerException {
    long room = channel.size() - PREFIX;
    if (room < 2) {
      throw bad("no safetensors file: it is shorter than a header bytes=" + (room + PREFIX));
    }
    long length = read(0, PREFIX).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    if (length < 2 || length > Math.min(room, LONGEST_HEADER)) {
      throw bad(
          "no safetensors file, or one that is cut off: length of its header found="
              + Long.toUnsignedString(length)
              + " most="
              + Math.min(room, LONGEST_HEADER));
    }
    String text = StandardCharsets.UTF_8.decode(read(PREFIX, (int) length)).toString();
    JsonObject header;
    try {
      header = Json.parse(text).getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      throw new QuantizerException(
          Code.BAD_SAMPLES, "no safetensors file: its header is no JSON object file=" + file, e);
    }
    long data = PREFIX + length;
    for (Map.Entry<String, JsonElement> member : header.entrySet()) {
      if (!member.getKey().equals("__metadata__")) {
        entries.put(member.getKey(), entry(member.getKey(), member.getValue(), data));
      }
    }
  }

  private Entry entry(String name, JsonElement description, long data)
      throws IOException, QuantizerException {
    String type = Json.text(description, "dtype").orElse("");
    List<JsonElement> offsets = Json.elements(description, "data_offsets");
    try {
      List<Long> dims = new ArrayList<>();
      for (JsonElement dim : Json.elements(description, "shape")) {
        dims.add(dim.getAsBigDecimal().longValueExact());
      }
      Shape shape = Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
      ElementType element = typeOf(type);
      long begin = offsets.get(0).getAsBigDecimal().longValueExact();
      long end = offsets.get(1).getAsBigDecimal().longValueExact();
      if (shape.isDynamic()
          || begin < 0
          || end - begin != element.bytes(shape.elementCount())
          || end > channel.size() - data) {
        throw new IllegalArgumentException("begin=" + begin + " end=" + end);
      }
      return new Entry(element, shape, data + begin);
    } catch (IllegalArgumentException
        | ArithmeticException
        | IndexOutOfBoundsException
        | UnsupportedOperationException
        | IllegalStateException e) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "a tensor is cut off, or described in a way that is not read name="
              + name
              + " type="
              + type
              + " cause="
              + e.getMessage()
              + " file="
              + file,
          e);
    }
  }

  private static ElementType typeOf(String name) {
    return switch (name) {
      case "F32" -> ElementType.FLOAT32;
      case "F16" -> ElementType.FLOAT16;
      case "F64" -> ElementType.FLOAT64;
      case "I8" -> ElementType.INT8;
      case "U8" -> ElementType.UINT8;
      case "I16" -> ElementType.INT16;
      case "U16" -> ElementType.UINT16;
      case "I32" -> ElementType.INT32;
      case "I64" -> ElementType.INT64;
      case "BOOL" -> ElementType.BOOL;
      default -> throw new IllegalArgumentException("no type that is read");
    };
  }

  private ByteBuffer read(long from, int count) throws IOException, QuantizerException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    readFully(bytes, from);
    return bytes.flip();
  }

  private void readFully(ByteBuffer into, long from) throws IOException, QuantizerException {
    long start = into.position();
    while (into.hasRemaining()) {
      if (channel.read(into, from + into.position() - start) < 0) {
        throw bad("the file is cut off");
      }
    }
  }

  /** The tensors' names, in the header's order. */
  public Set<String> names() {
    return entries.keySet();
  }

  /** Shape of a tensor that is there. */
  public Shape shape(String name) {
    return found(name).shape();
  }

  private Entry found(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException("there is no such tensor name=" + name);
    }
    return entry;
  }

  /**
   * A new tensor with some of a tensor's entries along its first axis.
   *
   * @throws QuantizerException UNREADABLE, BAD_SAMPLES
   * @throws IndexOutOfBoundsException if there are no such entries
   */
  public Tensor read(String name, long from, long count) throws QuantizerException {
    Entry entry = found(name);
    long[] dims = entry.shape().dims();
    if (dims.length == 0 || from < 0 || count < 0 || from > dims[0] - count) {
      throw new IndexOutOfBoundsException(
          "no such entries from=" + from + " count=" + count + " shape=" + entry.shape());
    }
    dims[0] = count;
    Tensor tensor = Tensor.allocate(entry.type(), Shape.of(dims));
    long each = count == 0 ? 0 : tensor.byteSize() / count;
    try {
      // Tensors are in native order, and every machine that Shoji runs on is little endian.
      readFully(tensor.data().duplicate(), entry.begin() + from * each);
      return tensor;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  @Override
  public void close() throws QuantizerException {
    try {
      channel.close();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }
}
