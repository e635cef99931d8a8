/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Writes PNG files of every kind byte by byte, also ones that no encoder would write. */
final class TestPng {
  static final int GRAY = 0;
  static final int RGB = 2;
  static final int INDEXED = 3;
  static final int GRAY_ALPHA = 4;
  static final int RGBA = 6;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  TestPng(int width, int height, int bits, int kind) {
    out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
    chunk(
        "IHDR",
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put((byte) bits)
            .put((byte) kind)
            .array());
  }

  TestPng chunk(String name, byte... body) {
    byte[] type = name.getBytes(StandardCharsets.ISO_8859_1);
    CRC32 crc = new CRC32();
    crc.update(type);
    crc.update(body);
    out.writeBytes(ByteBuffer.allocate(4).putInt(body.length).array());
    out.writeBytes(type);
    out.writeBytes(body);
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    return this;
  }

  byte[] end() {
    return chunk("IEND").out.toByteArray();
  }

  static int channels(int kind) {
    return switch (kind) {
      case RGB -> 3;
      case GRAY_ALPHA -> 2;
      case RGBA -> 4;
      default -> 1;
    };
  }

  /** A data chunk of unfiltered rows. */
  TestPng data(int width, int height, int bits, int kind, int... samples) {
    int perRow = width * channels(kind);
    ByteArrayOutputStream rows = new ByteArrayOutputStream();
    for (int y = 0; y < height; y++) {
      rows.write(0);
      int held = 0;
      int count = 0;
      for (int i = 0; i < perRow; i++) {
        int sample = samples[y * perRow + i];
        if (bits == 16) {
          rows.write(sample >> 8);
          rows.write(sample);
          continue;
        }
        held = held << bits | sample;
        count += bits;
        if (count == 8) {
          rows.write(held);
          held = 0;
          count = 0;
        }
      }
      if (count > 0) {
        rows.write(held << (8 - count));
      }
    }
    return chunk("IDAT", deflated(rows.toByteArray()));
  }

  static byte[] deflated(byte[] raw) {
    Deflater deflater = new Deflater();
    deflater.setInput(raw);
    deflater.finish();
    byte[] buffer = new byte[raw.length + 100];
    int length = deflater.deflate(buffer);
    deflater.end();
    return Arrays.copyOf(buffer, length);
  }

  static byte[] file(int width, int height, int bits, int kind, int... samples) {
    return new TestPng(width, height, bits, kind).data(width, height, bits, kind, samples).end();
  }
}
