/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;

/** Tensors for tests. */
public final class Tensors {
  private Tensors() {}

  /** New tensors that fit {@code specs}, every dynamic dimension {@code batch}, zeroed. */
  public static List<Tensor> zeroed(List<TensorSpec> specs, long batch) {
    return specs.stream()
        .map(spec -> Tensor.allocate(spec.type(), spec.shape().withDynamicAs(batch)))
        .toList();
  }

  /** New tensors that fit {@code specs}, filled as {@link #fill}. */
  public static List<Tensor> random(List<TensorSpec> specs, long batch, long seed) {
    Random random = new Random(seed);
    List<Tensor> tensors = zeroed(specs, batch);
    tensors.forEach(tensor -> fill(tensor, random));
    return tensors;
  }

  /** Fills a tensor: reals in [-1, 1), booleans, and integers over their whole range. */
  public static void fill(Tensor tensor, Random random) {
    for (int i = 0; i < tensor.elementCount(); i++) {
      if (tensor.type().isFloatingPoint()) {
        tensor.setFloat(i, random.nextFloat() * 2 - 1);
      } else if (tensor.type() == ElementType.BOOL) {
        tensor.setLong(i, random.nextBoolean() ? 1 : 0);
      } else {
        long range = tensor.type().maxValue() - tensor.type().minValue() + 1;
        long value = random.nextLong();
        tensor.setLong(
            i, range > 0 ? tensor.type().minValue() + Math.floorMod(value, range) : value);
      }
    }
  }

  /** A copy of the bytes. */
  public static byte[] bytes(Tensor tensor) {
    ByteBuffer data = tensor.data().duplicate();
    byte[] bytes = new byte[data.remaining()];
    data.get(bytes);
    return bytes;
  }

  /** A new tensor with the same type, shape and content. */
  public static Tensor copy(Tensor tensor) {
    Tensor copy = Tensor.allocate(tensor.type(), tensor.shape());
    copy.copyFrom(tensor);
    return copy;
  }

  /** A scalar INT64. */
  public static Tensor scalar(long value) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, Shape.scalar());
    tensor.setLong(0, value);
    return tensor;
  }
}
