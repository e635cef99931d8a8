/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.cli.Json;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.LabelledSamples;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes golden samples: some of an evaluation set, evenly spread over it, with what the model
 * answered to each, as safetensors (8 bytes little-endian length, a JSON header padded to 8, the
 * tensors).
 */
final class GoldenWriter {
  private static final int PREFIX = 8;
  private static final int ALIGNMENT = 8;

  private record Place(long begin, int sampleBytes) {}

  private GoldenWriter() {}

  /**
   * Writes a file.
   *
   * @param samples with a batch of one
   * @param labels whether what is expected of a sample is its class
   * @param count how many of them, at most all
   */
  static void write(
      Path file, LabelledSamples samples, boolean labels, int count, Evaluation.Inference model)
      throws IOException, QuantizerException {
    try (FileChannel out =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      Map<String, Place> places = new LinkedHashMap<>();
      for (int i = 0; i < count; i++) {
        int index = (int) ((long) i * samples.size() / count);
        Map<String, Tensor> tensors = sample(samples, index, labels, model);
        if (i == 0) {
          places.putAll(header(tensors, count, out));
        }
        for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
          Place place = places.get(tensor.getKey());
          ByteBuffer bytes = tensor.getValue().data().duplicate().rewind();
          if (place == null || bytes.remaining() != place.sampleBytes()) {
            throw new IOException(
                "samples differ in shape, and golden samples are one tensor of all name="
                    + tensor.getKey()
                    + " sample="
                    + index
                    + " shape="
                    + tensor.getValue().shape());
          }
          writeFully(out, bytes, place.begin() + (long) i * place.sampleBytes());
        }
      }
    }
  }

  private static Map<String, Tensor> sample(
      LabelledSamples samples, int index, boolean labels, Evaluation.Inference model)
      throws QuantizerException {
    Map<String, Tensor> tensors = new TreeMap<>();
    Map<String, Tensor> inputs = samples.inputs(index);
    inputs.forEach((name, tensor) -> tensors.put("input." + name, tensor));
    model.run(inputs).forEach((name, tensor) -> tensors.put("expected." + name, tensor));
    if (labels) {
      ByteBuffer label = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
      label.putLong(0, samples.expected(index).getLong(0));
      tensors.put(
          "label",
          io.shoji.tensor.Tensor.wrap(io.shoji.tensor.ElementType.INT64, Shape.of(1), label));
    }
    return tensors;
  }

  private static Map<String, Place> header(Map<String, Tensor> tensors, int count, FileChannel out)
      throws IOException {
    JsonObject header = new JsonObject();
    Map<String, Place> places = new LinkedHashMap<>();
    long at = 0;
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue();
      JsonObject json = new JsonObject();
      json.addProperty("dtype", typeName(tensor));
      JsonArray shape = new JsonArray();
      shape.add(count);
      long[] dims = tensor.shape().dims();
      for (int i = 1; i < dims.length; i++) {
        shape.add(dims[i]);
      }
      json.add("shape", shape);
      JsonArray offsets = new JsonArray();
      offsets.add(at);
      offsets.add(at + (long) tensor.byteSize() * count);
      json.add("data_offsets", offsets);
      header.add(entry.getKey(), json);
      places.put(entry.getKey(), new Place(at, tensor.byteSize()));
      at += (long) tensor.byteSize() * count;
    }
    StringBuilder text = new StringBuilder(Json.line(header));
    while (text.toString().getBytes(StandardCharsets.UTF_8).length % ALIGNMENT != 0) {
      text.append(' ');
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer start = ByteBuffer.allocate(PREFIX + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(bytes.length).put(bytes).flip();
    writeFully(out, start, 0);
    long data = (long) PREFIX + bytes.length;
    places.replaceAll((name, place) -> new Place(data + place.begin(), place.sampleBytes()));
    return places;
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes, long at) throws IOException {
    long start = bytes.position();
    while (bytes.hasRemaining()) {
      out.write(bytes, at + bytes.position() - start);
    }
  }

  private static String typeName(Tensor tensor) throws IOException {
    return switch (tensor.type()) {
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
      case INT4 -> throw new IOException("golden samples have no tensors of type INT4");
    };
  }
}
