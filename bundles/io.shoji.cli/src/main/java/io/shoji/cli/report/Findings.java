/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import io.shoji.cli.report.QuantizationReport.Activation;
import io.shoji.cli.report.QuantizationReport.Layer;
import io.shoji.cli.report.QuantizationReport.State;
import io.shoji.cli.report.QuantizationReport.Weights;
import io.shoji.quantizer.Calibration;
import io.shoji.quantizer.LayerNoise;
import io.shoji.quantizer.Preparation;
import io.shoji.quantizer.StaticQuantizer;
import io.shoji.quantizer.TensorStatistics;
import io.shoji.quantizer.WeightRange;
import io.shoji.tensor.Quantization;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the quantizer found, in the report's form. */
public final class Findings {
  /** Intervals of a histogram in the report. */
  private static final int BINS = 64;

  private Findings() {}

  /**
   * The layers of a quantized model.
   *
   * @param kept names of those that the budget, or the user, kept in FP32
   * @param noise as measured; layers that are not in it have none
   * @param sensitivity as {@link io.shoji.quantizer.BudgetedQuantizer.Outcome#sensitivity}
   */
  public static List<Layer> layers(
      Preparation.Prepared prepared,
      StaticQuantizer.Quantized quantized,
      Collection<String> kept,
      Collection<LayerNoise> noise,
      Map<String, Double> sensitivity) {
    Map<String, Double> decibels = new HashMap<>();
    noise.forEach(each -> decibels.put(each.layer(), each.decibels()));
    Map<String, Weights> weights = new HashMap<>();
    for (WeightRange range : WeightRange.of(prepared)) {
      weights.put(
          range.layer(),
          new Weights(
              range.min(),
              range.max(),
              range.channels(),
              range.smallestChannel(),
              range.largestChannel()));
    }
    List<Layer> layers = new ArrayList<>();
    for (StaticQuantizer.Layer layer : quantized.layers()) {
      State state =
          layer.integer() ? State.INTEGER : kept.contains(layer.name()) ? State.KEPT : State.FLOAT;
      layers.add(
          new Layer(
              layer.name(),
              layer.operator(),
              state,
              layer.reason(),
              decibels.getOrDefault(layer.name(), Double.NaN),
              sensitivity.getOrDefault(layer.name(), Double.NaN),
              weights.get(layer.name())));
    }
    return layers;
  }

  /** What calibration saw of each activation that goes through 8 bits, and what it chose. */
  public static List<Activation> activations(
      Calibration calibration, StaticQuantizer.Quantized quantized, String type) {
    List<Activation> activations = new ArrayList<>();
    quantized
        .activations()
        .forEach(
            (tensor, activation) -> {
              TensorStatistics statistics = calibration.statistics().get(tensor);
              if (statistics == null) {
                return;
              }
              Quantization quantization = activation.quantization();
              activations.add(
                  new Activation(
                      tensor,
                      type,
                      statistics.count(),
                      statistics.zeros(),
                      statistics.min(),
                      statistics.max(),
                      Arrays.stream(statistics.histogram(BINS)).boxed().toList(),
                      activation.range().low(),
                      activation.range().high(),
                      statistics.shareOutside(activation.range()),
                      quantization.scale(0),
                      quantization.zeroPoint(0)));
            });
    return activations;
  }
}
