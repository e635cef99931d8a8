/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.cli.CommandException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What the Edge TPU compiler wrote into the options of its operator: packages of the form "DarwiNN"
 * (executable/executable.fbs of libedgetpu), FlatBuffers with the identifier DWN1 whose first field
 * is the oldest runtime that runs them.
 *
 * @param packages how many there are
 * @param minRuntimeVersion the highest that one of them asks for
 */
record EdgeTpuFacts(int packages, int minRuntimeVersion) {
  /** Name of the operator. */
  static final String OPERATOR = "edgetpu-custom-op";

  /** What libedgetpu of 2024 says of itself, and the oldest that it takes. */
  static final int NEWEST_KNOWN = 14;

  static final int OLDEST = 10;

  private static final int IDENTIFIER = 0x314e5744;
  private static final int SMALLEST = 16;

  /**
   * Finds them.
   *
   * @param content the whole file
   * @param file what to name in messages
   */
  static EdgeTpuFacts of(byte[] content, Object file) throws CommandException {
    ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    List<Integer> versions = new ArrayList<>();
    for (int at = 4; at + SMALLEST <= content.length; at++) {
      if (bytes.getInt(at) == IDENTIFIER) {
        int version = minRuntimeVersion(bytes, at - 4);
        if (version > 0) {
          versions.add(version);
        }
      }
    }
    int most = versions.stream().max(Integer::compare).orElse(0);
    if (most < OLDEST) {
      throw Refusal.of(
          "BAD_MODEL",
          "the Edge TPU's operator holds no program that a runtime takes: compile the model anew"
              + " programs="
              + versions.size()
              + " minRuntimeVersion="
              + most
              + " oldest="
              + OLDEST
              + " file="
              + file);
    }
    return new EdgeTpuFacts(versions.size(), most);
  }

  /** The first field of the table that begins there, or 0 if nothing there is one. */
  private static int minRuntimeVersion(ByteBuffer bytes, int start) {
    long table = start + (bytes.getInt(start) & 0xffffffffL);
    if (table + 4 > bytes.limit()) {
      return 0;
    }
    long vtable = table - bytes.getInt((int) table);
    if (vtable < start || vtable + 6 > bytes.limit() || bytes.getShort((int) vtable) < 6) {
      return 0;
    }
    int offset = bytes.getShort((int) vtable + 4) & 0xffff;
    return offset == 0 || table + offset + 4 > bytes.limit()
        ? 0
        : bytes.getInt((int) table + offset);
  }
}
