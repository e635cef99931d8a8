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
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The tensors of a file in the safetensors format that the training scripts wrote. */
final class SampleFile {
  private final ByteBuffer content;
  private final JsonObject header;
  private final int start;

  private SampleFile(ByteBuffer content, JsonObject header, int start) {
    this.content = content;
    this.header = header;
    this.start = start;
  }

  static SampleFile read(Path path) throws IOException {
    byte[] file = Files.readAllBytes(path);
    ByteBuffer content = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int size = (int) content.getLong(0);
    String text = new String(file, 8, size, StandardCharsets.UTF_8);
    return new SampleFile(content, JsonParser.parseString(text).getAsJsonObject(), 8 + size);
  }

  boolean has(String name) {
    return header.has(name);
  }

  /** A tensor; 8-bit values of a picture become shares of 255. */
  Tensor tensor(String name) {
    JsonObject entry = header.getAsJsonObject(name);
    JsonArray dims = entry.getAsJsonArray("shape");
    long[] shape = new long[dims.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dims.get(i).getAsLong();
    }
    int from = start + entry.getAsJsonArray("data_offsets").get(0).getAsInt();
    String type = entry.get("dtype").getAsString();
    Tensor tensor =
        Tensor.allocate(
            type.equals("I64") ? ElementType.INT64 : ElementType.FLOAT32, Shape.of(shape));
    if (type.equals("U8")) {
      for (int i = 0; i < tensor.elementCount(); i++) {
        tensor.setFloat(i, (content.get(from + i) & 0xff) / 255f);
      }
    } else {
      tensor.data().put(0, content, from, tensor.byteSize());
    }
    return tensor;
  }

  /** One of the samples that a tensor holds along its first dimension. */
  static Tensor row(Tensor all, int index, boolean keepDimension) {
    long[] dims = all.shape().dims();
    dims[0] = 1;
    Shape shape =
        keepDimension ? Shape.of(dims) : Shape.of(Arrays.copyOfRange(dims, 1, dims.length));
    Tensor row = Tensor.allocate(all.type(), shape);
    row.data().put(0, all.data(), index * row.byteSize(), row.byteSize());
    return row;
  }
}
