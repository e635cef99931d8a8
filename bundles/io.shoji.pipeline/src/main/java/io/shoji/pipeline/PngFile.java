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

import io.shoji.inference.InferenceException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The structure of a PNG file (W3C, Portable Network Graphics, second edition), checked before
 * anything is decoded: every chunk lies within the file, every chunk that matters has its checksum,
 * the end is there. What does not change the picture's samples is left out of {@link #essential},
 * so that no decoder has to be trusted with it.
 */
final class PngFile {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final int HEADER = 8;
  private static final int FRAME = 12;

  private final byte[] essential;
  private final int width;
  private final int height;
  private final int bits;
  private final int kind;
  private final byte @Nullable [] palette;
  private final byte @Nullable [] transparency;

  private PngFile(
      byte[] essential,
      ByteBuffer header,
      byte @Nullable [] palette,
      byte @Nullable [] transparency)
      throws InferenceException {
    this.essential = essential;
    this.width = header.getInt();
    this.height = header.getInt();
    this.bits = header.get() & 0xff;
    this.kind = header.get() & 0xff;
    this.palette = palette;
    this.transparency = transparency;
    if (width <= 0 || height <= 0) {
      throw damaged("it has no pixels width=" + width + " height=" + height);
    }
    boolean known =
        switch (kind) {
          case 0 -> bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
          case 3 -> bits == 1 || bits == 2 || bits == 4 || bits == 8;
          case 2, 4, 6 -> bits == 8 || bits == 16;
          default -> false;
        };
    if (!known) {
      throw damaged("no such combination bitDepth=" + bits + " colourType=" + kind);
    }
    if (kind == 3 && palette == null) {
      throw damaged("it has no palette");
    }
    int expected = kind == 0 ? 2 : 6;
    if (transparency != null && (kind == 0 || kind == 2) && transparency.length != expected) {
      throw damaged("chunk of wrong size chunk=tRNS bytes=" + transparency.length);
    }
  }

  /** Whether the file begins as a PNG. */
  static boolean is(byte[] file) {
    return file.length >= SIGNATURE.length
        && Arrays.equals(file, 0, SIGNATURE.length, SIGNATURE, 0, SIGNATURE.length);
  }

  /**
   * Reads the structure.
   *
   * @throws InferenceException INVALID_INPUT if it is cut off or damaged
   */
  static PngFile parse(byte[] file) throws InferenceException {
    ByteBuffer in = ByteBuffer.wrap(file);
    ByteBuffer out = ByteBuffer.allocate(file.length);
    out.put(file, 0, SIGNATURE.length);
    int at = SIGNATURE.length;
    byte[] header = null;
    byte[] palette = null;
    byte[] transparency = null;
    boolean data = false;
    while (true) {
      if (file.length - at < FRAME) {
        throw damaged("cut off before its end bytes=" + file.length);
      }
      int length = in.getInt(at);
      String name = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
      if (length < 0 || length > file.length - at - FRAME) {
        throw damaged("cut off within a chunk chunk=" + name + " at=" + at);
      }
      boolean critical = Character.isUpperCase(name.charAt(0));
      if (critical || name.equals("tRNS")) {
        check(file, in, at, length, name);
      }
      byte[] body =
          switch (name) {
            case "IHDR", "PLTE", "tRNS" ->
                Arrays.copyOfRange(file, at + HEADER, at + HEADER + length);
            default -> null;
          };
      if ((header == null) != name.equals("IHDR")) {
        throw damaged("chunk out of place chunk=" + name + " at=" + at);
      }
      switch (name) {
        case "IHDR" -> header = body;
        case "PLTE" -> palette = body;
        case "tRNS" -> transparency = body;
        case "IDAT" -> data = true;
        case "IEND" -> {}
        default -> {
          if (critical) {
            throw damaged("unknown critical chunk chunk=" + name);
          }
        }
      }
      if (critical) {
        out.put(file, at, length + FRAME);
      }
      at += length + FRAME;
      if (name.equals("IEND")) {
        break;
      }
    }
    if (header == null || header.length != 13 || !data) {
      throw damaged("it has no header or no data");
    }
    if (palette != null
        && (palette.length == 0 || palette.length % 3 != 0 || palette.length > 768)) {
      throw damaged("chunk of wrong size chunk=PLTE bytes=" + palette.length);
    }
    byte[] essential = Arrays.copyOf(out.array(), out.position());
    return new PngFile(essential, ByteBuffer.wrap(header), palette, transparency);
  }

  private static void check(byte[] file, ByteBuffer in, int at, int length, String name)
      throws InferenceException {
    CRC32 crc = new CRC32();
    crc.update(file, at + 4, length + 4);
    if ((int) crc.getValue() != in.getInt(at + HEADER + length)) {
      throw damaged("wrong checksum chunk=" + name + " at=" + at);
    }
  }

  private static InferenceException damaged(String reason) {
    return Samples.undecodable("damaged PNG, " + reason);
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /** Bits per sample, or per index of a palette. */
  int bits() {
    return bits;
  }

  /** Whether pixels are indices of {@link #palette}. */
  boolean isIndexed() {
    return kind == 3;
  }

  /** The same picture without what does not change its samples. */
  byte[] essential() {
    return essential;
  }

  /**
   * The palette as red, green, blue, alpha for each index.
   *
   * @throws IllegalStateException if the picture has none
   */
  byte[] palette() {
    byte[] colours = palette;
    if (colours == null) {
      throw new IllegalStateException("no palette");
    }
    byte[] alphas = transparency;
    int count = colours.length / 3;
    byte[] all = new byte[count * 4];
    for (int i = 0; i < count; i++) {
      all[4 * i] = colours[3 * i];
      all[4 * i + 1] = colours[3 * i + 1];
      all[4 * i + 2] = colours[3 * i + 2];
      all[4 * i + 3] = alphas == null || i >= alphas.length ? (byte) 0xff : alphas[i];
    }
    return all;
  }

  /** Red, green and blue of the one colour that is transparent, at the file's depth, or null. */
  int @Nullable [] transparentColour() {
    byte[] key = transparency;
    if (key == null || (kind != 0 && kind != 2)) {
      return null;
    }
    int[] colour = new int[3];
    for (int i = 0; i < 3; i++) {
      int at = kind == 0 ? 0 : 2 * i;
      colour[i] = ((key[at] & 0xff) << 8) | (key[at + 1] & 0xff);
    }
    return colour;
  }
}
