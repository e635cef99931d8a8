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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Boxes that non-maximum suppression left, brought from HailoRT's two layouts into one of fixed
 * shape: a row of six numbers for each box, {@code yMin, xMin, yMax, xMax, score, class}; rows
 * without a box are 0 with class -1.
 *
 * <p>By class: for each class a float32 count, then so many boxes of 20 bytes. By score: a uint16
 * count, then so many detections of 22 bytes.
 *
 * @param classes number of classes
 * @param most boxes per class, or in all if {@code byScore}
 */
record Detections(boolean byScore, int classes, int most) {
  /** Numbers of a row. */
  static final int COLUMNS = 6;

  private static final int BOX = 20;
  private static final int DETECTION = 22;

  /** Boxes at most. */
  int rows() {
    return byScore ? most : classes * most;
  }

  /** Bytes of a frame as HailoRT gives it. */
  long frameBytes() {
    return byScore
        ? Short.BYTES + (long) most * DETECTION
        : (long) classes * (Float.BYTES + (long) most * BOX);
  }

  /**
   * Brings one frame over.
   *
   * @param from at its beginning
   * @param to {@link #rows} times {@link #COLUMNS} float32, at its beginning
   * @return whether it made sense; {@code to} is undefined if not
   */
  boolean convert(ByteBuffer from, ByteBuffer to) {
    ByteBuffer in = from.slice().order(ByteOrder.nativeOrder());
    ByteBuffer out = to.slice().order(ByteOrder.nativeOrder());
    int row = 0;
    if (byScore) {
      int count = Short.toUnsignedInt(in.getShort(0));
      if (count > most) {
        return false;
      }
      for (; row < count; row++) {
        int at = Short.BYTES + row * DETECTION;
        int type = Short.toUnsignedInt(in.getShort(at + BOX));
        if (type >= classes) {
          return false;
        }
        row(in, at, out, row, type);
      }
    } else {
      int at = 0;
      for (int type = 0; type < classes; type++) {
        float count = in.getFloat(at);
        at += Float.BYTES;
        if (!(count >= 0 && count <= most)) {
          return false;
        }
        for (int i = 0; i < (int) count; i++, at += BOX, row++) {
          row(in, at, out, row, type);
        }
      }
    }
    for (; row < rows(); row++) {
      for (int column = 0; column < COLUMNS - 1; column++) {
        out.putFloat((row * COLUMNS + column) * Float.BYTES, 0);
      }
      out.putFloat((row * COLUMNS + COLUMNS - 1) * Float.BYTES, -1);
    }
    return true;
  }

  private static void row(ByteBuffer in, int at, ByteBuffer out, int row, int type) {
    for (int column = 0; column < COLUMNS - 1; column++) {
      out.putFloat((row * COLUMNS + column) * Float.BYTES, in.getFloat(at + column * Float.BYTES));
    }
    out.putFloat((row * COLUMNS + COLUMNS - 1) * Float.BYTES, type);
  }
}
