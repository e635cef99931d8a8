/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The golden samples of a model package: a safetensors file on the class path. */
final class GoldenSamples {
  private final JsonObject header;
  private final ByteBuffer data;

  GoldenSamples(byte[] content) {
    ByteBuffer all = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(all.getLong(0));
    header =
        JsonParser.parseString(new String(content, 8, length, StandardCharsets.UTF_8))
            .getAsJsonObject();
    data = all.position(8 + length).slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A file of a model package; both packages have some of the same name. */
  static byte[] resource(String bundle, String path) {
    try {
      var urls = GoldenSamples.class.getClassLoader().getResources("SHOJI-INF/" + path);
      while (urls.hasMoreElements()) {
        var url = urls.nextElement();
        if (url.toString().contains(bundle)) {
          try (InputStream in = url.openStream()) {
            return in.readAllBytes();
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException("not on the class path: " + bundle + " " + path);
  }

  int label(int index) {
    return (int) data.getLong(offset("label") + index * Long.BYTES);
  }

  /** One sample of an input, its values in order. */
  float[] input(String name, int index) {
    JsonArray dims = header.getAsJsonObject("input." + name).getAsJsonArray("shape");
    int count = 1;
    for (int i = 1; i < dims.size(); i++) {
      count *= dims.get(i).getAsInt();
    }
    float[] values = new float[count];
    int start = offset("input." + name) + index * count * Float.BYTES;
    for (int i = 0; i < count; i++) {
      values[i] = data.getFloat(start + i * Float.BYTES);
    }
    return values;
  }

  private int offset(String tensor) {
    return header.getAsJsonObject(tensor).getAsJsonArray("data_offsets").get(0).getAsInt();
  }
}
