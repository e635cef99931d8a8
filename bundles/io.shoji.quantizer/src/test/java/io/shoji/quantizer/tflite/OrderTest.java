/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Orders of memory against arrays whose elements are really moved. */
final class OrderTest {
  /** Reshapes and transposes at random, in ONNX's way and by renaming, 2,000 times. */
  @Test
  void shouldFindElementsWhereTheyLieWhenDimensionsAreRenamed() {
    Random random = new Random(3);
    int kept = 0;
    for (int i = 0; i < 2_000; i++) {
      int[] dims = {1 + random.nextInt(2), 1 + random.nextInt(4), 1 + random.nextInt(4), 4};
      // Memory never moves: it holds ONNX's index of the element that lies there.
      int[] memory = Order.indices(dims, Order.channelsLast(4));
      int[] onnx = Order.indices(dims, Order.inTurn(4));
      Order order = Order.of(dims, Order.channelsLast(4));
      for (int step = 0; step < 4 && order != null; step++) {
        if (random.nextBoolean()) {
          int[] perm = shuffled(order.rank(), random);
          onnx = picked(onnx, Order.indices(order.dims(), perm));
          order = order.transposed(perm);
        } else {
          order = order.reshaped(otherDims(order.dims(), random));
        }
      }
      if (order == null) {
        continue;
      }
      kept++;
      check(order, memory, onnx);
    }
    // Or nothing would have been seen.
    assertThat(kept).isGreaterThan(500);
  }

  private static void check(Order order, int[] memory, int[] onnx) {
    int[] axes = order.axes();
    if (axes != null) {
      assertThat(order.is(axes)).isTrue();
      assertThat(picked(onnx, Order.indices(order.dims(), axes))).isEqualTo(memory);
    }
    int[] plain = Order.inTurn(order.rank());
    Order.Move move = order.moveTo(plain);
    assertThat(picked(memory, Order.indices(move.dims(), move.perm()))).isEqualTo(onnx);
    assertThat(order.isPlain()).isEqualTo(Arrays.equals(memory, onnx) || order.isPlain());
    int[] last = order.lastDimension();
    if (last != null) {
      for (int i = 0; i < memory.length; i++) {
        assertThat(memory[i])
            .isEqualTo(onnx[i / last.length * last.length + last[i % last.length]]);
      }
    }
  }

  private static int[] picked(int[] from, int[] indices) {
    return Arrays.stream(indices).map(index -> from[index]).toArray();
  }

  private static int[] shuffled(int rank, Random random) {
    List<Integer> axes = new ArrayList<>(Arrays.stream(Order.inTurn(rank)).boxed().toList());
    Collections.shuffle(axes, random);
    return axes.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Two neighbours become one dimension, or one becomes two. */
  private static int[] otherDims(int[] dims, Random random) {
    List<Integer> other = new ArrayList<>(Arrays.stream(dims).boxed().toList());
    int at = random.nextInt(other.size());
    if (at + 1 < other.size() && random.nextBoolean()) {
      other.set(at, other.get(at) * other.remove(at + 1));
    } else if (other.get(at) % 2 == 0) {
      other.set(at, other.get(at) / 2);
      other.add(at + random.nextInt(2), 2);
    } else {
      other.add(at, 1);
    }
    return other.stream().mapToInt(Integer::intValue).toArray();
  }
}
