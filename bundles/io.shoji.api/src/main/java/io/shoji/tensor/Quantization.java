/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.tensor;

import java.util.Arrays;

/**
 * Affine quantization: {@code real = scale * (quantized - zeroPoint)}, for a whole tensor or for
 * each index along one axis (ONNX {@code QuantizeLinear}/{@code DequantizeLinear}; the TensorFlow
 * Lite 8-bit quantization specification).
 *
 * <p>Quantizing divides by the scale, rounds half to even, adds the zero point and saturates at the
 * type's range, as ONNX defines it. NaN becomes the zero point (real 0), the infinities saturate.
 * Immutable.
 */
public final class Quantization {
  private static final int PER_TENSOR = -1;

  private final int axis;
  private final float[] scales;
  private final int[] zeroPoints;

  private Quantization(int axis, float[] scales, int[] zeroPoints) {
    if (scales.length == 0 || scales.length != zeroPoints.length) {
      throw new IllegalArgumentException(
          "one zero point per scale, and at least one scales="
              + scales.length
              + " zeroPoints="
              + zeroPoints.length);
    }
    for (int i = 0; i < scales.length; i++) {
      if (!(scales[i] > 0) || Float.isInfinite(scales[i])) {
        throw new IllegalArgumentException(
            "a scale is finite and above 0 index=" + i + " scale=" + scales[i]);
      }
    }
    this.axis = axis;
    this.scales = scales;
    this.zeroPoints = zeroPoints;
  }

  /**
   * One scale and zero point for the whole tensor.
   *
   * @throws IllegalArgumentException if the scale is not finite and above 0
   */
  public static Quantization perTensor(float scale, int zeroPoint) {
    return new Quantization(PER_TENSOR, new float[] {scale}, new int[] {zeroPoint});
  }

  /**
   * A scale and a zero point for each index along {@code axis}.
   *
   * @throws IllegalArgumentException if the axis is negative, the arrays are empty or of different
   *     lengths, or a scale is not finite and above 0
   */
  public static Quantization perAxis(int axis, float[] scales, int[] zeroPoints) {
    if (axis < 0) {
      throw new IllegalArgumentException("negative axis axis=" + axis);
    }
    return new Quantization(axis, scales.clone(), zeroPoints.clone());
  }

  /** Whether one scale holds for the whole tensor. */
  public boolean isPerTensor() {
    return axis == PER_TENSOR;
  }

  /** The axis of a per-axis quantization, or -1 if per tensor. */
  public int axis() {
    return axis;
  }

  /** Number of scales: 1, or the size of the axis. */
  public int size() {
    return scales.length;
  }

  /** Scale at {@code index} along the axis; index 0 if per tensor. */
  public float scale(int index) {
    return scales[index];
  }

  /** Zero point at {@code index} along the axis; index 0 if per tensor. */
  public int zeroPoint(int index) {
    return zeroPoints[index];
  }

  /**
   * Checks that this quantization can apply to a tensor.
   *
   * @throws IllegalArgumentException if the type is not an integer of at most 32 bits, a zero point
   *     lies outside its range, or the axis does not exist or has another size
   */
  public void check(ElementType type, Shape shape) {
    if (!type.isQuantizable()) {
      throw new IllegalArgumentException(
          "affine quantization is for integers of at most 32 bits type=" + type);
    }
    for (int zeroPoint : zeroPoints) {
      if (zeroPoint < type.minValue() || zeroPoint > type.maxValue()) {
        throw new IllegalArgumentException(
            "zero point out of the type's range zeroPoint=" + zeroPoint + " type=" + type);
      }
    }
    if (axis == PER_TENSOR) {
      return;
    }
    if (axis >= shape.rank()
        || (shape.dim(axis) != Shape.DYNAMIC && shape.dim(axis) != scales.length)) {
      throw new IllegalArgumentException(
          "one scale per index of the axis axis="
              + axis
              + " scales="
              + scales.length
              + " shape="
              + shape);
    }
  }

  /**
   * Quantizes {@code real} with the parameters at {@code index} for the range of {@code type}.
   *
   * @return a value in [{@code type.minValue()}, {@code type.maxValue()}]
   */
  public long quantize(float real, int index, ElementType type) {
    int zeroPoint = zeroPoints[index];
    if (Float.isNaN(real)) {
      return zeroPoint;
    }
    // Division in binary32 as ONNX Runtime does it: a double would round some ties the other way.
    double steps = Math.rint((double) (real / scales[index]));
    double shifted = steps + zeroPoint;
    if (shifted <= type.minValue()) {
      return type.minValue();
    }
    if (shifted >= type.maxValue()) {
      return type.maxValue();
    }
    return (long) shifted;
  }

  /** The real value of {@code quantized} with the parameters at {@code index}. */
  public float dequantize(long quantized, int index) {
    return scales[index] * (quantized - zeroPoints[index]);
  }

  /**
   * Quantizes every element of {@code real} into {@code quantized}, both caller-owned.
   *
   * @param real FLOAT32, any concrete shape
   * @param quantized an integer type of at most 32 bits, the same shape; overwritten whole
   * @throws IllegalArgumentException if types, shapes or the axis do not fit; nothing is written
   *     then
   */
  public void quantize(Tensor real, Tensor quantized) {
    checkPair(real, quantized);
    long count = real.elementCount();
    long inner = innerSize(real.shape());
    for (long i = 0; i < count; i++) {
      quantized.setLong(i, quantize(real.getFloat(i), indexOf(i, inner), quantized.type()));
    }
  }

  /**
   * Dequantizes every element of {@code quantized} into {@code real}, both caller-owned.
   *
   * @param quantized an integer type of at most 32 bits, any concrete shape
   * @param real FLOAT32, the same shape; overwritten whole
   * @throws IllegalArgumentException if types, shapes or the axis do not fit; nothing is written
   *     then
   */
  public void dequantize(Tensor quantized, Tensor real) {
    checkPair(real, quantized);
    long count = real.elementCount();
    long inner = innerSize(real.shape());
    for (long i = 0; i < count; i++) {
      real.setFloat(i, dequantize(quantized.getLong(i), indexOf(i, inner)));
    }
  }

  private void checkPair(Tensor real, Tensor quantized) {
    if (real.type() != ElementType.FLOAT32 || !real.shape().equals(quantized.shape())) {
      throw new IllegalArgumentException(
          "the real tensor is FLOAT32 and of the quantized one's shape real="
              + real
              + " quantized="
              + quantized);
    }
    check(quantized.type(), quantized.shape());
  }

  private long innerSize(Shape shape) {
    long inner = 1;
    if (axis != PER_TENSOR) {
      for (int i = axis + 1; i < shape.rank(); i++) {
        inner *= shape.dim(i);
      }
    }
    return inner;
  }

  private int indexOf(long element, long inner) {
    return axis == PER_TENSOR ? 0 : (int) (element / inner % scales.length);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Quantization that
        && axis == that.axis
        && Arrays.equals(scales, that.scales)
        && Arrays.equals(zeroPoints, that.zeroPoints);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * axis + Arrays.hashCode(scales)) + Arrays.hashCode(zeroPoints);
  }

  @Override
  public String toString() {
    return isPerTensor()
        ? "scale=" + scales[0] + " zeroPoint=" + zeroPoints[0]
        : "axis=" + axis + " scales=" + scales.length;
  }
}
