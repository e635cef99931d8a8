/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A perceptron of any size, written to a file without ever being in memory as a whole: {@code x}
 * FLOAT32[N, width] through layers of that width with ReLU to {@code y} FLOAT32[N, classes]. Its
 * weights are drawn anew from the seed whenever they are needed, uniform with the variance of 2
 * over the fan-in. Field numbers as in {@code onnx.proto}. Not thread safe.
 */
public final class LargeMlp {
  private static final int GRAPH = 7;
  private static final int OPSET = 8;
  private static final int INITIALIZER = 5;
  private static final int RAW_DATA = 9;

  private final long seed;
  private final int width;
  private final int layers;
  private final int classes;

  /** Takes {@code width * width * layers * 4} bytes, and some more for the last layer. */
  public LargeMlp(long seed, int width, int layers, int classes) {
    this.seed = seed;
    this.width = width;
    this.layers = layers;
    this.classes = classes;
  }

  /** Writes the model. */
  public void write(Path file) throws IOException {
    // Everything but the weights, which go between.
    OnnxGraph graph =
        new OnnxGraph("large")
            .input(OnnxModels.INPUT, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, width))
            .output(OnnxModels.OUTPUT, ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, classes));
    String from = OnnxModels.INPUT;
    for (int layer = 0; layer <= layers; layer++) {
      boolean last = layer == layers;
      graph.node(
          "MatMul", List.of(from, "w" + layer), List.of(last ? OnnxModels.OUTPUT : "z" + layer));
      if (!last) {
        from = "h" + layer;
        graph.node("Relu", List.of("z" + layer), List.of(from));
      }
    }
    byte[] rest = graph.toGraph().toBytes();
    List<byte[]> heads = new ArrayList<>();
    long length = rest.length;
    for (int layer = 0; layer <= layers; layer++) {
      heads.add(head(layer));
      length += heads.get(layer).length + 4L * width * columns(layer);
    }
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
      out.write(new ProtobufMessage().add(1, 7).add(2, "shoji-testkit").toBytes());
      out.write(tag(GRAPH, length));
      out.write(rest);
      for (int layer = 0; layer <= layers; layer++) {
        out.write(heads.get(layer));
        SplittableRandom random = random(layer);
        float[] row = new float[columns(layer)];
        ByteBuffer bytes = ByteBuffer.allocate(4 * row.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < width; i++) {
          draw(random, row);
          bytes.clear().asFloatBuffer().put(row);
          out.write(bytes.array());
        }
      }
      out.write(
          new ProtobufMessage().add(OPSET, new ProtobufMessage().add(1, "").add(2, 13)).toBytes());
    }
  }

  /** What it answers, computed here; the runtime rounds otherwise. */
  public float[][] run(float[][] inputs) {
    float[][] now = inputs;
    for (int layer = 0; layer <= layers; layer++) {
      SplittableRandom random = random(layer);
      float[] row = new float[columns(layer)];
      float[][] next = new float[now.length][row.length];
      for (int i = 0; i < width; i++) {
        draw(random, row);
        for (int sample = 0; sample < now.length; sample++) {
          for (int j = 0; j < row.length; j++) {
            next[sample][j] += now[sample][i] * row[j];
          }
        }
      }
      if (layer < layers) {
        for (float[] values : next) {
          for (int j = 0; j < values.length; j++) {
            values[j] = Math.max(0, values[j]);
          }
        }
      }
      now = next;
    }
    return now;
  }

  private int columns(int layer) {
    return layer == layers ? classes : width;
  }

  private SplittableRandom random(int layer) {
    return new SplittableRandom(seed * 1_000 + layer);
  }

  private void draw(SplittableRandom random, float[] row) {
    float scale = (float) (2 * Math.sqrt(6.0 / width));
    for (int i = 0; i < row.length; i++) {
      row[i] = scale * ((random.nextInt() >>> 8) * 0x1p-24f - 0.5f);
    }
  }

  /** The initializer up to its bytes. */
  private byte[] head(int layer) throws IOException {
    long raw = 4L * width * columns(layer);
    ByteArrayOutputStream tensor = new ByteArrayOutputStream();
    tensor.write(
        new ProtobufMessage()
            .add(1, width)
            .add(1, columns(layer))
            .add(2, OnnxGraph.typeCode(ElementType.FLOAT32))
            .add(8, "w" + layer)
            .toBytes());
    tensor.write(tag(RAW_DATA, raw));
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    head.write(tag(INITIALIZER, tensor.size() + raw));
    head.write(tensor.toByteArray());
    return head.toByteArray();
  }

  /** Tag and length of a field that is given by its length. */
  private static byte[] tag(int field, long length) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (long value : new long[] {((long) field << 3) | 2, length}) {
      long rest = value;
      while (rest > 0x7f) {
        out.write((int) ((rest & 0x7f) | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }
    return out.toByteArray();
  }
}
