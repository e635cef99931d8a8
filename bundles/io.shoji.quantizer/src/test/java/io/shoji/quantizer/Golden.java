/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A sample package of this repository: its model and its golden samples, one by one. */
final class Golden implements LabelledSamples {
  private final String input;
  private final Tensor inputs;
  private final long[] labels;
  private final int from;
  private final int size;

  private Golden(String input, Tensor inputs, long[] labels, int from, int size) {
    this.input = input;
    this.inputs = inputs;
    this.labels = labels;
    this.from = from;
    this.size = size;
  }

  static Path folder(String model) {
    return Path.of("..", "io.shoji.model." + model, "src", "main", "resources", "SHOJI-INF");
  }

  static OnnxModel model(String model) throws QuantizerException {
    return OnnxModel.read(folder(model).resolve("models").resolve(model + ".onnx"));
  }

  static Golden of(String model, String input) throws IOException {
    byte[] file = Files.readAllBytes(folder(model).resolve("golden/samples.safetensors"));
    ByteBuffer content = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int headerSize = (int) content.getLong(0);
    JsonObject header =
        JsonParser.parseString(new String(file, 8, headerSize, StandardCharsets.UTF_8))
            .getAsJsonObject();
    Tensor inputs = tensor(content, 8 + headerSize, header.getAsJsonObject("input." + input));
    Tensor labels = tensor(content, 8 + headerSize, header.getAsJsonObject("label"));
    long[] values = new long[labels.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = labels.getLong(i);
    }
    return new Golden(input, inputs, values, 0, values.length);
  }

  private static Tensor tensor(ByteBuffer content, int start, JsonObject entry) {
    JsonArray dims = entry.getAsJsonArray("shape");
    long[] shape = new long[dims.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dims.get(i).getAsLong();
    }
    ElementType type =
        switch (entry.get("dtype").getAsString()) {
          case "F32" -> ElementType.FLOAT32;
          case "I64" -> ElementType.INT64;
          default -> throw new IllegalArgumentException("unexpected type " + entry);
        };
    Tensor tensor = Tensor.allocate(type, Shape.of(shape));
    int from = entry.getAsJsonArray("data_offsets").get(0).getAsInt();
    tensor.data().put(0, content, start + from, tensor.byteSize());
    return tensor;
  }

  /** Some of the samples. */
  Golden part(int first, int count) {
    return new Golden(input, inputs, labels, from + first, count);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Map<String, Tensor> inputs(int index) {
    long[] dims = inputs.shape().dims();
    dims[0] = 1;
    Tensor sample = Tensor.allocate(ElementType.FLOAT32, Shape.of(dims));
    sample.data().put(0, inputs.data(), (from + index) * sample.byteSize(), sample.byteSize());
    return Map.of(input, sample);
  }

  @Override
  public Tensor expected(int index) {
    Tensor label = Tensor.allocate(ElementType.INT64, Shape.scalar());
    label.setLong(0, labels[from + index]);
    return label;
  }
}
