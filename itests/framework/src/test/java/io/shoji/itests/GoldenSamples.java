/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

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

/** A safetensors file with FLOAT32 inputs and INT64 labels. */
final class GoldenSamples {
  private final JsonObject header;
  private final ByteBuffer data;

  GoldenSamples(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(all.getLong(0));
    header =
        JsonParser.parseString(new String(bytes, 8, length, StandardCharsets.UTF_8))
            .getAsJsonObject();
    data = all.position(8 + length).slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  int count() {
    return shape("label").get(0).getAsInt();
  }

  int label(int index) {
    return (int) data.getLong(offset("label") + index * Long.BYTES);
  }

  /** One sample of an input, with a batch of one. */
  Tensor input(String name, int index) {
    JsonArray dims = shape("input." + name);
    long[] shape = new long[dims.size()];
    shape[0] = 1;
    for (int i = 1; i < shape.length; i++) {
      shape[i] = dims.get(i).getAsLong();
    }
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(shape));
    int start = offset("input." + name) + index * tensor.byteSize();
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, data.getFloat(start + i * Float.BYTES));
    }
    return tensor;
  }

  private JsonArray shape(String tensor) {
    return header.getAsJsonObject(tensor).getAsJsonArray("shape");
  }

  private int offset(String tensor) {
    return header.getAsJsonObject(tensor).getAsJsonArray("data_offsets").get(0).getAsInt();
  }
}
