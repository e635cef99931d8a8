/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.inference.Provenance;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * One sample of a request, copied: what it gave, what it got, when, and from which generation.
 *
 * @param timeMs when it was answered, milliseconds since 1970
 * @param generation what answered, as {@code digits 1.0.0 onnx-int8 cpu:cpu0 ...}
 * @param tensors {@code input.NAME} and {@code answer.NAME}, with a batch of one
 */
record FieldSample(long timeMs, String generation, List<Part> tensors) {
  private static final int FORMAT = 1;
  private static final int MOST_PARTS = 256;

  /** A tensor of it. Owned by the sample. */
  static final class Part {
    final String name;
    final ElementType type;
    final List<Long> shape;
    final byte[] data;

    Part(String name, ElementType type, List<Long> shape, byte[] data) {
      this.name = name;
      this.type = type;
      this.shape = List.copyOf(shape);
      this.data = data;
    }

    @Override
    public String toString() {
      return name + ":" + type + shape;
    }
  }

  /** Bytes that a copy would take, about. */
  static long bytes(List<Tensor> inputs, List<Tensor> outputs, int batch) {
    long bytes = 0;
    for (List<Tensor> tensors : List.of(inputs, outputs)) {
      for (Tensor each : tensors) {
        boolean divided = each.shape().rank() > 0 && each.shape().dim(0) == batch;
        bytes += divided ? each.byteSize() / batch : each.byteSize();
      }
    }
    return bytes;
  }

  /** Copies one sample of a batch. */
  static FieldSample copy(
      Generation generation,
      List<Tensor> inputs,
      List<Tensor> outputs,
      int batch,
      int item,
      long timeMs) {
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      parts.add(part("input.", generation.inputs.get(i), inputs.get(i), batch, item));
    }
    for (int i = 0; i < outputs.size(); i++) {
      parts.add(part("answer.", generation.outputs.get(i), outputs.get(i), batch, item));
    }
    Provenance by = generation.provenance;
    return new FieldSample(
        timeMs,
        String.join(
            " ",
            by.model(),
            by.modelVersion(),
            by.variant(),
            generation.device.label,
            by.driver(),
            by.driverVersion(),
            by.runtime(),
            by.runtimeVersion(),
            by.runtimeBuildId()),
        parts);
  }

  private static Part part(String side, TensorSpec spec, Tensor tensor, int batch, int item) {
    Shape shape = tensor.shape();
    List<Long> dims = new ArrayList<>(Arrays.stream(shape.dims()).boxed().toList());
    int begin = 0;
    int bytes = tensor.byteSize();
    if (shape.rank() > 0 && shape.dim(0) == batch) {
      bytes /= batch;
      begin = item * bytes;
      dims.set(0, 1L);
    }
    byte[] data = new byte[bytes];
    tensor.data().get(begin, data);
    return new Part(side + spec.name(), tensor.type(), dims, data);
  }

  /** What tells samples apart that do not fit into one file of tensors: 16 hexadecimal digits. */
  String signature() {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(tensors.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** The sample as bytes. */
  byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(FORMAT);
      out.writeLong(timeMs);
      out.writeUTF(generation);
      out.writeInt(tensors.size());
      for (Part part : tensors) {
        out.writeUTF(part.name);
        out.writeUTF(part.type.name());
        out.writeInt(part.shape.size());
        for (long dim : part.shape) {
          out.writeLong(dim);
        }
        out.writeInt(part.data.length);
        out.write(part.data);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory cannot fail", e);
    }
    return bytes.toByteArray();
  }

  /**
   * A sample from its bytes.
   *
   * @throws IOException if they are none
   */
  static FieldSample of(byte[] bytes) throws IOException {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int format = in.readByte();
      if (format != FORMAT) {
        throw new IOException("a sample of another format asked=" + FORMAT + " found=" + format);
      }
      long timeMs = in.readLong();
      String generation = in.readUTF();
      int count = bounded(in.readInt(), MOST_PARTS);
      List<Part> parts = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        String name = in.readUTF();
        ElementType type = ElementType.valueOf(in.readUTF());
        List<Long> shape = new ArrayList<>();
        int rank = bounded(in.readInt(), 16);
        for (int axis = 0; axis < rank; axis++) {
          shape.add(in.readLong());
        }
        byte[] data = new byte[bounded(in.readInt(), in.available())];
        in.readFully(data);
        parts.add(new Part(name, type, shape, data));
      }
      return new FieldSample(timeMs, generation, parts);
    } catch (IllegalArgumentException e) {
      throw new IOException("a sample of an unknown type", e);
    }
  }

  private static int bounded(int value, int most) throws IOException {
    if (value < 0 || value > most) {
      throw new IOException("a sample is damaged found=" + value + " most=" + most);
    }
    return value;
  }
}
