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

import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;

/** What can be made of a model. */
enum Product {
  /** INT8 with activations as ONNX Runtime's kernels want them. */
  INT8("onnx-int8", "-int8.onnx", ModelFormats.ONNX, Precision.INT8, true),
  /** INT8 with zero points of 0 and biases in FP32, as TensorRT wants them. */
  INT8_TENSORRT(
      "onnx-int8-tensorrt", "-int8-tensorrt.onnx", ModelFormats.ONNX, Precision.INT8, true),
  /** INT8 throughout, for TensorFlow Lite and an Edge TPU. */
  INT8_TFLITE("tflite-int8", "-int8.tflite", ModelFormats.TFLITE, Precision.INT8, true),
  /** FP16 within, FP32 outside. */
  FP16("onnx-fp16", "-fp16.onnx", ModelFormats.ONNX, Precision.FP16, false),
  /** Weights of products in INT4. */
  INT4("onnx-int4", "-int4.onnx", ModelFormats.ONNX, Precision.INT4, false),
  /** Products in INT8, their activations quantized at each run. */
  DYNAMIC("onnx-dynamic", "-dynamic.onnx", ModelFormats.ONNX, Precision.INT8, false);

  private final String variant;
  private final String suffix;
  private final String format;
  private final Precision precision;
  private final boolean calibrated;

  Product(String variant, String suffix, String format, Precision precision, boolean calibrated) {
    this.variant = variant;
    this.suffix = suffix;
    this.format = format;
    this.precision = precision;
    this.calibrated = calibrated;
  }

  /** Name of the variant in a package. */
  String variant() {
    return variant;
  }

  String file(String model) {
    return model + suffix;
  }

  String format() {
    return format;
  }

  Precision precision() {
    return precision;
  }

  /** Whether ranges are chosen from samples. */
  boolean calibrated() {
    return calibrated;
  }
}
