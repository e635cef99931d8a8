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

import java.util.Arrays;
import java.util.OptionalDouble;

/** Brings a picture to a fixed size. Makes no garbage while pictures are of one size. */
final class Resize {
  /** Which values of the picture make a value of the result. */
  enum Method {
    /** The four around the point, by distance. */
    BILINEAR("bilinear"),
    /** The one under the point. */
    NEAREST("nearest");

    private final String text;

    Method(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** How a picture of other proportions is put in. */
  enum Fit {
    /** Each axis by its own factor. */
    STRETCH("stretch"),
    /** The whole picture, the rest padded. */
    LETTERBOX("letterbox"),
    /** The whole result, the rest of the picture cut off. */
    CROP("crop");

    private final String text;

    Fit(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private final int width;
  private final int height;
  private final Method method;
  private final Fit fit;
  private final float pad;
  private final Axis across;
  private final Axis down;
  private float[] upperRow = new float[0];
  private float[] lowerRow = new float[0];

  Resize(int width, int height, Method method, Fit fit, float pad) {
    this.width = width;
    this.height = height;
    this.method = method;
    this.fit = fit;
    this.pad = pad;
    this.across = new Axis(width);
    this.down = new Axis(height);
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /**
   * Resizes.
   *
   * @param into receives {@code width * height * channels} values, the channels of a pixel together
   * @param geometry receives where the picture lies in the result
   */
  void apply(
      Picture picture,
      Picture.Color color,
      OptionalDouble background,
      float[] into,
      Geometry geometry) {
    place(picture, geometry);
    int channels = color.channels();
    int rowLength = picture.width() * channels;
    if (upperRow.length < rowLength) {
      upperRow = new float[rowLength];
      lowerRow = new float[rowLength];
    }
    int upperIs = -1;
    int lowerIs = -1;
    for (int y = 0; y < height; y++) {
      int out = y * width * channels;
      int upper = down.first[y];
      if (upper < 0) {
        Arrays.fill(into, out, out + width * channels, pad);
        continue;
      }
      int lower = down.second[y];
      if (upper == lowerIs) {
        float[] swapped = upperRow;
        upperRow = lowerRow;
        lowerRow = swapped;
        lowerIs = upperIs;
        upperIs = upper;
      } else if (upper != upperIs) {
        picture.row(upper, color, background, upperRow);
        upperIs = upper;
      }
      if (lower != upper && lower != lowerIs) {
        picture.row(lower, color, background, lowerRow);
        lowerIs = lower;
      }
      float[] below = lower == upper ? upperRow : lowerRow;
      float weightY = down.weight[y];
      for (int x = 0; x < width; x++) {
        int a = across.first[x];
        if (a < 0) {
          for (int c = 0; c < channels; c++) {
            into[out++] = pad;
          }
          continue;
        }
        a *= channels;
        int b = across.second[x] * channels;
        float weightX = across.weight[x];
        for (int c = 0; c < channels; c++) {
          float high = mix(upperRow[a + c], upperRow[b + c], weightX);
          float low = mix(below[a + c], below[b + c], weightX);
          into[out++] = mix(high, low, weightY);
        }
      }
    }
  }

  private static float mix(float a, float b, float weight) {
    return a + (b - a) * weight;
  }

  private void place(Picture picture, Geometry geometry) {
    int scaledWidth = width;
    int scaledHeight = height;
    if (fit != Fit.STRETCH) {
      double byWidth = (double) width / picture.width();
      double byHeight = (double) height / picture.height();
      double factor =
          fit == Fit.LETTERBOX ? Math.min(byWidth, byHeight) : Math.max(byWidth, byHeight);
      scaledWidth = scaled(picture.width(), factor);
      scaledHeight = scaled(picture.height(), factor);
    }
    // Integer division cuts towards zero: padding and overhang alike are the smaller half.
    int left = (width - scaledWidth) / 2;
    int top = (height - scaledHeight) / 2;
    across.set(picture.width(), scaledWidth, left, method);
    down.set(picture.height(), scaledHeight, top, method);
    geometry.set(
        picture.width(), picture.height(), width, height, left, top, scaledWidth, scaledHeight);
  }

  private static int scaled(int size, double factor) {
    return (int) Math.min(Integer.MAX_VALUE, Math.max(1, Math.round(size * factor)));
  }

  /** For each place along one axis of the result, the two places it comes from. */
  private static final class Axis {
    /** First place in the picture, or -1 in the padding. */
    private final int[] first;

    private final int[] second;

    /** Of the second place; the first one has the rest. */
    private final float[] weight;

    private int from;
    private int scaled;
    private int offset;

    Axis(int size) {
      first = new int[size];
      second = new int[size];
      weight = new float[size];
    }

    void set(int newFrom, int newScaled, int newOffset, Method method) {
      if (from == newFrom && scaled == newScaled && offset == newOffset) {
        return;
      }
      from = newFrom;
      scaled = newScaled;
      offset = newOffset;
      double factor = (double) from / scaled;
      for (int i = 0; i < first.length; i++) {
        int inside = i - offset;
        if (inside < 0 || inside >= scaled) {
          first[i] = -1;
          continue;
        }
        double at = (inside + 0.5) * factor;
        if (method == Method.NEAREST) {
          first[i] = (int) Math.min(at, from - 1.0);
          second[i] = first[i];
          weight[i] = 0;
          continue;
        }
        double centre = Math.max(0, Math.min(at - 0.5, from - 1.0));
        first[i] = (int) centre;
        second[i] = Math.min(first[i] + 1, from - 1);
        weight[i] = (float) (centre - first[i]);
      }
    }
  }
}
