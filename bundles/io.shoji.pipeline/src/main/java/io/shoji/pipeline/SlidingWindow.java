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

import java.nio.FloatBuffer;
import java.util.List;

/**
 * The last values of several channels that run in step: a ring per channel, and how far it is to
 * the next window. Makes no garbage.
 */
final class SlidingWindow {
  private final int size;
  private final int hop;
  private final float[][] rings;
  private int end;
  private int missing;

  /**
   * @param size values per channel in a window
   * @param hop values between the starts of two windows
   */
  SlidingWindow(int channels, int size, int hop) {
    this.size = size;
    this.hop = hop;
    this.rings = new float[channels][size];
    this.missing = size;
  }

  /** Values per channel in a window. */
  int size() {
    return size;
  }

  /** Values per channel until the next window is full; 0 right after it filled. */
  int missing() {
    return missing;
  }

  /**
   * Takes values in, up to the next full window.
   *
   * @param channels one per ring; read at {@code position + from}, never moved
   * @param from first value of the piece to take
   * @param count at most {@link #missing}
   */
  void push(List<FloatBuffer> channels, int from, int count) {
    // Of more values than a window holds only the last ones can be seen again.
    int skipped = Math.max(0, count - size);
    int start = from + skipped;
    int length = count - skipped;
    int head = Math.min(length, size - end);
    for (int c = 0; c < rings.length; c++) {
      FloatBuffer values = channels.get(c);
      int at = values.position() + start;
      values.get(at, rings[c], end, head);
      values.get(at + head, rings[c], 0, length - head);
    }
    end = (end + length) % size;
    missing -= count;
  }

  /**
   * Copies the full window, oldest value first, and starts to wait for the next one.
   *
   * @param frame one array of at least {@code size} values per channel
   */
  void take(float[][] frame) {
    for (int c = 0; c < rings.length; c++) {
      System.arraycopy(rings[c], end, frame[c], 0, size - end);
      System.arraycopy(rings[c], 0, frame[c], size - end, end);
    }
    missing = hop;
  }

  /** Passes the full window over and starts to wait for the next one. */
  void skip() {
    missing = hop;
  }

  /** Forgets all values. */
  void clear() {
    end = 0;
    missing = size;
  }
}
