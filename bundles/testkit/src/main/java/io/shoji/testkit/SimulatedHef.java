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

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/**
 * Writes files that the simulated HailoRT runs: the vendor's container of version 1 and its message
 * with the chip, as the real ones have, and for the chip's program a small integer network in
 * words. The same network is computed here, so that a test knows what must come out.
 */
public final class SimulatedHef {
  /** Numbers of ProtoHEFHwArch. */
  public static final int HAILO8 = 0;

  /** The same for Hailo-8L. */
  public static final int HAILO8L = 3;

  /** The same for Hailo-15M, which this line of the runtime does not drive. */
  public static final int HAILO15M = 4;

  private static final int MAGIC = 0x01484546;
  private static final int HEADER_BYTES = 28;

  private final StringBuilder words = new StringBuilder("shoji-simulated-hef 1\n");

  /** A fully connected layer: {@code clamp((bias + sum(weight * input)) >> shift)}. */
  public static final class Dense {
    private final int in;
    private final int out;
    private final int shift;
    private final int[] weights;
    private final int[] biases;

    private Dense(int in, int out, int shift, int[] weights, int[] biases) {
      this.in = in;
      this.out = out;
      this.shift = shift;
      this.weights = weights;
      this.biases = biases;
    }

    /** One with these weights, row by row, and biases. */
    public static Dense of(int in, int out, int shift, int[] weights, int[] biases) {
      if (weights.length != in * out || biases.length != out) {
        throw new IllegalArgumentException(
            "a layer has a weight for each input of each output, and a bias for each output weights="
                + weights.length
                + " biases="
                + biases.length);
      }
      return new Dense(in, out, shift, weights.clone(), biases.clone());
    }

    /** One with random weights from -8 to 8 and biases from 0 to 200. */
    public static Dense random(int in, int out, int shift, long seed) {
      Random random = new Random(seed);
      int[] weights = random.ints((long) in * out, -8, 9).toArray();
      int[] biases = random.ints(out, 0, 200).toArray();
      return of(in, out, shift, weights, biases);
    }

    private int[] apply(int[] input) {
      int[] output = new int[out];
      for (int row = 0; row < out; row++) {
        long sum = biases[row];
        for (int column = 0; column < in; column++) {
          sum += (long) weights[row * in + column] * input[column];
        }
        output[row] = (int) Math.max(0, Math.min(255, sum >> shift));
      }
      return output;
    }

    /** Its numbers: inputs, outputs, shift, weights row by row, biases. */
    IntStream numbers() {
      return IntStream.concat(
          IntStream.of(in, out, shift),
          IntStream.concat(Arrays.stream(weights), Arrays.stream(biases)));
    }

    private void write(StringBuilder to) {
      to.append("layer ").append(in).append(' ').append(out).append(' ').append(shift).append('\n');
      for (int weight : weights) {
        to.append(weight).append(' ');
      }
      for (int bias : biases) {
        to.append(bias).append(' ');
      }
      to.append('\n');
    }
  }

  /** What a chain of layers gives for integers of zero point 0: UINT8, without a zero point. */
  public static int[] apply(List<Dense> layers, int[] input) {
    int[] values = input;
    for (Dense layer : layers) {
      values = layer.apply(values);
    }
    return values;
  }

  /** Begins a network group, with its first network. */
  public SimulatedHef group(String name) {
    words.append("group ").append(name).append('\n');
    return network(name + "/main");
  }

  /** Begins another network of the group. */
  public SimulatedHef network(String name) {
    words.append("network ").append(name).append('\n');
    return this;
  }

  /** Device time of each frame of the network, milliseconds. */
  public SimulatedHef time(double ms) {
    words.append("time ").append(ms).append('\n');
    return this;
  }

  /** An input of UINT8 in the order NHWC. */
  public SimulatedHef input(String name, int height, int width, int features, float scale) {
    return tensor("input", name, height, width, features, scale, "nhwc");
  }

  /** An output of UINT8 in the order NC, the last of a chain of layers over all inputs. */
  public SimulatedHef output(String name, int features, float scale, List<Dense> layers) {
    tensor("output", name, 1, 1, features, scale, "nc");
    layers.forEach(layer -> layer.write(words));
    return this;
  }

  /** Boxes: the last layer gives six numbers for each, corners, score and class. */
  public SimulatedHef boxes(
      String name, int classes, int most, boolean byScore, List<Dense> layers) {
    return nms(name, classes, most, byScore ? "by_score" : "by_class", layers);
  }

  /** Boxes that are described as ones with masks; the simulator gives none, but the format. */
  public SimulatedHef boxesWithMasks(String name, int classes, int most, List<Dense> layers) {
    return nms(name, classes, most, "with_masks", layers);
  }

  private SimulatedHef nms(String name, int classes, int most, String order, List<Dense> layers) {
    words
        .append("nms ")
        .append(name)
        .append(' ')
        .append(classes)
        .append(' ')
        .append(most)
        .append(' ')
        .append(order)
        .append('\n');
    layers.forEach(layer -> layer.write(words));
    return this;
  }

  private SimulatedHef tensor(
      String kind, String name, int height, int width, int features, float scale, String order) {
    words
        .append(kind)
        .append(' ')
        .append(name)
        .append(' ')
        .append(height)
        .append(' ')
        .append(width)
        .append(' ')
        .append(features)
        .append(" uint8 ")
        .append(scale)
        .append(" 0 ")
        .append(order)
        .append('\n');
    return this;
  }

  /**
   * The whole file.
   *
   * @param architecture {@link #HAILO8} or another of these
   */
  public byte[] bytes(int architecture) {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    if (architecture != 0) {
      // Field 1, a varint; proto3 does not write zeros.
      header.write(0x08);
      header.write(architecture);
    }
    // Field 3, text: the version of the compiler.
    byte[] compiler = "3.33.0".getBytes(StandardCharsets.US_ASCII);
    header.write(0x1a);
    header.write(compiler.length);
    header.writeBytes(compiler);
    byte[] data = (words + "end\n").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer rest = ByteBuffer.allocate(2 + header.size() + data.length);
    rest.put((byte) 0x0a).put((byte) header.size()).put(header.toByteArray());
    int message = rest.position();
    rest.put(data);
    CRC32 crc = new CRC32();
    crc.update(rest.array());
    return ByteBuffer.allocate(HEADER_BYTES + rest.capacity())
        .putInt(MAGIC)
        .putInt(1)
        .putInt(message)
        .putInt((int) crc.getValue())
        .putLong(data.length)
        .putInt(0)
        .put(rest.array())
        .array();
  }

  /** Two layers from 4 by 4 by 2 to ten classes. */
  public static List<Dense> classifier() {
    return List.of(Dense.random(32, 16, 5, 1), Dense.random(16, 10, 4, 2));
  }

  /** {@link #classifier} as a network of its own that takes so long on the device. */
  public static SimulatedHef classifier(double ms) {
    return new SimulatedHef()
        .group("digits")
        .time(ms)
        .input("digits/input", 4, 4, 2, 1 / 255f)
        .output("digits/classes", 10, 0.5f, classifier());
  }
}
