/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The weights in an ONNX file, to be changed where they lie: the initializers of {@code
 * ModelProto.graph} whose content is {@code raw_data} (onnx.proto).
 */
final class OnnxWeights {
  private static final int MODEL_GRAPH = 7;
  private static final int GRAPH_INITIALIZER = 5;
  private static final int TENSOR_NAME = 8;
  private static final int TENSOR_RAW_DATA = 9;
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;

  private final ByteBuffer model;
  private final Map<String, ByteBuffer> initializers = new LinkedHashMap<>();

  /** Reads where the weights are; {@code model} is changed by what is written to them. */
  OnnxWeights(byte[] model) {
    this.model = ByteBuffer.wrap(model).order(ByteOrder.LITTLE_ENDIAN);
    fields(
        0,
        model.length,
        (field, start, end) -> {
          if (field == MODEL_GRAPH) {
            fields(start, end, this::graph);
          }
        });
  }

  @FunctionalInterface
  private interface Visitor {
    void field(int number, int start, int end);
  }

  private void graph(int field, int start, int end) {
    if (field != GRAPH_INITIALIZER) {
      return;
    }
    int[] raw = new int[2];
    String[] name = {""};
    fields(
        start,
        end,
        (each, from, to) -> {
          if (each == TENSOR_NAME) {
            name[0] = new String(model.array(), from, to - from, StandardCharsets.UTF_8);
          } else if (each == TENSOR_RAW_DATA) {
            raw[0] = from;
            raw[1] = to;
          }
        });
    initializers.put(
        name[0],
        model.duplicate().position(raw[0]).limit(raw[1]).slice().order(ByteOrder.LITTLE_ENDIAN));
  }

  /** Visits the fields that have bytes. */
  private void fields(int start, int end, Visitor visitor) {
    ByteBuffer at = model.duplicate().order(ByteOrder.LITTLE_ENDIAN).position(start);
    while (at.position() < end) {
      long key = varint(at);
      switch ((int) (key & 7)) {
        case VARINT -> varint(at);
        case FIXED64 -> at.position(at.position() + Long.BYTES);
        case BYTES -> {
          int length = (int) varint(at);
          int from = at.position();
          visitor.field((int) (key >>> 3), from, from + length);
          at.position(from + length);
        }
        default -> at.position(at.position() + Integer.BYTES);
      }
    }
  }

  private static long varint(ByteBuffer at) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = at.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  /** The bytes of one, little-endian. */
  ByteBuffer of(String name) {
    ByteBuffer found = initializers.get(name);
    if (found == null) {
      throw new AssertionError(
          "no such initializer asked=" + name + " found=" + initializers.keySet());
    }
    return found;
  }

  /** Multiplies all binary32 numbers of one. */
  void scale(String name, float factor) {
    ByteBuffer data = of(name);
    for (int i = 0; i < data.capacity(); i += Float.BYTES) {
      data.putFloat(i, data.getFloat(i) * factor);
    }
  }

  /** Flips one bit of every so many binary32 numbers. */
  void flip(String name, int bit, int every) {
    ByteBuffer data = of(name);
    for (int i = 0; i < data.capacity(); i += every * Float.BYTES) {
      data.putInt(i, data.getInt(i) ^ (1 << bit));
    }
  }

  /** Exchanges two rows of a matrix of binary32 numbers. */
  void swapRows(String name, int rows, int first, int second) {
    ByteBuffer data = of(name);
    int bytes = data.capacity() / rows;
    for (int i = 0; i < bytes; i++) {
      byte kept = data.get(first * bytes + i);
      data.put(first * bytes + i, data.get(second * bytes + i));
      data.put(second * bytes + i, kept);
    }
  }
}
