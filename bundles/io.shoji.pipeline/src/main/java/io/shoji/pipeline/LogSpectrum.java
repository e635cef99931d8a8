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

/** {@code log10(|X_k|^2 / N + epsilon)} of a window, Hann-weighted or as it is. */
final class LogSpectrum implements SignalStep {
  private final double epsilon;
  private final double[] weights;
  private final double[] weighted;
  private final double[] power;
  private final PowerSpectrum spectrum;

  /**
   * @param size values in a window
   * @param hann whether to weight with a periodic Hann window
   */
  LogSpectrum(int size, boolean hann, double epsilon) {
    this.epsilon = epsilon;
    this.weights = new double[size];
    for (int n = 0; n < size; n++) {
      weights[n] = hann ? 0.5 - 0.5 * Math.cos(2 * Math.PI * n / size) : 1;
    }
    this.weighted = new double[size];
    this.power = new double[bins(size)];
    this.spectrum = PowerSpectrum.of(size);
  }

  /** Bins of the spectrum of {@code size} real values. */
  static int bins(int size) {
    return size / 2 + 1;
  }

  @Override
  public int apply(float[] values, int length, int channel) {
    for (int n = 0; n < length; n++) {
      weighted[n] = values[n] * weights[n];
    }
    spectrum.transform(weighted, power);
    for (int k = 0; k < power.length; k++) {
      values[k] = (float) Math.log10(power[k] / length + epsilon);
    }
    return power.length;
  }
}
