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

/**
 * What a quantized model must reach, declared before it is made.
 *
 * @param metric name of a {@link Metric}
 * @param limit value that it must reach (not exceed, for errors), NaN for none
 * @param maxDrop by how much it may be worse than the model in FP32, NaN for none
 */
public record AccuracyBudget(String metric, double limit, double maxDrop) {
  /**
   * A least value, or a largest one for a metric of which less is better.
   *
   * @throws QuantizerException INVALID_OPTION if the metric is unknown or the limit no number
   */
  public static AccuracyBudget limit(String metric, double limit) throws QuantizerException {
    return checked(metric, limit, Double.NaN);
  }

  /**
   * A largest drop against FP32, in the metric's own unit: 0.01 of top1 is one percentage point.
   *
   * @throws QuantizerException INVALID_OPTION if the metric is unknown or the drop negative
   */
  public static AccuracyBudget maxDrop(String metric, double drop) throws QuantizerException {
    return checked(metric, Double.NaN, drop);
  }

  private static AccuracyBudget checked(String metric, double limit, double drop)
      throws QuantizerException {
    Metric.of(metric);
    if (!(Double.isFinite(limit) || drop >= 0)) {
      throw new QuantizerException(
          Code.INVALID_OPTION,
          "a budget is a finite limit or a drop of at least 0 limit=" + limit + " drop=" + drop);
    }
    return new AccuracyBudget(metric, limit, drop);
  }

  /** Whether a value will do. */
  boolean allows(Metric kind, double baseline, double value) {
    return allows(kind.higherIsBetter(), baseline, value);
  }

  /**
   * Whether a value will do.
   *
   * @param higherIsBetter whether more of the metric is better
   * @param baseline the value in FP32
   */
  public boolean allows(boolean higherIsBetter, double baseline, double value) {
    if (Double.isNaN(value)) {
      return false;
    }
    boolean reached = Double.isNaN(limit) || (higherIsBetter ? value >= limit : value <= limit);
    double drop = higherIsBetter ? baseline - value : value - baseline;
    // Counting errors of the last bits shall not decide: 0.995 - 0.985 is above 0.01 in binary64.
    return reached && (Double.isNaN(maxDrop) || drop <= maxDrop + 1e-9);
  }

  /** As a message says it. */
  String describe() {
    return metric + (Double.isNaN(limit) ? " maxDrop=" + maxDrop : " limit=" + limit);
  }
}
