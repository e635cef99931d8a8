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
 * {@code |X_k|^2} of real values, for {@code k} from 0 to {@code floor(size / 2)}.
 *
 * <p>A power of two goes through a complex transform of half the size; any other size through the
 * chirp transform (Bluestein, 1970), a convolution of the next power of two from {@code 2 size -
 * 1}. Tables are made once; transforms make no garbage.
 */
abstract sealed class PowerSpectrum {
  private PowerSpectrum() {}

  /**
   * @param size real values, at least 2, at most 2^28
   */
  static PowerSpectrum of(int size) {
    return Integer.bitCount(size) == 1 ? new Packed(size) : new Chirp(size);
  }

  /**
   * Transforms.
   *
   * @param values {@code size} real values
   * @param power {@code size / 2 + 1} results
   */
  abstract void transform(double[] values, double[] power);

  /** Even values as real parts, odd ones as imaginary parts of half as many complex values. */
  private static final class Packed extends PowerSpectrum {
    private final int half;
    private final ComplexFft fft;
    private final double[] cos;
    private final double[] sin;
    private final double[] re;
    private final double[] im;

    Packed(int size) {
      half = size / 2;
      fft = new ComplexFft(half);
      cos = new double[half + 1];
      sin = new double[half + 1];
      for (int k = 0; k <= half; k++) {
        double angle = -2 * Math.PI * k / size;
        cos[k] = Math.cos(angle);
        sin[k] = Math.sin(angle);
      }
      re = new double[half];
      im = new double[half];
    }

    @Override
    void transform(double[] values, double[] power) {
      for (int i = 0; i < half; i++) {
        re[i] = values[2 * i];
        im[i] = values[2 * i + 1];
      }
      fft.transform(re, im);
      for (int k = 0; k <= half; k++) {
        int a = k % half;
        int b = (half - k) % half;
        // Spectra of the even and the odd values, from the symmetric parts.
        double evenRe = (re[a] + re[b]) / 2;
        double evenIm = (im[a] - im[b]) / 2;
        double oddRe = (im[a] + im[b]) / 2;
        double oddIm = (re[b] - re[a]) / 2;
        double xRe = evenRe + oddRe * cos[k] - oddIm * sin[k];
        double xIm = evenIm + oddRe * sin[k] + oddIm * cos[k];
        power[k] = xRe * xRe + xIm * xIm;
      }
    }
  }

  /** A transform of any size as a convolution with a chirp. */
  private static final class Chirp extends PowerSpectrum {
    private final int size;
    private final ComplexFft fft;
    private final double[] cos;
    private final double[] sin;
    private final double[] kernelRe;
    private final double[] kernelIm;
    private final double[] re;
    private final double[] im;

    Chirp(int size) {
      this.size = size;
      int padded = Integer.highestOneBit(2 * size - 2) << 1;
      fft = new ComplexFft(padded);
      cos = new double[size];
      sin = new double[size];
      for (int n = 0; n < size; n++) {
        // exp(-i pi n^2 / size); n^2 is reduced first, so that the angle stays exact.
        long square = (long) n * n % (2L * size);
        double angle = -Math.PI * square / size;
        cos[n] = Math.cos(angle);
        sin[n] = Math.sin(angle);
      }
      kernelRe = new double[padded];
      kernelIm = new double[padded];
      for (int n = 0; n < size; n++) {
        kernelRe[n] = cos[n];
        kernelIm[n] = -sin[n];
        if (n > 0) {
          kernelRe[padded - n] = cos[n];
          kernelIm[padded - n] = -sin[n];
        }
      }
      fft.transform(kernelRe, kernelIm);
      re = new double[padded];
      im = new double[padded];
    }

    @Override
    void transform(double[] values, double[] power) {
      int padded = re.length;
      for (int n = 0; n < size; n++) {
        re[n] = values[n] * cos[n];
        im[n] = values[n] * sin[n];
      }
      for (int n = size; n < padded; n++) {
        re[n] = 0;
        im[n] = 0;
      }
      fft.transform(re, im);
      for (int k = 0; k < padded; k++) {
        double productRe = re[k] * kernelRe[k] - im[k] * kernelIm[k];
        double productIm = re[k] * kernelIm[k] + im[k] * kernelRe[k];
        // Conjugated: a forward transform of the conjugate is the conjugate of the inverse one.
        re[k] = productRe;
        im[k] = -productIm;
      }
      fft.transform(re, im);
      // The last factor of the chirp has magnitude 1 and does not change the power.
      double norm = 1.0 / ((double) padded * padded);
      for (int k = 0; k <= size / 2; k++) {
        power[k] = (re[k] * re[k] + im[k] * im[k]) * norm;
      }
    }
  }
}
