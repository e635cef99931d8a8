/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

/**
 * What a HEF says of itself before its message: that it is one, that it is whole, and for which
 * chip it was compiled. The container and the numbers are those of HailoRT 4.23 (hef_internal.hpp,
 * hef.proto): a header in network byte order, the protobuf message, the data for the chip.
 *
 * @param chip {@code ProtoHEFHwArch}
 */
record HefHeader(int chip) {
  private static final int MAGIC = 0x01484546;
  private static final int[] HEADER_BYTES = {32, 28, 44, 56};
  private static final int HAILO8 = 0;
  private static final int HAILO8P = 1;
  private static final int HAILO8R = 2;
  private static final int HAILO8L = 3;

  /**
   * Reads and checks a file: magic, version, lengths, and of version 1 the CRC-32; the checksums of
   * the other versions are left to the library.
   *
   * @throws AcceleratorException INVALID_MODEL or UNSUPPORTED
   */
  static HefHeader read(ByteBuffer file, String artifact) throws AcceleratorException {
    ByteBuffer bytes = file.duplicate().order(ByteOrder.BIG_ENDIAN);
    int size = bytes.capacity();
    if (size < 4 || bytes.getInt(0) != MAGIC) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "no HEF: the file does not begin as one does; compile the model with Hailo's compiler bytes="
              + size
              + " "
              + artifact);
    }
    if (size < 12) {
      throw cutOff(12, size, artifact);
    }
    int version = bytes.getInt(4);
    if (version < 0 || version >= HEADER_BYTES.length) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "a HEF of a version that this driver does not know asked=0 to 3 found="
              + Integer.toUnsignedString(version)
              + " "
              + artifact);
    }
    int header = HEADER_BYTES[version];
    if (size < header) {
      throw cutOff(header, size, artifact);
    }
    long message = Integer.toUnsignedLong(bytes.getInt(8));
    long rest =
        switch (version) {
          case 0 -> 0;
          case 1 -> bytes.getLong(16);
          case 2 -> bytes.getLong(20);
          default -> bytes.getLong(20) + bytes.getLong(32);
        };
    if (rest < 0 || message + rest != (long) size - header) {
      throw cutOff(header + message + rest, size, artifact);
    }
    if (version == 1) {
      CRC32 crc = new CRC32();
      crc.update(bytes.slice(header, size - header));
      if ((int) crc.getValue() != bytes.getInt(12)) {
        throw new AcceleratorException(
            Code.INVALID_MODEL,
            "the HEF is damaged: its content is not what it was, by its CRC-32; fetch or compile it"
                + " again "
                + artifact);
      }
    }
    return new HefHeader(chip(bytes.slice(header, (int) message), artifact));
  }

  private static AcceleratorException cutOff(long asked, long found, String artifact) {
    return new AcceleratorException(
        Code.INVALID_MODEL,
        "the HEF is not as long as it says, so that it was cut off; fetch or compile it again"
            + " askedBytes="
            + asked
            + " foundBytes="
            + found
            + " "
            + artifact);
  }

  /** Field 1 of the message is its header, field 1 of that is the chip; proto3 leaves a 0 out. */
  private static int chip(ByteBuffer message, String artifact) throws AcceleratorException {
    try {
      while (message.hasRemaining()) {
        long tag = varint(message);
        if (tag == 0x0a) {
          int length = (int) varint(message);
          ByteBuffer header = message.slice(message.position(), length);
          int chip = HAILO8;
          while (header.hasRemaining()) {
            long inner = varint(header);
            if (inner == 0x08) {
              chip = (int) varint(header);
            } else {
              skip(header, inner);
            }
          }
          return chip;
        }
        skip(message, tag);
      }
    } catch (RuntimeException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the HEF is damaged: its message cannot be read; fetch or compile it again " + artifact,
          e);
    }
    throw new AcceleratorException(
        Code.INVALID_MODEL,
        "the HEF is damaged: its message has no header; fetch or compile it again " + artifact);
  }

  private static long varint(ByteBuffer from) {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte next = from.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a number does not end");
  }

  private static void skip(ByteBuffer from, long tag) {
    switch ((int) (tag & 7)) {
      case 0 -> varint(from);
      case 1 -> from.position(from.position() + Long.BYTES);
      case 2 -> {
        int length = Math.toIntExact(varint(from));
        from.position(from.position() + length);
      }
      case 5 -> from.position(from.position() + Integer.BYTES);
      default -> throw new IllegalArgumentException("a field of an unknown kind tag=" + tag);
    }
  }

  /** As the vendor calls the chip. */
  String title() {
    return switch (chip) {
      case HAILO8 -> "HAILO8";
      case HAILO8P -> "HAILO8P";
      case HAILO8R -> "HAILO8R";
      case HAILO8L -> "HAILO8L";
      case 4 -> "HAILO15M";
      case 6 -> "HAILO15L";
      case 103 -> "HAILO10H or HAILO15H";
      default -> "chip " + chip;
    };
  }

  /**
   * Refuses what was compiled for another chip. A Hailo-8 runs what was compiled for a Hailo-8L,
   * not the other way round.
   *
   * @param device {@code HAILO8} or {@code HAILO8L}
   * @throws AcceleratorException UNSUPPORTED
   */
  void requireRunsOn(String device, String artifact) throws AcceleratorException {
    boolean runs =
        chip == HAILO8L
            || (device.equals("HAILO8") && (chip == HAILO8 || chip == HAILO8P || chip == HAILO8R));
    if (!runs) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the HEF was compiled for another chip; take the variant for this one, or compile it with"
              + " --hw-arch "
              + device.toLowerCase(java.util.Locale.ROOT)
              + " asked="
              + device
              + " found="
              + title()
              + " "
              + artifact);
    }
  }
}
