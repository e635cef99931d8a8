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

/**
 * Discrete Fourier transform of a power of two of complex values, in place: iterative radix 2,
 * decimation in time (Cooley and Tukey, 1965). Tables are made once; transforms make no garbage.
 */
final class ComplexFft {
  private final int size;
  private final double[] cos;
  private final double[] sin;

  /**
   * @param size a power of two, at least 1
   */
  ComplexFft(int size) {
    if (Integer.bitCount(size) != 1) {
      throw new IllegalArgumentException("not a power of two size=" + size);
    }
    this.size = size;
    this.cos = new double[size / 2];
    this.sin = new double[size / 2];
    for (int i = 0; i < size / 2; i++) {
      double angle = -2 * Math.PI * i / size;
      cos[i] = Math.cos(angle);
      sin[i] = Math.sin(angle);
    }
  }

  /** Replaces {@code x} by {@code X_k = sum x_n exp(-2 pi i k n / size)}. */
  void transform(double[] re, double[] im) {
    reverseBits(re, im);
    for (int half = 1; half < size; half <<= 1) {
      int stride = size / (2 * half);
      for (int start = 0; start < size; start += 2 * half) {
        for (int i = 0; i < half; i++) {
          int low = start + i;
          int high = low + half;
          double wr = cos[i * stride];
          double wi = sin[i * stride];
          double tr = re[high] * wr - im[high] * wi;
          double ti = re[high] * wi + im[high] * wr;
          re[high] = re[low] - tr;
          im[high] = im[low] - ti;
          re[low] += tr;
          im[low] += ti;
        }
      }
    }
  }

  private void reverseBits(double[] re, double[] im) {
    int shift = Integer.numberOfLeadingZeros(size) + 1;
    for (int i = 1; i < size; i++) {
      int j = Integer.reverse(i) >>> shift;
      if (j > i) {
        double r = re[i];
        re[i] = re[j];
        re[j] = r;
        double m = im[i];
        im[i] = im[j];
        im[j] = m;
      }
    }
  }
}
