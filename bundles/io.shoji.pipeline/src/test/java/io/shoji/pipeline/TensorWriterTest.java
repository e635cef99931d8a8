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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TensorWriterTest {
  private static final float[] VALUES = {
    0, -1, 1.5f, 2.5f, 300, -300, Float.NaN, Float.POSITIVE_INFINITY, 65_519, 1e-8f
  };

  private static Tensor written(TensorSpec spec, float... values) {
    Tensor tensor = Tensor.allocate(spec.type(), spec.shape());
    new TensorWriter(spec).write(values, tensor);
    return tensor;
  }

  @Test
  void shouldConvertWhenTheInputIsFloatingPoint() {
    for (ElementType type :
        new ElementType[] {ElementType.FLOAT32, ElementType.FLOAT64, ElementType.FLOAT16}) {
      TensorSpec spec = TensorSpec.of("x", type, Shape.of(1, VALUES.length));
      Tensor tensor = written(spec, VALUES);
      Tensor expected = Tensor.allocate(type, spec.shape());
      for (int i = 0; i < VALUES.length; i++) {
        expected.setFloat(i, VALUES[i]);
      }
      assertThat(tensor.data()).isEqualTo(expected.data());
      assertThat(tensor.getFloat(2)).isEqualTo(1.5f);
    }
  }

  @Test
  void shouldRoundAndSaturateWhenTheInputIsAPlainInteger() {
    TensorSpec spec = TensorSpec.of("x", ElementType.UINT8, Shape.of(1, 8));
    Tensor tensor = written(spec, 0, -1, 1.5f, 2.5f, 254.5f, 255.4f, 300, Float.NaN);
    long[] expected = {0, 0, 2, 2, 254, 255, 255, 0};
    for (int i = 0; i < expected.length; i++) {
      assertThat(tensor.getLong(i)).isEqualTo(expected[i]);
    }
  }

  @Test
  void shouldQuantizeWhenTheInputHasOneScale() {
    Random random = new Random(8);
    for (ElementType type :
        new ElementType[] {
          ElementType.INT8, ElementType.UINT8, ElementType.INT16, ElementType.INT4
        }) {
      Quantization quantization = Quantization.perTensor(0.1f, 3);
      TensorSpec spec = TensorSpec.of("x", type, Shape.of(1, 101)).withQuantization(quantization);
      float[] values = new float[101];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (20 * random.nextGaussian());
      }
      Tensor tensor = written(spec, values);
      for (int i = 0; i < values.length; i++) {
        double q = Math.rint(values[i] / 0.1f) + 3;
        double saturated = Math.max(type.minValue(), Math.min(type.maxValue(), q));
        assertThat(tensor.getLong(i)).isEqualTo((long) saturated);
      }
    }
  }

  @Test
  void shouldQuantizeByChannelWhenTheInputHasAScalePerIndex() {
    Quantization quantization =
        Quantization.perAxis(1, new float[] {1, 0.5f, 2}, new int[] {0, 10, -10});
    TensorSpec spec =
        TensorSpec.of("x", ElementType.INT8, Shape.of(1, 3, 2)).withQuantization(quantization);
    Tensor tensor = written(spec, 4, 5, 4, 5, 4, 5);
    long[] expected = {4, 5, 18, 20, -8, -8};
    for (int i = 0; i < expected.length; i++) {
      assertThat(tensor.getLong(i)).isEqualTo(expected[i]);
    }
  }
}
