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

import java.util.OptionalDouble;

/**
 * A decoded picture, read row by row as real numbers from 0 to 255. Samples lie in an array of
 * bytes or of 16-bit values, addressed by strides, so that a turned picture needs no copy.
 */
final class Picture {
  /** Channels of a result, in order. */
  enum Color {
    /** Brightness. */
    GRAY("gray", 1),
    /** Red, green, blue. */
    RGB("rgb", 3),
    /** Blue, green, red. */
    BGR("bgr", 3);

    private final String text;
    private final int channels;

    Color(String text, int channels) {
      this.text = text;
      this.channels = channels;
    }

    int channels() {
      return channels;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /**
   * Where the samples of a pixel lie.
   *
   * @param pixelStride samples from a pixel to the one on its right
   * @param rowStride samples from a pixel to the one below it
   * @param red offset of red in a pixel, or of gray
   * @param green offset of green in a pixel, or of gray
   * @param blue offset of blue in a pixel, or of gray
   * @param alpha offset of alpha in a pixel, or -1
   */
  record Samples(int pixelStride, int rowStride, int red, int green, int blue, int alpha) {
    boolean isGray() {
      return red == green && green == blue;
    }
  }

  private byte[] bytes = new byte[0];
  private short[] shorts = new short[0];
  private boolean deep;
  private Samples samples = new Samples(1, 0, 0, 0, 0, -1);
  private int width;
  private int height;
  private int first;
  private int stepX;
  private int stepY;
  private long clearKey = -1;

  /** Takes 8-bit samples; the array is kept until the next call. */
  void set(byte[] data, int newWidth, int newHeight, Samples layout) {
    bytes = data;
    deep = false;
    place(newWidth, newHeight, layout);
  }

  /** Takes 16-bit samples, unsigned; the array is kept until the next call. */
  void set(short[] data, int newWidth, int newHeight, Samples layout) {
    shorts = data;
    deep = true;
    place(newWidth, newHeight, layout);
  }

  private void place(int newWidth, int newHeight, Samples layout) {
    samples = layout;
    width = newWidth;
    height = newHeight;
    first = 0;
    stepX = layout.pixelStride();
    stepY = layout.rowStride();
    clearKey = -1;
  }

  /** Lets go of the samples. */
  void clear() {
    bytes = new byte[0];
    shorts = new short[0];
    width = 0;
    height = 0;
  }

  /**
   * Makes one colour fully transparent (PNG specification, 11.3.2.1).
   *
   * @param red sample value at the stored depth, or gray
   */
  void setTransparent(int red, int green, int blue) {
    clearKey = key(red, green, blue);
  }

  /**
   * Turns the picture upright.
   *
   * @param orientation value of the EXIF tag 0x0112 (EXIF 2.32, 4.6.4): 1 to 8
   */
  void orient(int orientation) {
    int right = (width - 1) * stepX;
    int bottom = (height - 1) * stepY;
    int x = stepX;
    int y = stepY;
    switch (orientation) {
      case 2 -> turn(right, -x, y);
      case 3 -> turn(right + bottom, -x, -y);
      case 4 -> turn(bottom, x, -y);
      case 5 -> swap(0, y, x);
      case 6 -> swap(bottom, -y, x);
      case 7 -> swap(right + bottom, -y, -x);
      case 8 -> swap(right, y, -x);
      default -> turn(0, x, y);
    }
  }

  private void turn(int newFirst, int newStepX, int newStepY) {
    first = newFirst;
    stepX = newStepX;
    stepY = newStepY;
  }

  private void swap(int newFirst, int newStepX, int newStepY) {
    turn(newFirst, newStepX, newStepY);
    int w = width;
    width = height;
    height = w;
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /**
   * Reads one row.
   *
   * @param color channels to make
   * @param background what transparent pixels show; empty to ignore transparency
   * @param into receives {@code width * channels} values, the channels of a pixel together
   */
  void row(int y, Color color, OptionalDouble background, float[] into) {
    boolean blend = background.isPresent() && (samples.alpha() >= 0 || clearKey >= 0);
    float under = blend ? (float) background.getAsDouble() : 0;
    boolean grayIn = samples.isGray();
    boolean plain = !deep && !blend;
    int at = first + y * stepY;
    if (color == Color.GRAY) {
      if (plain && grayIn) {
        for (int x = 0; x < width; x++, at += stepX) {
          into[x] = bytes[at + samples.red()] & 0xff;
        }
      } else {
        for (int x = 0; x < width; x++, at += stepX) {
          float opacity = blend ? opacity(at) : 1;
          float gray =
              grayIn
                  ? value(at + samples.red())
                  : 0.299f * value(at + samples.red())
                      + 0.587f * value(at + samples.green())
                      + 0.114f * value(at + samples.blue());
          into[x] = blend ? over(gray, opacity, under) : gray;
        }
      }
      return;
    }
    int firstBand = color == Color.RGB ? samples.red() : samples.blue();
    int lastBand = color == Color.RGB ? samples.blue() : samples.red();
    int green = samples.green();
    int out = 0;
    if (plain) {
      for (int x = 0; x < width; x++, at += stepX, out += 3) {
        into[out] = bytes[at + firstBand] & 0xff;
        into[out + 1] = bytes[at + green] & 0xff;
        into[out + 2] = bytes[at + lastBand] & 0xff;
      }
    } else {
      for (int x = 0; x < width; x++, at += stepX, out += 3) {
        float opacity = blend ? opacity(at) : 1;
        into[out] = over(value(at + firstBand), opacity, under);
        into[out + 1] = over(value(at + green), opacity, under);
        into[out + 2] = over(value(at + lastBand), opacity, under);
      }
    }
  }

  private static float over(float value, float opacity, float under) {
    return opacity == 1 ? value : opacity * value + (1 - opacity) * under;
  }

  private float opacity(int at) {
    if (samples.alpha() >= 0) {
      return value(at + samples.alpha()) / 255;
    }
    long pixel = key(raw(at + samples.red()), raw(at + samples.green()), raw(at + samples.blue()));
    return pixel == clearKey ? 0 : 1;
  }

  private float value(int at) {
    // 65535 / 255 = 257.
    return deep ? (shorts[at] & 0xffff) / 257f : bytes[at] & 0xff;
  }

  private int raw(int at) {
    return deep ? shorts[at] & 0xffff : bytes[at] & 0xff;
  }

  private static long key(int red, int green, int blue) {
    return ((long) red << 32) | ((long) green << 16) | blue;
  }
}
