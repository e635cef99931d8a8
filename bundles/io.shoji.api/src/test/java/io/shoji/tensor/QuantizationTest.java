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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizationTest {
  @Test
  void shouldRoundHalfToEvenBeforeAddingTheZeroPoint() {
    Quantization odd = Quantization.perTensor(1f, 3);
    assertThat(odd.quantize(0.5f, 0, ElementType.INT8)).isEqualTo(3);
    assertThat(odd.quantize(1.5f, 0, ElementType.INT8)).isEqualTo(5);
    assertThat(odd.quantize(2.5f, 0, ElementType.INT8)).isEqualTo(5);
    assertThat(odd.quantize(-0.5f, 0, ElementType.INT8)).isEqualTo(3);
    assertThat(odd.quantize(-1.5f, 0, ElementType.INT8)).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"INT4", "INT8", "UINT8", "INT16", "UINT16", "INT32"})
  void shouldSaturateAtTheRangeOfTheType(ElementType type) {
    Quantization quantization = Quantization.perTensor(1e-3f, 0);
    assertThat(quantization.quantize(Float.MAX_VALUE, 0, type)).isEqualTo(type.maxValue());
    assertThat(quantization.quantize(-Float.MAX_VALUE, 0, type)).isEqualTo(type.minValue());
    assertThat(quantization.quantize(Float.POSITIVE_INFINITY, 0, type)).isEqualTo(type.maxValue());
    assertThat(quantization.quantize(Float.NEGATIVE_INFINITY, 0, type)).isEqualTo(type.minValue());
  }

  @Test
  void shouldTakeNanForRealZero() {
    assertThat(Quantization.perTensor(0.1f, 7).quantize(Float.NaN, 0, ElementType.UINT8))
        .isEqualTo(7);
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"INT4", "INT8", "UINT8", "INT16", "UINT16"})
  void shouldStayWithinHalfAStepWhenQuantizedAndBack(ElementType type) {
    Random random = new Random(11);
    for (int round = 0; round < 1000; round++) {
      float scale = (float) Math.exp(random.nextGaussian() * 3);
      long span = type.maxValue() - type.minValue();
      int zeroPoint = (int) (type.minValue() + (long) (random.nextDouble() * (span + 1)));
      Quantization quantization = Quantization.perTensor(scale, zeroPoint);
      double low = scale * (double) (type.minValue() - zeroPoint);
      double high = scale * (double) (type.maxValue() - zeroPoint);
      float real = (float) (low + random.nextDouble() * (high - low));
      long quantized = quantization.quantize(real, 0, type);
      assertThat(quantized).isBetween(type.minValue(), type.maxValue());
      assertThat((double) quantization.dequantize(quantized, 0))
          .isBetween(
              real - 0.5001 * scale - Math.ulp(real), real + 0.5001 * scale + Math.ulp(real));
    }
  }

  @Test
  void shouldUseTheParametersOfTheAxisIndex() {
    Quantization quantization =
        Quantization.perAxis(1, new float[] {1f, 0.5f, 2f}, new int[] {0, 10, -10});
    Tensor real = Tensor.ofFloats(Shape.of(2, 3, 2), 1, 2, 1, 2, 4, 8, -1, -2, -1, -2, -4, -8);
    Tensor quantized = Tensor.allocate(ElementType.INT8, real.shape());
    quantization.quantize(real, quantized);
    long[] expected = {1, 2, 12, 14, -8, -6, -1, -2, 8, 6, -12, -14};
    for (int i = 0; i < expected.length; i++) {
      assertThat(quantized.getLong(i)).as("element %d", i).isEqualTo(expected[i]);
    }
    Tensor back = Tensor.allocate(ElementType.FLOAT32, real.shape());
    quantization.dequantize(quantized, back);
    for (int i = 0; i < expected.length; i++) {
      assertThat(back.getFloat(i)).isEqualTo(real.getFloat(i));
    }
  }

  @Test
  void shouldWriteNothingWhenTensorsDoNotFit() {
    Quantization quantization = Quantization.perAxis(1, new float[] {1f, 1f}, new int[] {0, 0});
    Tensor real = Tensor.ofFloats(Shape.of(1, 3), 1, 2, 3);
    Tensor quantized = Tensor.allocate(ElementType.INT8, Shape.of(1, 3));
    assertThatThrownBy(() -> quantization.quantize(real, quantized))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("axis=1 scales=2 shape=[1, 3]");
    assertThat(quantized.getLong(0)).isZero();
  }

  @Test
  void shouldRefuseParametersWithoutMeaning() {
    assertThatThrownBy(() -> Quantization.perTensor(0f, 0)).hasMessageContaining("scale=0.0");
    assertThatThrownBy(() -> Quantization.perTensor(Float.NaN, 0))
        .hasMessageContaining("scale=NaN");
    assertThatThrownBy(() -> Quantization.perTensor(Float.POSITIVE_INFINITY, 0))
        .hasMessageContaining("Infinity");
    assertThatThrownBy(() -> Quantization.perAxis(0, new float[] {1}, new int[] {0, 1}))
        .hasMessageContaining("scales=1 zeroPoints=2");
    assertThatThrownBy(
            () -> Quantization.perTensor(1f, 300).check(ElementType.UINT8, Shape.scalar()))
        .hasMessageContaining("zeroPoint=300 type=UINT8");
    assertThatThrownBy(
            () -> Quantization.perTensor(1f, 0).check(ElementType.FLOAT16, Shape.scalar()))
        .hasMessageContaining("type=FLOAT16");
  }
}
