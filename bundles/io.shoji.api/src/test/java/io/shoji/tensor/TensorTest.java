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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void shouldReadBackWhatWasWrittenWhenInRange(ElementType type) {
    Tensor tensor = Tensor.allocate(type, Shape.of(3, 5));
    Random random = new Random(3);
    long[] written = new long[tensor.elementCount()];
    for (int i = 0; i < written.length; i++) {
      written[i] =
          type == ElementType.BOOL
              ? random.nextInt(2)
              : type == ElementType.UINT8 || type == ElementType.UINT16
                  ? random.nextInt(256)
                  : random.nextInt(16) - 8;
      tensor.setLong(i, written[i]);
    }
    for (int i = 0; i < written.length; i++) {
      assertThat(tensor.getLong(i)).as("%s element %d", type, i).isEqualTo(written[i]);
      assertThat(tensor.getFloat(i)).isEqualTo((float) written[i]);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"INT4", "INT8", "UINT8", "INT16", "UINT16", "INT32", "INT64"})
  void shouldSaturateWhenWrittenOutOfRange(ElementType type) {
    Tensor tensor = Tensor.allocate(type, Shape.of(4));
    tensor.setFloat(0, Float.POSITIVE_INFINITY);
    tensor.setFloat(1, Float.NEGATIVE_INFINITY);
    tensor.setFloat(2, Float.NaN);
    tensor.setFloat(3, 2.5f);
    long max = type == ElementType.INT64 ? Long.MAX_VALUE : type.maxValue();
    long min = type == ElementType.INT64 ? Long.MIN_VALUE : type.minValue();
    assertThat(tensor.getLong(0)).isEqualTo(max);
    assertThat(tensor.getLong(1)).isEqualTo(min);
    assertThat(tensor.getLong(2)).isZero();
    assertThat(tensor.getLong(3)).isEqualTo(2);
  }

  @Test
  void shouldPackTheEvenIndexInTheLowNibbleWhenInt4() {
    Tensor tensor = Tensor.allocate(ElementType.INT4, Shape.of(3));
    tensor.setLong(0, 1);
    tensor.setLong(1, -8);
    tensor.setLong(2, 7);
    assertThat(tensor.byteSize()).isEqualTo(2);
    assertThat(tensor.data().get(0)).isEqualTo((byte) 0x81);
    assertThat(tensor.data().get(1)).isEqualTo((byte) 0x07);
    tensor.setLong(0, 6);
    assertThat(tensor.getLong(1)).isEqualTo(-8);
    assertThat(tensor.getLong(0)).isEqualTo(6);
  }

  @Test
  void shouldShareMemoryWithItsBufferWhenWrapped() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder());
    buffer.position(8);
    Tensor tensor = Tensor.wrap(ElementType.FLOAT32, Shape.of(2, 2), buffer);
    tensor.setFloat(3, 4.5f);
    assertThat(buffer.getFloat(20)).isEqualTo(4.5f);
    assertThat(buffer.position()).isEqualTo(8);
  }

  @Test
  void shouldSayWhatIsWrongWithABufferWhenRefused() {
    Shape two = Shape.of(2);
    assertRefused(ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()), "on the heap");
    ByteOrder foreign =
        ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN
            ? ByteOrder.LITTLE_ENDIAN
            : ByteOrder.BIG_ENDIAN;
    assertRefused(ByteBuffer.allocateDirect(8).order(foreign), "native byte order");
    assertRefused(ByteBuffer.allocateDirect(12).order(ByteOrder.nativeOrder()), "asked=8 found=12");
    assertRefused(
        ByteBuffer.allocateDirect(8)
            .order(ByteOrder.nativeOrder())
            .asReadOnlyBuffer()
            .order(ByteOrder.nativeOrder()),
        "writable");
    ByteBuffer odd =
        Tensor.allocate(ElementType.INT8, Shape.of(9))
            .data()
            .duplicate()
            .order(ByteOrder.nativeOrder());
    odd.position(1);
    assertRefused(odd, "not aligned");
    assertThatThrownBy(() -> Tensor.allocate(ElementType.FLOAT32, Shape.of(-1, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("concrete shape type=FLOAT32 shape=[?, 2]");
    assertThatThrownBy(() -> Tensor.allocate(ElementType.FLOAT64, Shape.of(1 << 30)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("more than a buffer can hold");
    assertThatThrownBy(() -> Tensor.ofFloats(two, 1)).hasMessageContaining("asked=2 found=1");
  }

  private static void assertRefused(ByteBuffer buffer, String reason) {
    assertThatThrownBy(() -> Tensor.wrap(ElementType.FLOAT32, Shape.of(2), buffer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining("shape=[2]");
  }

  @Test
  void shouldAlignNewMemoryToACacheLine() {
    for (int bytes = 1; bytes < 70; bytes++) {
      Tensor tensor = Tensor.allocate(ElementType.INT8, Shape.of(bytes));
      assertThat(tensor.data().alignmentOffset(0, Tensor.ALIGNMENT)).isZero();
      assertThat(tensor.byteSize()).isEqualTo(bytes);
      assertThat(tensor.data().order()).isEqualTo(ByteOrder.nativeOrder());
    }
    assertThat(Tensor.allocate(ElementType.FLOAT32, Shape.of(0, 4)).byteSize()).isZero();
  }

  @Test
  void shouldRefuseAnIndexOutsideTheTensor() {
    Tensor nibbles = Tensor.allocate(ElementType.INT4, Shape.of(3));
    assertThatThrownBy(() -> nibbles.getLong(3)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> nibbles.setLong(-1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void shouldCopyOnlyFromTheSameTypeAndSize() {
    Tensor source = Tensor.ofFloats(Shape.of(2, 2), 1, 2, 3, 4);
    Tensor target = Tensor.allocate(ElementType.FLOAT32, Shape.of(4));
    target.copyFrom(source);
    assertThat(target.getFloat(3)).isEqualTo(4);
    assertThatThrownBy(() -> target.copyFrom(Tensor.allocate(ElementType.INT32, Shape.of(4))))
        .hasMessageContaining("source=INT32[4] target=FLOAT32[4]");
  }

  @Test
  void shouldHaveMemoryOfItsOwnWhenManySmallOnesAreMadeAtOnce() throws Exception {
    int threads = 4;
    List<Callable<List<Tensor>>> makers = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      Random random = new Random(t);
      makers.add(
          () -> {
            List<Tensor> made = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
              // Some are too large to share.
              Tensor tensor = Tensor.allocate(ElementType.INT32, Shape.of(random.nextInt(1_100)));
              assertThat(isFilledWith(tensor, 0)).isTrue();
              made.add(tensor);
            }
            return made;
          });
    }
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    List<Tensor> all = new ArrayList<>();
    try {
      for (Future<List<Tensor>> made : executor.invokeAll(makers)) {
        all.addAll(made.get());
      }
    } finally {
      executor.shutdown();
    }
    for (int i = 0; i < all.size(); i++) {
      IntBuffer values = all.get(i).data().asIntBuffer();
      while (values.hasRemaining()) {
        values.put(i);
      }
    }
    for (int i = 0; i < all.size(); i++) {
      assertThat(all.get(i).data().alignmentOffset(0, Tensor.ALIGNMENT)).isZero();
      assertThat(isFilledWith(all.get(i), i)).as("tensor %d", i).isTrue();
    }
  }

  private static boolean isFilledWith(Tensor tensor, int value) {
    IntBuffer values = tensor.data().asIntBuffer();
    boolean same = values.remaining() == tensor.elementCount();
    while (same && values.hasRemaining()) {
      same = values.get() == value;
    }
    return same;
  }
}
