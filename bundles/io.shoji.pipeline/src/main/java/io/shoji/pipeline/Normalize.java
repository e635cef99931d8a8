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

/** {@code (x * scale - mean) / std} by channel, in place. Makes no garbage. */
final class Normalize {
  private final float scale;
  private final float[] mean;
  private final float[] std;

  /**
   * @param mean by channel
   * @param std by channel, above 0
   */
  Normalize(float scale, float[] mean, float[] std) {
    this.scale = scale;
    this.mean = mean;
    this.std = std;
  }

  /**
   * Normalizes.
   *
   * @param values of all pixels, the channels of a pixel together
   * @param pixels how many
   */
  void apply(float[] values, int pixels) {
    int channels = mean.length;
    for (int c = 0; c < channels; c++) {
      float m = mean[c];
      float s = std[c];
      for (int i = c; i < pixels * channels; i += channels) {
        values[i] = (values[i] * scale - m) / s;
      }
    }
  }
}
