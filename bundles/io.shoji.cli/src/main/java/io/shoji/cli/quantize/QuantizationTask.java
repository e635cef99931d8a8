/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import io.shoji.quantizer.AccuracyBudget;
import io.shoji.quantizer.CalibrationMethod;
import io.shoji.quantizer.QuantizationOptions;
import io.shoji.tensor.ElementType;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What is asked for.
 *
 * @param model ONNX file
 * @param products to make
 * @param budget what each must reach
 * @param ranges how ranges are chosen, for products that are calibrated
 * @param io type of a TensorFlow Lite model's inputs and outputs
 * @param force whether fewer calibration samples than 100 will do
 * @param keep names of nodes that stay in FP32
 * @param output folder
 * @param report HTML file
 * @param handover whether the calibration set is written for vendors' compilers
 * @param rounds of the measurement of latency; 0 measures neither that nor memory
 * @param created time of the evidence
 * @param command as it was typed
 */
record QuantizationTask(
    Path model,
    List<Product> products,
    AccuracyBudget budget,
    Ranges ranges,
    ElementType io,
    boolean force,
    Set<String> keep,
    Path output,
    Optional<Path> report,
    boolean handover,
    int rounds,
    Instant created,
    String command) {
  /** Copies the collections. */
  QuantizationTask {
    products = List.copyOf(products);
    keep = Set.copyOf(keep);
  }

  /**
   * How ranges are chosen.
   *
   * @param method empty for what suits the product
   * @param weightBits 7 or 8
   */
  record Ranges(Optional<CalibrationMethod> method, double percentile, int weightBits) {}

  /** The quantizer's options for a product. */
  QuantizationOptions options(Product product) {
    QuantizationOptions options =
        switch (product) {
          case INT8_TENSORRT -> QuantizationOptions.forTensorRt();
          case INT8_TFLITE -> QuantizationOptions.forIntegersOnly();
          default -> QuantizationOptions.forOnnxRuntime();
        };
    return options
        .with(ranges.method().orElse(options.method()))
        .withPercentile(ranges.percentile())
        .withWeightBits(ranges.weightBits())
        .withInFloat(keep);
  }

  /** Name of the model's file without its ending. */
  String name() {
    String file = String.valueOf(model.getFileName());
    return file.endsWith(".onnx") ? file.substring(0, file.length() - ".onnx".length()) : file;
  }
}
