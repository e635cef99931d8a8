/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Sums of squares of a signal and of its error. Not thread safe. */
final class Noise {
  /** Ratio of what is exact, dB. */
  static final double EXACT = 200;

  private double signal;
  private double noise;

  /**
   * Takes one tensor in, if it holds FLOAT32.
   *
   * @throws QuantizerException RUNTIME if the two do not belong together
   */
  void add(@Nullable Tensor expected, @Nullable Tensor found) throws QuantizerException {
    if (expected == null || found == null || expected.elementCount() != found.elementCount()) {
      throw new QuantizerException(
          Code.RUNTIME, "two models give other outputs expected=" + expected + " found=" + found);
    }
    if (expected.type() != ElementType.FLOAT32) {
      return;
    }
    for (int i = 0; i < expected.elementCount(); i++) {
      double value = expected.getFloat(i);
      double off = value - found.getFloat(i);
      signal += value * value;
      noise += off * off;
    }
  }

  /** Ten times the logarithm of the signal's power over the error's, at most {@link #EXACT}. */
  double decibels() {
    return noise == 0 ? EXACT : signal == 0 ? 0 : Math.min(EXACT, 10 * Math.log10(signal / noise));
  }
}
