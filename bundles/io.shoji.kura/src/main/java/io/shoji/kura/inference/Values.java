/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import org.jspecify.annotations.Nullable;

/** Writes single values into an input, as its type and quantization ask for. */
final class Values {
  private final TensorSpec spec;
  private final Tensor target;
  private final ElementType type;
  private final @Nullable Quantization quantization;
  private final int channels;
  private final int inner;

  /**
   * @param target of the input's type; its shape is the one that is fed
   */
  Values(TensorSpec spec, Tensor target) {
    this.spec = spec;
    this.target = target;
    this.type = spec.type();
    Quantization parameters = spec.quantization().orElse(null);
    int innerSize = 1;
    if (parameters != null && !parameters.isPerTensor()) {
      Shape shape = target.shape();
      for (int axis = parameters.axis() + 1; axis < shape.rank(); axis++) {
        innerSize *= (int) shape.dim(axis);
      }
    }
    this.inner = innerSize;
    this.channels = parameters == null ? 1 : parameters.size();
    this.quantization = parameters;
  }

  /**
   * Writes a real: quantized if the input is, to the nearest value of a floating-point type, and
   * into any other type only what it holds exactly.
   *
   * @throws InferenceException INVALID_INPUT if the type does not hold it
   */
  void real(int index, double value) throws InferenceException {
    Quantization parameters = quantization;
    if (type == ElementType.FLOAT32) {
      target.setFloat(index, (float) value);
    } else if (type == ElementType.FLOAT64) {
      target.data().putDouble(index * Double.BYTES, value);
    } else if (type == ElementType.FLOAT16) {
      target.setFloat(index, (float) value);
    } else if (parameters != null) {
      int channel = channels == 1 ? 0 : index / inner % channels;
      target.setLong(index, parameters.quantize((float) value, channel, type));
    } else if (value == Math.rint(value) && Math.abs(value) <= 0x1p62) {
      integer(index, (long) value);
    } else {
      throw outOfRange(
          index, Double.toString(value), "whole numbers, since it has no quantization");
    }
  }

  /**
   * Writes an integer as the element itself (a quantized one is not quantized again), or the
   * nearest value of a floating-point type.
   *
   * @throws InferenceException INVALID_INPUT if it is out of the type's range
   */
  void integer(int index, long value) throws InferenceException {
    if (type == ElementType.FLOAT64) {
      target.data().putDouble(index * Double.BYTES, (double) value);
      return;
    }
    if (type.isFloatingPoint()) {
      target.setFloat(index, (float) value);
      return;
    }
    long least = type == ElementType.BOOL ? 0 : type.minValue();
    long most = type == ElementType.BOOL ? 1 : type.maxValue();
    if (value < least || value > most) {
      throw outOfRange(index, Long.toString(value), "[" + least + ", " + most + "]");
    }
    target.setLong(index, value);
  }

  /**
   * Writes 0 or 1: as a real where the input is quantized.
   *
   * @throws InferenceException never in practice: every type holds both
   */
  void flag(int index, boolean value) throws InferenceException {
    if (quantization != null) {
      real(index, value ? 1 : 0);
    } else {
      integer(index, value ? 1 : 0);
    }
  }

  /** Makes every byte of a BOOL that is not 0 a 1, as a tensor's contract has it. */
  static void normalize(Tensor target) {
    if (target.type() == ElementType.BOOL) {
      for (int i = 0; i < target.elementCount(); i++) {
        target.setLong(i, target.getLong(i));
      }
    }
  }

  private InferenceException outOfRange(int index, String found, String range) {
    return Shapes.refused(
        spec, "does not hold a value; it takes " + range, found + " at index " + index);
  }
}
