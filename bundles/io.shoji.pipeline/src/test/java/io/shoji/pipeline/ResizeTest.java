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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.shoji.pipeline.Picture.Color;
import io.shoji.pipeline.Resize.Fit;
import io.shoji.pipeline.Resize.Method;
import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResizeTest {
  private final Geometry geometry = new Geometry();

  private static Picture gray(int width, int height, byte... values) {
    Picture picture = new Picture();
    picture.set(values, width, height, new Picture.Samples(1, width, 0, 0, 0, -1));
    return picture;
  }

  private float[] resized(Picture picture, int width, int height, Method method, Fit fit) {
    float[] into = new float[width * height];
    new Resize(width, height, method, fit, 7)
        .apply(picture, Color.GRAY, OptionalDouble.empty(), into, geometry);
    return into;
  }

  /** Interpolation straight from its definition, in binary64. */
  private static double naive(byte[] v, int w, int h, double x, double y) {
    double cx = Math.max(0, Math.min(w - 1, x));
    double cy = Math.max(0, Math.min(h - 1, y));
    double sum = 0;
    for (int j = 0; j < h; j++) {
      for (int i = 0; i < w; i++) {
        double weight = Math.max(0, 1 - Math.abs(cx - i)) * Math.max(0, 1 - Math.abs(cy - j));
        sum += weight * (v[j * w + i] & 0xff);
      }
    }
    return sum;
  }

  @Test
  void shouldChangeNothingWhenTheSizeIsTheSame() {
    Random random = new Random(3);
    for (Fit fit : Fit.values()) {
      for (Method method : Method.values()) {
        int w = 1 + random.nextInt(40);
        int h = 1 + random.nextInt(40);
        byte[] values = new byte[w * h];
        random.nextBytes(values);
        float[] out = resized(gray(w, h, values), w, h, method, fit);
        for (int i = 0; i < out.length; i++) {
          assertThat(out[i]).isEqualTo(values[i] & 0xff);
        }
      }
    }
  }

  @Test
  void shouldMatchTheDefinitionWhenStretchedBilinearly() {
    Random random = new Random(4);
    for (int round = 0; round < 60; round++) {
      int w = 1 + random.nextInt(20);
      int h = 1 + random.nextInt(20);
      int tw = 1 + random.nextInt(30);
      int th = 1 + random.nextInt(30);
      byte[] values = new byte[w * h];
      random.nextBytes(values);
      float[] out = resized(gray(w, h, values), tw, th, Method.BILINEAR, Fit.STRETCH);
      for (int y = 0; y < th; y++) {
        for (int x = 0; x < tw; x++) {
          double expected = naive(values, w, h, (x + 0.5) * w / tw - 0.5, (y + 0.5) * h / th - 0.5);
          assertThat(out[y * tw + x]).isCloseTo((float) expected, within(1e-3f));
        }
      }
    }
  }

  @Test
  void shouldGiveTheKnownValuesWhenTwoPixelsBecomeFour() {
    // OpenCV INTER_LINEAR on [0, 100] -> 4.
    assertThat(resized(gray(2, 1, (byte) 0, (byte) 100), 4, 1, Method.BILINEAR, Fit.STRETCH))
        .containsExactly(0, 25, 75, 100);
    assertThat(resized(gray(2, 1, (byte) 0, (byte) 100), 4, 1, Method.NEAREST, Fit.STRETCH))
        .containsExactly(0, 0, 100, 100);
  }

  @Test
  void shouldTakeThePixelUnderTheCentreWhenNearest() {
    Random random = new Random(5);
    for (int round = 0; round < 60; round++) {
      int w = 1 + random.nextInt(50);
      int tw = 1 + random.nextInt(50);
      byte[] values = new byte[w];
      random.nextBytes(values);
      float[] out = resized(gray(w, 1, values), tw, 1, Method.NEAREST, Fit.STRETCH);
      for (int x = 0; x < tw; x++) {
        // floor((x + 1/2) w / tw) in whole numbers.
        int from = (2 * x + 1) * w / (2 * tw);
        assertThat(out[x]).isEqualTo(values[from] & 0xff);
      }
    }
  }

  @Test
  void shouldPadEquallyWhenLetterboxed() {
    byte[] white = new byte[8 * 4];
    Arrays.fill(white, (byte) 200);
    float[] out = resized(gray(8, 4, white), 4, 5, Method.BILINEAR, Fit.LETTERBOX);
    // 4 x 2 pixels in the middle: 1 row above, 2 below.
    for (int y = 0; y < 5; y++) {
      for (int x = 0; x < 4; x++) {
        assertThat(out[y * 4 + x]).isEqualTo(y == 1 || y == 2 ? 200 : 7);
      }
    }
    assertThat(geometry.pictureX(4)).isEqualTo(8);
    assertThat(geometry.pictureY(1)).isEqualTo(0);
    assertThat(geometry.pictureY(3)).isEqualTo(4);
  }

  @Test
  void shouldCutEquallyWhenCropped() {
    byte[] values = {1, 2, 3, 4, 5, 6};
    float[] out = resized(gray(6, 1, values), 2, 1, Method.BILINEAR, Fit.CROP);
    assertThat(out).containsExactly(3, 4);
    assertThat(geometry.pictureX(0)).isEqualTo(2);
    assertThat(geometry.pictureX(2)).isEqualTo(4);
  }

  @Test
  void shouldMapEveryPointBackWhenPicturesHaveAnySize() {
    Random random = new Random(6);
    for (int round = 0; round < 200; round++) {
      int w = 1 + random.nextInt(300);
      int h = 1 + random.nextInt(300);
      Fit fit = Fit.values()[random.nextInt(3)];
      int tw = 1 + random.nextInt(64);
      int th = 1 + random.nextInt(64);
      resized(gray(w, h, new byte[w * h]), tw, th, Method.NEAREST, fit);
      double spanX = geometry.pictureX(tw) - geometry.pictureX(0);
      double spanY = geometry.pictureY(th) - geometry.pictureY(0);
      if (fit == Fit.STRETCH) {
        assertThat(spanX).isCloseTo(w, within(1e-3));
        assertThat(spanY).isCloseTo(h, within(1e-3));
      } else if (fit == Fit.CROP) {
        assertThat(spanX).isLessThanOrEqualTo(w * 1.001);
        assertThat(spanY).isLessThanOrEqualTo(h * 1.001);
      } else {
        assertThat(spanX).isGreaterThanOrEqualTo(w * 0.999);
        assertThat(spanY).isGreaterThanOrEqualTo(h * 0.999);
      }
    }
  }

  @Test
  void shouldUseTheNewSizeWhenPicturesChangeInOnePipeline() {
    Resize resize = new Resize(3, 3, Method.BILINEAR, Fit.STRETCH, 0);
    float[] out = new float[9];
    for (int side : new int[] {1, 9, 2, 3}) {
      byte[] values = new byte[side * side];
      Arrays.fill(values, (byte) side);
      resize.apply(gray(side, side, values), Color.GRAY, OptionalDouble.empty(), out, geometry);
      assertThat(out).containsOnly(side);
    }
  }

  @Test
  void shouldKeepChannelsApartWhenColoured() {
    Picture picture = new Picture();
    byte[] values = {10, 20, 30, 50, 60, 70};
    picture.set(values, 2, 1, new Picture.Samples(3, 6, 0, 1, 2, -1));
    float[] out = new float[9];
    Resize resize = new Resize(3, 1, Method.BILINEAR, Fit.STRETCH, 0);
    resize.apply(picture, Color.BGR, OptionalDouble.empty(), out, geometry);
    assertThat(out).containsExactly(30, 20, 10, 50, 40, 30, 70, 60, 50);
  }
}
