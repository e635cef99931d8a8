/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.formats;

import com.dynatrace.hash4j.hashing.Hashing;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.zip.CRC32;

/**
 * Writes files in the layout of HailoRT 4.23, with the numbers of its hef.proto, and no network for
 * a chip in them: Hailo's compiler is closed, so there is no other file that may lie here.
 */
public final class HefSample {
  /** Numbers of ProtoHEFHwArch. */
  public static final int HAILO8 = 0;

  /** The same for Hailo-8L. */
  public static final int HAILO8L = 3;

  private HefSample() {}

  /** Writes a file of one network with an image in and ten classes out. */
  public static Path write(Path file, int version, int architecture) throws IOException {
    return Files.write(file, container(version, message(architecture, "digits"), new byte[5_000]));
  }

  /** Fields of a message. */
  @FunctionalInterface
  interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  static byte[] fields(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static void nested(CodedOutputStream out, int number, Fields fields) throws IOException {
    out.writeByteArray(number, fields(fields));
  }

  static byte[] message(int architecture, String name) {
    return fields(
        out -> {
          nested(
              out,
              1,
              header -> {
                if (architecture != 0) {
                  // proto3 does not write zeros.
                  header.writeEnum(1, architecture);
                }
                header.writeUInt64(2, 1_700_000_000L);
                header.writeString(3, "3.33.0");
                header.writeUInt64(4, 4);
              });
          nested(
              out,
              2,
              group -> {
                nested(
                    group,
                    1,
                    metadata -> {
                      metadata.writeString(1, name);
                      metadata.writeDouble(4, 1_234.5);
                      metadata.writeUInt64(8, 2_400_000);
                    });
                nested(
                    group,
                    8,
                    operation -> {
                      operation.writeString(1, "core");
                      pad(operation, 2, 0, name + "/input_layer1", 1, 8, 8, 1);
                      pad(operation, 3, 1, name + "/fc1", 6, 1, 1, 10);
                      nested(operation, 4, core -> core.writeByteArray(3, new byte[700]));
                    });
                nested(
                    group,
                    8,
                    operation -> {
                      operation.writeString(1, "softmax");
                      pad(operation, 2, 2, name + "/softmax_in", 6, 1, 1, 10);
                      pad(operation, 3, 3, name + "/softmax1", 6, 1, 1, 10);
                    });
                nested(
                    group,
                    9,
                    edge -> {
                      edge.writeUInt32(1, 1);
                      edge.writeUInt32(2, 2);
                    });
              });
          nested(
              out,
              5,
              extension -> {
                extension.writeUInt32(1, 26);
                extension.writeString(2, "periph_calculation_in_hailort");
              });
        });
  }

  private static void pad(
      CodedOutputStream out,
      int number,
      int index,
      String name,
      int order,
      int height,
      int width,
      int features)
      throws IOException {
    nested(
        out,
        number,
        pad -> {
          if (index != 0) {
            pad.writeUInt32(1, index);
          }
          pad.writeString(2, name);
          pad.writeEnum(3, order);
          nested(
              pad,
              5,
              numeric -> {
                numeric.writeFloat(1, 14);
                numeric.writeFloat(2, 0.25f);
              });
          nested(
              pad,
              6,
              shape -> {
                shape.writeUInt32(1, height);
                shape.writeUInt32(3, width);
                shape.writeUInt32(5, features);
                shape.writeUInt32(6, 8);
              });
          pad.writeEnum(8, 1);
        });
  }

  /**
   * The file: header, message, data; version 4 stands for version 3 with the message's own hash.
   */
  static byte[] container(int version, byte[] message, byte[] data) {
    ByteBuffer rest = ByteBuffer.allocate(message.length + (version == 0 ? 0 : data.length));
    rest.put(message);
    if (version > 0) {
      rest.put(data);
    }
    byte[] content = rest.array();
    ByteBuffer header = ByteBuffer.allocate(new int[] {32, 28, 44, 56, 56}[version]);
    header.putInt(HefFile.MAGIC).putInt(Math.min(3, version)).putInt(message.length);
    switch (version) {
      case 0 -> header.putInt(0).put(md5(content));
      case 1 -> {
        CRC32 crc = new CRC32();
        crc.update(content);
        header.putInt((int) crc.getValue()).putLong(data.length).putInt(0);
      }
      case 2 -> header.putLong(xxh3(content)).putLong(data.length).putLong(0).putLong(0);
      default ->
          header
              .putLong(xxh3(content))
              .putLong(data.length)
              .putInt(0)
              .putLong(0)
              .putLong(version == 4 ? xxh3(message) : 0)
              .putLong(0);
    }
    return ByteBuffer.allocate(header.capacity() + content.length)
        .put(header.array())
        .put(content)
        .array();
  }

  private static long xxh3(byte[] content) {
    return Hashing.xxh3_64().hashBytesToLong(content);
  }

  private static byte[] md5(byte[] content) {
    try {
      return MessageDigest.getInstance("MD5").digest(content);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
