/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.nio.ByteBuffer;

/**
 * What the Edge TPU compiler wrote into the options of its operator, as far as it matters before it
 * runs: packages of the form DWN1 ({@code executable/executable.fbs} of libedgetpu), FlatBuffers
 * whose first field is the oldest runtime that takes them. They lie in a FlexBuffers map; they are
 * found by their identifier.
 */
final class EdgeTpuProgram {
  /** The oldest runtime version that there are packages for. */
  static final int OLDEST = 10;

  /** More is no version, but something else that looks like a package. */
  private static final int NEWEST = 10_000;

  /** {@code DWN1}, which stands at offset 4 of a package. */
  private static final int IDENTIFIER = 0x314e5744;

  private static final int SMALLEST = 16;

  private EdgeTpuProgram() {}

  /**
   * The highest runtime version that one of the packages asks for; 0 if there is none.
   *
   * @param file in little-endian order
   * @param start where the options begin
   * @param length how long they are; they lie inside the file
   */
  static int minRuntimeVersion(ByteBuffer file, int start, int length) {
    int most = 0;
    int end = start + length;
    for (int at = start + 4; at + SMALLEST - 4 <= end; at++) {
      if (file.getInt(at) == IDENTIFIER) {
        int version = firstField(file, at - 4, end);
        most = version >= OLDEST && version <= NEWEST ? Math.max(most, version) : most;
      }
    }
    return most;
  }

  /** The first field of the root table of a FlatBuffers that begins at {@code start}, or 0. */
  private static int firstField(ByteBuffer file, int start, int end) {
    long table = start + Integer.toUnsignedLong(file.getInt(start));
    if (table + 4 > end) {
      return 0;
    }
    long vtable = table - file.getInt((int) table);
    if (vtable < start || vtable + 6 > end || file.getShort((int) vtable) < 6) {
      return 0;
    }
    int offset = file.getShort((int) vtable + 4) & 0xffff;
    return offset == 0 || table + offset + 4 > end ? 0 : file.getInt((int) table + offset);
  }
}
