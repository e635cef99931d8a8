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
import java.util.Collection;
import java.util.Collections;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * How a model is quantized to INT8.
 *
 * @param method how ranges of activations are chosen
 * @param percentile of {@link CalibrationMethod#PERCENTILE}, percent, above 50, at most 100
 * @param activations INT8 or UINT8
 * @param symmetric whether activations have the zero point 0, as TensorRT demands
 * @param perChannel whether weights have one scale per output channel
 * @param weightBits 8; or 7 for x86 processors without VNNI, whose kernels add pairs of products in
 *     16 bits and saturate
 * @param integerBias whether biases become INT32; TensorRT takes them in FP32, and constants of
 *     rank 0 too
 * @param integerOutputs whether the model's outputs go through 8 bits too, which a device that
 *     computes in integers only needs
 * @param inFloat names of nodes that stay in FP32
 */
public record QuantizationOptions(
    CalibrationMethod method,
    double percentile,
    ElementType activations,
    boolean symmetric,
    boolean perChannel,
    int weightBits,
    boolean integerBias,
    boolean integerOutputs,
    Set<String> inFloat) {
  /** Checks the values. */
  public QuantizationOptions {
    if (!(percentile > 50 && percentile <= 100)) {
      throw new IllegalArgumentException("out of (50, 100] percentile=" + percentile);
    }
    if (activations != ElementType.INT8 && activations != ElementType.UINT8) {
      throw new IllegalArgumentException("INT8 or UINT8 activations=" + activations);
    }
    if (weightBits != 7 && weightBits != 8) {
      throw new IllegalArgumentException("7 or 8 weightBits=" + weightBits);
    }
    inFloat = Collections.unmodifiableSet(new TreeSet<>(inFloat));
  }

  /**
   * For ONNX Runtime on a CPU: asymmetric UINT8 activations, which its x86 kernels take as they
   * are, min-max.
   */
  public static QuantizationOptions forOnnxRuntime() {
    return new QuantizationOptions(
        CalibrationMethod.MIN_MAX, 99.99, ElementType.UINT8, false, true, 8, true, false, Set.of());
  }

  /** For TensorRT: symmetric INT8 activations, biases in FP32, entropy. */
  public static QuantizationOptions forTensorRt() {
    return new QuantizationOptions(
        CalibrationMethod.ENTROPY, 99.99, ElementType.INT8, true, true, 8, false, false, Set.of());
  }

  /** For what becomes a fully integer TensorFlow Lite model: outputs in 8 bits too. */
  public static QuantizationOptions forIntegersOnly() {
    return new QuantizationOptions(
        CalibrationMethod.MIN_MAX, 99.99, ElementType.INT8, false, true, 8, true, true, Set.of());
  }

  /** With a calibration method. */
  public QuantizationOptions with(CalibrationMethod newMethod) {
    return new QuantizationOptions(
        newMethod,
        percentile,
        activations,
        symmetric,
        perChannel,
        weightBits,
        integerBias,
        integerOutputs,
        inFloat);
  }

  /** With a percentile. */
  public QuantizationOptions withPercentile(double newPercentile) {
    return new QuantizationOptions(
        method,
        newPercentile,
        activations,
        symmetric,
        perChannel,
        weightBits,
        integerBias,
        integerOutputs,
        inFloat);
  }

  /** With a type of activations. */
  public QuantizationOptions withActivations(ElementType type) {
    return new QuantizationOptions(
        method,
        percentile,
        type,
        symmetric,
        perChannel,
        weightBits,
        integerBias,
        integerOutputs,
        inFloat);
  }

  /** With weights of 7 or 8 bits. */
  public QuantizationOptions withWeightBits(int bits) {
    return new QuantizationOptions(
        method,
        percentile,
        activations,
        symmetric,
        perChannel,
        bits,
        integerBias,
        integerOutputs,
        inFloat);
  }

  /** With weights per output channel or per tensor. */
  public QuantizationOptions withPerChannel(boolean each) {
    return new QuantizationOptions(
        method,
        percentile,
        activations,
        symmetric,
        each,
        weightBits,
        integerBias,
        integerOutputs,
        inFloat);
  }

  /** With nodes, by name, that stay in FP32, in place of those before. */
  public QuantizationOptions withInFloat(Collection<String> nodes) {
    return new QuantizationOptions(
        method,
        percentile,
        activations,
        symmetric,
        perChannel,
        weightBits,
        integerBias,
        integerOutputs,
        Set.copyOf(nodes));
  }

  /**
   * A method by its name, as a user writes it: {@code min-max}, {@code moving-average}, {@code
   * percentile}, {@code entropy}, {@code mse}.
   *
   * @throws QuantizerException INVALID_OPTION, listing them
   */
  public static CalibrationMethod method(String name) throws QuantizerException {
    for (CalibrationMethod method : CalibrationMethod.values()) {
      if (method.name().toLowerCase(Locale.ROOT).replace('_', '-').equals(name)) {
        return method;
      }
    }
    throw new QuantizerException(
        Code.INVALID_OPTION,
        "no such calibration method found="
            + name
            + " known=min-max, moving-average, percentile, entropy, mse");
  }
}
