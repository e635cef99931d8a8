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

import org.junit.jupiter.api.Test;

class TensorSpecTest {
  private final TensorSpec image =
      TensorSpec.of("image", ElementType.FLOAT32, Shape.of(-1, 1, 8, 8));

  @Test
  void shouldAcceptAnyBatchWhenTheBatchIsDynamic() {
    assertThat(image.mismatch(Tensor.allocate(ElementType.FLOAT32, Shape.of(7, 1, 8, 8))))
        .isEmpty();
  }

  @Test
  void shouldNameBothSidesWhenATensorDoesNotFit() {
    assertThat(image.mismatch(Tensor.allocate(ElementType.UINT8, Shape.of(1, 1, 8, 8))))
        .contains(
            "tensor has the wrong element type name=image asked=FLOAT32[?, 1, 8, 8] found=UINT8[1, 1, 8, 8]");
    assertThat(image.mismatch(Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 64))).orElseThrow())
        .contains("wrong rank");
    assertThat(
            image
                .mismatch(Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 1, 8, 9)))
                .orElseThrow())
        .contains("wrong shape");
  }

  @Test
  void shouldRefuseALayoutOfAnotherRank() {
    assertThatThrownBy(() -> image.withLayout(Layout.NC))
        .hasMessageContaining("layout=NC shape=[?, 1, 8, 8]");
    assertThat(image.withLayout(Layout.NCHW).layout().channelAxis()).isEqualTo(1);
  }

  @Test
  void shouldRefuseQuantizationThatCannotApply() {
    assertThatThrownBy(() -> image.withQuantization(Quantization.perTensor(1, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    TensorSpec quantized = TensorSpec.of("q", ElementType.UINT8, Shape.of(1, 3));
    assertThat(quantized.withQuantization(Quantization.perTensor(0.5f, 128)).quantization())
        .contains(Quantization.perTensor(0.5f, 128));
  }

  @Test
  void shouldCompareShapesByTheirDimensions() {
    assertThat(Shape.of(1, -1))
        .isEqualTo(Shape.of(1, -1))
        .isNotEqualTo(Shape.of(1, 1))
        .hasToString("[1, ?]");
    assertThat(Shape.of(-1, 4).withDynamicAs(3)).isEqualTo(Shape.of(3, 4));
    assertThat(Shape.scalar().elementCount()).isEqualTo(1);
    assertThat(Shape.of(2, 0).elementCount()).isZero();
    assertThatThrownBy(() -> Shape.of(-2)).hasMessageContaining("axis=0");
    assertThatThrownBy(() -> Shape.of(Long.MAX_VALUE, 3)).hasMessageContaining("more elements");
    assertThatThrownBy(() -> Shape.of(-1).elementCount()).isInstanceOf(IllegalStateException.class);
  }
}
