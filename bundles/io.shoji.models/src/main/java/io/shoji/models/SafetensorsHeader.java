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

import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.GoldenSamples;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Checks that golden samples are a well-formed safetensors file with the tensors that the model
 * asks for. Reads the header only: 8 bytes little-endian length, then JSON with type, shape and
 * place of each tensor (the safetensors format as its README specifies it).
 */
final class SafetensorsHeader {
  /** Longest header, in bytes. */
  static final int LIMIT = 1 << 20;

  private static final int PREFIX = 8;
  private static final String METADATA = "__metadata__";

  private static final Map<ElementType, String> NAMES =
      Map.of(
          ElementType.FLOAT32, "F32",
          ElementType.FLOAT16, "F16",
          ElementType.FLOAT64, "F64",
          ElementType.INT8, "I8",
          ElementType.UINT8, "U8",
          ElementType.INT16, "I16",
          ElementType.UINT16, "U16",
          ElementType.INT32, "I32",
          ElementType.INT64, "I64",
          ElementType.BOOL, "BOOL");

  private record Entry(String name, String type, List<Long> shape, long begin, long end) {}

  private SafetensorsHeader() {}

  /**
   * Checks a file.
   *
   * @param in the file from its start; not closed
   */
  static void check(GoldenSamples golden, ModelDescription model, InputStream in, Reasons reasons)
      throws IOException {
    String path = golden.file().path();
    long room = golden.file().size() - PREFIX;
    byte[] prefix = in.readNBytes(PREFIX);
    if (prefix.length < PREFIX) {
      reasons.add(path, "is not a safetensors file: shorter than its length field");
      return;
    }
    long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > Math.min(room, LIMIT)) {
      reasons.add(
          path,
          "is not a safetensors file: its header's length is out of range asked=2.."
              + Math.min(room, LIMIT)
              + " found="
              + Long.toUnsignedString(length));
      return;
    }
    byte[] header = in.readNBytes((int) length);
    Reasons within = new Reasons();
    Optional<Json> json =
        header.length < length ? Optional.empty() : JsonReading.read(header, "(whole)", within);
    if (json.isEmpty() || !within.isEmpty()) {
      String what = within.isEmpty() ? "is cut off" : String.join("; ", within.list());
      reasons.add(path, "is not a safetensors file: header " + what);
      return;
    }
    Map<String, Entry> entries = entries(json.get(), room - length, path, reasons);
    for (TensorSpec input : model.inputs()) {
      expect("input." + input.name(), input, golden, entries, reasons);
    }
    for (TensorSpec output : model.outputs()) {
      expect("expected." + output.name(), output, golden, entries, reasons);
    }
    if (model.task().equals("classification")) {
      TensorSpec label = TensorSpec.of("label", ElementType.INT64, Shape.of(golden.count()));
      expect("label", label, golden, entries, reasons);
    }
    for (String name : entries.keySet()) {
      if ((name.startsWith("input.") && !has(model.inputs(), name.substring(6)))
          || (name.startsWith("expected.") && !has(model.outputs(), name.substring(9)))) {
        reasons.add(
            path,
            "has a tensor for an input or output that the model has not; correct its name found="
                + Reasons.quote(name));
      }
    }
  }

  private static boolean has(List<TensorSpec> specs, String name) {
    return specs.stream().anyMatch(s -> s.name().equals(name));
  }

  private static Map<String, Entry> entries(
      Json header, long dataBytes, String path, Reasons reasons) {
    Map<String, Entry> entries = new TreeMap<>();
    for (Map.Entry<String, Json> member : header.members().entrySet()) {
      if (!member.getKey().equals(METADATA)) {
        Optional<Entry> entry = entry(member.getKey(), member.getValue());
        if (entry.isPresent()) {
          entries.put(member.getKey(), entry.get());
        } else {
          reasons.add(
              path,
              "a tensor in its header is not as the format says: dtype, shape, and data_offsets of"
                  + " that many bytes name="
                  + Reasons.quote(member.getKey()));
        }
      }
    }
    List<Entry> inOrder = new ArrayList<>(entries.values());
    inOrder.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long at = 0;
    for (Entry entry : inOrder) {
      if (entry.begin() != at) {
        break;
      }
      at = entry.end();
    }
    if (entries.size()
            == header.members().keySet().stream().filter(n -> !n.equals(METADATA)).count()
        && at != dataBytes) {
      reasons.add(
          path,
          "its tensors do not fill its data without gap or overlap; it was cut off or written wrongly"
              + " asked="
              + dataBytes
              + " found="
              + at);
    }
    return entries;
  }

  private static Optional<Entry> entry(String name, Json json) {
    Optional<String> type = json.text("dtype");
    List<Json> offsets = json.items("data_offsets");
    if (type.isEmpty() || offsets.size() != 2 || json.get("shape").isEmpty()) {
      return Optional.empty();
    }
    OptionalLong begin = offsets.get(0).integer();
    OptionalLong end = offsets.get(1).integer();
    if (begin.isEmpty() || end.isEmpty() || begin.getAsLong() < 0 || end.getAsLong() < 0) {
      return Optional.empty();
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    try {
      for (Json dim : json.items("shape")) {
        OptionalLong size = dim.integer();
        if (size.isEmpty() || size.getAsLong() < 0) {
          return Optional.empty();
        }
        shape.add(size.getAsLong());
        elements = Math.multiplyExact(elements, size.getAsLong());
      }
      for (Map.Entry<ElementType, String> known : NAMES.entrySet()) {
        if (known.getValue().equals(type.get())
            && known.getKey().bytes(elements) != end.getAsLong() - begin.getAsLong()) {
          return Optional.empty();
        }
      }
    } catch (ArithmeticException e) {
      return Optional.empty();
    }
    return end.getAsLong() < begin.getAsLong()
        ? Optional.empty()
        : Optional.of(new Entry(name, type.get(), shape, begin.getAsLong(), end.getAsLong()));
  }

  private static void expect(
      String name,
      TensorSpec spec,
      GoldenSamples golden,
      Map<String, Entry> entries,
      Reasons reasons) {
    String path = golden.file().path();
    Entry entry = entries.get(name);
    if (entry == null) {
      reasons.add(
          path,
          "lacks a tensor asked="
              + Reasons.quote(name)
              + " found="
              + entries.keySet().stream()
                  .limit(20)
                  .map(Reasons::quote)
                  .collect(Collectors.joining(", ", "[", "]")));
      return;
    }
    String type = NAMES.get(spec.type());
    boolean real = name.startsWith("expected.") && spec.quantization().isPresent();
    if (type == null || !(entry.type().equals(type) || (real && entry.type().equals("F32")))) {
      reasons.add(
          path,
          "a tensor has another type than the model's name="
              + Reasons.quote(name)
              + " asked="
              + (type == null ? "none, safetensors has no " + spec.type() : type)
              + " found="
              + Reasons.quote(entry.type()));
    }
    boolean fits =
        entry.shape().size() == spec.shape().rank()
            && !entry.shape().isEmpty()
            && entry.shape().get(0) == golden.count();
    for (int i = 1; fits && i < entry.shape().size(); i++) {
      long asked = spec.shape().dim(i);
      fits = asked == Shape.DYNAMIC || asked == entry.shape().get(i);
    }
    if (!fits) {
      reasons.add(
          path,
          "a tensor has another shape than count times the model's name="
              + Reasons.quote(name)
              + " count="
              + golden.count()
              + " asked="
              + spec.shape()
              + " found="
              + entry.shape());
    }
  }
}
