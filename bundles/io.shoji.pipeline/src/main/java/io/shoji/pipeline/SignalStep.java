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

/** A step on one window of one channel. Makes no garbage. */
interface SignalStep {
  /**
   * Changes the values in place.
   *
   * @param values the window from index 0; also holds the result
   * @param length values in the window, the same at each call
   * @param channel index of the channel
   * @return values in the result, at most {@code length}, the same at each call
   */
  int apply(float[] values, int length, int channel);

  /** Takes away the mean. */
  static SignalStep detrendConstant() {
    return (values, length, channel) -> {
      double mean = mean(values, length);
      for (int i = 0; i < length; i++) {
        values[i] = (float) (values[i] - mean);
      }
      return length;
    };
  }

  /** Takes away the line of least squares. */
  static SignalStep detrendLinear() {
    return (values, length, channel) -> {
      double mean = mean(values, length);
      double centre = (length - 1) / 2.0;
      double covariance = 0;
      for (int i = 0; i < length; i++) {
        covariance += (i - centre) * (values[i] - mean);
      }
      // Sum of (i - centre)^2 for i from 0 to length - 1.
      double spread = length * ((double) length * length - 1) / 12.0;
      double slope = covariance / spread;
      for (int i = 0; i < length; i++) {
        values[i] = (float) (values[i] - mean - slope * (i - centre));
      }
      return length;
    };
  }

  /**
   * {@code (x - offset) * factor}.
   *
   * @param offset by channel
   * @param factor by channel
   */
  static SignalStep scale(float[] offset, float[] factor) {
    return (values, length, channel) -> {
      float o = offset[channel];
      float f = factor[channel];
      for (int i = 0; i < length; i++) {
        values[i] = (values[i] - o) * f;
      }
      return length;
    };
  }

  /** {@code (x - mean) / sqrt(variance + epsilon)}; all 0 if nothing varies. */
  static SignalStep standardize(double epsilon) {
    return (values, length, channel) -> {
      double mean = mean(values, length);
      double squares = 0;
      for (int i = 0; i < length; i++) {
        double distance = values[i] - mean;
        squares += distance * distance;
      }
      double deviation = Math.sqrt(squares / length + epsilon);
      if (deviation == 0) {
        Arrays.fill(values, 0, length, 0f);
        return length;
      }
      for (int i = 0; i < length; i++) {
        values[i] = (float) ((values[i] - mean) / deviation);
      }
      return length;
    };
  }

  private static double mean(float[] values, int length) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += values[i];
    }
    return sum / length;
  }
}
