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

import io.shoji.tensor.Float16;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * A small perceptron in OpenVINO's IR of version 11, {@code .xml} and {@code .bin}: {@code x}
 * FLOAT32[N, 8] to {@code y} FLOAT32[N, 10]. Its weights are eighths from -1 to 1, which every
 * element type here holds exactly, so that all forms of it compute the same.
 */
public final class OpenVinoIr {
  /** Values of a row of the input. */
  public static final int IN = 8;

  /** Values of a row of the output. */
  public static final int OUT = 10;

  private static final int HIDDEN = 16;

  /** How weights are written. */
  public enum Weights {
    /** As they are. */
    F32,
    /** Compressed to FLOAT16, with a Convert before their use. */
    F16,
    /** INT8, with a Convert and a scale before their use. */
    I8
  }

  private final StringBuilder layers = new StringBuilder();
  private final StringBuilder edges = new StringBuilder();
  private final ByteArrayOutputStream weights = new ByteArrayOutputStream();
  private int next;

  private final Weights type;
  private final long batch;
  private String opset = "opset1";
  private int version = 11;
  private double delayMs;

  private OpenVinoIr(Weights type, long batch) {
    this.type = type;
    this.batch = batch;
  }

  /**
   * The perceptron.
   *
   * @param batch rows of input and output; -1 for any number
   */
  public static OpenVinoIr perceptron(Weights type, long batch) {
    return new OpenVinoIr(type, batch);
  }

  /** Another version of the IR than 11. */
  public OpenVinoIr irVersion(int other) {
    version = other;
    return this;
  }

  /** Another set of operators of its last layer than the first. */
  public OpenVinoIr opset(int number) {
    opset = "opset" + number;
    return this;
  }

  /** Time on the device of each inference, which only the simulated OpenVINO heeds. */
  public OpenVinoIr delay(double ms) {
    delayMs = ms;
    return this;
  }

  /** What it gives for rows of inputs. */
  public static float[] apply(float[] input) {
    return dense(dense(input, 1, IN, HIDDEN, true), 2, HIDDEN, OUT, false);
  }

  private static float[] dense(float[] input, int layer, int in, int out, boolean relu) {
    int[] eighths = eighths(layer, in * out);
    int[] biases = eighths(10 + layer, out);
    int rows = input.length / in;
    float[] output = new float[rows * out];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < out; column++) {
        double sum = 0;
        for (int k = 0; k < in; k++) {
          sum += (double) input[row * in + k] * (double) (eighths[column * in + k] / 8f);
        }
        float value = (float) sum + biases[column] / 8f;
        output[row * out + column] = relu ? Math.max(value, 0) : value;
      }
    }
    return output;
  }

  private static int[] eighths(int seed, int count) {
    return new Random(seed).ints(count, -8, 9).toArray();
  }

  /** Writes {@code model.xml} and {@code model.bin} into a folder, which is made if need be. */
  public List<Path> write(Path folder) {
    try {
      Path xml = Files.createDirectories(folder).resolve("model.xml");
      Path bin = folder.resolve("model.bin");
      Files.write(xml, xml().getBytes(StandardCharsets.US_ASCII));
      Files.write(bin, weights.toByteArray());
      return List.of(xml, bin);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String xml() {
    layers.setLength(0);
    edges.setLength(0);
    weights.reset();
    next = 0;
    String rows = batch < 0 ? "?" : Long.toString(batch);
    int x =
        layer(
            "x",
            "Parameter",
            "opset1",
            "shape=\"" + rows + "," + IN + "\" element_type=\"f32\"",
            " names=\"x\"");
    int hidden = relu(dense(x, "hidden", 1, IN, HIDDEN, "opset1", ""));
    int y = dense(hidden, "classes", 2, HIDDEN, OUT, opset, " names=\"y\"");
    int result = layer("y/result", "Result", "opset1", "", "");
    edge(y, result, 0);
    return "<?xml version=\"1.0\"?>\n<net name=\"perceptron\" version=\""
        + version
        + "\">\n<layers>\n"
        + layers
        + "</layers>\n<edges>\n"
        + edges
        + "</edges>\n<rt_info>\n<Runtime_version value=\"2022.3.0-tests\" />\n<shoji_delay_ms value=\""
        + delayMs
        + "\" />\n</rt_info>\n</net>\n";
  }

  private int relu(int from) {
    int id = layer("relu", "ReLU", "opset1", "", "");
    edge(from, id, 0);
    return id;
  }

  private int dense(
      int from, String name, int seed, int in, int out, String operators, String tensor) {
    int product =
        pair(
            from,
            matrix(name, eighths(seed, in * out), out + "," + in),
            name + "/product",
            "MatMul",
            operators,
            "transpose_a=\"false\" transpose_b=\"true\"",
            "");
    int bias = constant(name + "/bias", "f32", "1," + out, floats(eighths(10 + seed, out)));
    return pair(product, bias, name, "Add", "opset1", "auto_broadcast=\"numpy\"", tensor);
  }

  private int matrix(String name, int[] eighths, String shape) {
    if (type == Weights.F32) {
      return constant(name + "/weights", "f32", shape, floats(eighths));
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(eighths.length * (type == Weights.F16 ? Short.BYTES : 1))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int value : eighths) {
      if (type == Weights.F16) {
        bytes.putShort(Float16.fromFloat(value / 8f));
      } else {
        bytes.put((byte) value);
      }
    }
    int packed =
        constant(name + "/weights", type == Weights.F16 ? "f16" : "i8", shape, bytes.array());
    int wide = layer(name + "/converted", "Convert", "opset1", "destination_type=\"f32\"", "");
    edge(packed, wide, 0);
    if (type == Weights.F16) {
      return wide;
    }
    int scale = constant(name + "/scale", "f32", "", floats(new int[] {1}));
    return pair(
        wide, scale, name + "/scaled", "Multiply", "opset1", "auto_broadcast=\"numpy\"", "");
  }

  private static byte[] floats(int[] eighths) {
    ByteBuffer bytes =
        ByteBuffer.allocate(eighths.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : eighths) {
      bytes.putFloat(value / 8f);
    }
    return bytes.array();
  }

  private int constant(String name, String element, String shape, byte[] content) {
    int offset = weights.size();
    weights.writeBytes(content);
    return layer(
        name,
        "Const",
        "opset1",
        "element_type=\""
            + element
            + "\" shape=\""
            + shape
            + "\" offset=\""
            + offset
            + "\" size=\""
            + content.length
            + "\"",
        "");
  }

  private int pair(
      int left, int right, String name, String kind, String operators, String data, String tensor) {
    int id = layer(name, kind, operators, data, tensor);
    edge(left, id, 0);
    edge(right, id, 1);
    return id;
  }

  private int layer(String name, String kind, String operators, String data, String tensor) {
    int id = next++;
    layers
        .append("<layer id=\"")
        .append(id)
        .append("\" name=\"")
        .append(name)
        .append("\" type=\"")
        .append(kind)
        .append("\" version=\"")
        .append(operators)
        .append("\">\n");
    if (!data.isEmpty()) {
      layers.append("<data ").append(data).append(" />\n");
    }
    if (!kind.equals("Result")) {
      layers.append("<output><port id=\"2\"").append(tensor).append(" /></output>\n");
    }
    layers.append("</layer>\n");
    return id;
  }

  private void edge(int from, int to, int port) {
    edges
        .append("<edge from-layer=\"")
        .append(from)
        .append("\" from-port=\"2\" to-layer=\"")
        .append(to)
        .append("\" to-port=\"")
        .append(port)
        .append("\" />\n");
  }
}
