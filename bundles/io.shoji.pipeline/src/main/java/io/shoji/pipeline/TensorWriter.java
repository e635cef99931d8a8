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

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Writes real values as the elements that the model's input asks for: converted, or quantized by
 * the input's parameters. Makes no garbage while the tensor stays the same.
 */
final class TensorWriter {
  private final ElementType type;
  private final @Nullable Quantization quantization;
  private @Nullable Tensor viewed;
  private @Nullable FloatBuffer view;

  TensorWriter(TensorSpec spec) {
    this.type = spec.type();
    this.quantization = spec.quantization().orElse(null);
  }

  /**
   * Overwrites all elements.
   *
   * @param values in row-major order of the tensor; at least as many as it has elements
   */
  void write(float[] values, Tensor tensor) {
    int count = tensor.elementCount();
    if (type == ElementType.FLOAT32) {
      viewOf(tensor).put(0, values, 0, count);
    } else if (quantization == null) {
      for (int i = 0; i < count; i++) {
        tensor.setFloat(i, values[i]);
      }
    } else if (quantization.isPerTensor()) {
      for (int i = 0; i < count; i++) {
        tensor.setLong(i, quantization.quantize(values[i], 0, type));
      }
    } else {
      int inner = innerSize(tensor.shape(), quantization.axis());
      for (int i = 0; i < count; i++) {
        int index = i / inner % quantization.size();
        tensor.setLong(i, quantization.quantize(values[i], index, type));
      }
    }
  }

  /** Elements between two neighbours along {@code axis}. */
  static int innerSize(Shape shape, int axis) {
    int inner = 1;
    for (int i = axis + 1; i < shape.rank(); i++) {
      inner *= (int) shape.dim(i);
    }
    return inner;
  }

  private FloatBuffer viewOf(Tensor tensor) {
    FloatBuffer cached = view;
    if (cached == null || tensor != viewed) {
      cached = tensor.floats();
      viewed = tensor;
      view = cached;
    }
    return cached;
  }
}
