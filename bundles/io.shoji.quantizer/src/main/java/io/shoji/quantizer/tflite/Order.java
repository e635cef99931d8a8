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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The order in which a tensor's elements lie in memory, against that in which ONNX counts them.
 *
 * <p>The dimensions that ONNX speaks of are products of factors, and memory has these factors in
 * another order: of [N, C, H, W] kept as TensorFlow Lite keeps images, in the order N, H, W, C. So
 * a transposition only renames what is there, a reshape mostly too, and whether elements have to be
 * moved shows where an operator asks for a certain order. Factors of size 1 have no place in memory
 * and are left out. Immutable.
 */
final class Order {
  private final int[] dims;
  private final int[] sizes;
  private final int[][] groups;
  private final int[] storage;

  /**
   * An order.
   *
   * @param dims what ONNX says
   * @param sizes of the factors
   * @param groups the factors that make up each dimension, the slowest first
   * @param storage all factors, the slowest in memory first
   */
  private Order(int[] dims, int[] sizes, int[][] groups, int[] storage) {
    this.dims = dims;
    this.sizes = sizes;
    this.groups = groups;
    this.storage = storage;
  }

  /** Memory as ONNX counts. */
  static Order plain(int... dims) {
    int[] axes = new int[dims.length];
    Arrays.setAll(axes, i -> i);
    return of(dims, axes);
  }

  /** Memory with the dimensions in another order. */
  static Order of(int[] dims, int... axes) {
    int[][] groups = new int[dims.length][];
    List<Integer> sizes = new ArrayList<>();
    for (int i = 0; i < dims.length; i++) {
      groups[i] = dims[i] == 1 ? new int[0] : new int[] {sizes.size()};
      if (dims[i] != 1) {
        sizes.add(dims[i]);
      }
    }
    return new Order(dims.clone(), ints(sizes), groups, joined(groups, axes));
  }

  /** The axes of an image or signal of a rank as TensorFlow Lite keeps them: channels last. */
  static int[] channelsLast(int rank) {
    int[] axes = new int[rank];
    for (int i = 1; i < rank; i++) {
      axes[i] = i == rank - 1 ? 1 : i + 1;
    }
    return axes;
  }

  /** The axes as ONNX counts them. */
  static int[] inTurn(int rank) {
    int[] axes = new int[rank];
    Arrays.setAll(axes, i -> i);
    return axes;
  }

  private static int[] joined(int[][] groups, int... axes) {
    return Arrays.stream(axes).flatMap(axis -> Arrays.stream(groups[axis])).toArray();
  }

  private static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The dimensions as ONNX says them. */
  int[] dims() {
    return dims.clone();
  }

  int rank() {
    return dims.length;
  }

  int dim(int axis) {
    return dims[axis];
  }

  /** Number of elements. */
  int size() {
    int size = 1;
    for (int dim : dims) {
      size = Math.multiplyExact(size, dim);
    }
    return size;
  }

  /** Whether memory has the dimensions in this order, each whole. */
  boolean is(int... axes) {
    return Arrays.equals(storage, joined(groups, axes));
  }

  /** Whether memory is as ONNX counts. */
  boolean isPlain() {
    return is(inTurn(dims.length));
  }

  /**
   * The order in which memory has the dimensions, those of size 1 first, or null if one of them is
   * torn apart; channels last, or as ONNX counts, if it is that.
   */
  int @Nullable [] axes() {
    if (isPlain()) {
      return inTurn(dims.length);
    }
    if (dims.length > 2 && is(channelsLast(dims.length))) {
      return channelsLast(dims.length);
    }
    List<Integer> axes = new ArrayList<>();
    for (int i = 0; i < dims.length; i++) {
      if (groups[i].length == 0) {
        axes.add(i);
      }
    }
    for (int factor : storage) {
      int axis = axisOf(factor);
      if (groups[axis][0] == factor) {
        axes.add(axis);
      }
    }
    int[] found = ints(axes);
    return is(found) ? found : null;
  }

  private int axisOf(int factor) {
    for (int i = 0; i < groups.length; i++) {
      for (int each : groups[i]) {
        if (each == factor) {
          return i;
        }
      }
    }
    throw new IllegalStateException("a factor belongs to no dimension factor=" + factor);
  }

  /** After ONNX's Transpose: memory as it was. */
  Order transposed(int... perm) {
    int[] newDims = new int[perm.length];
    int[][] newGroups = new int[perm.length][];
    for (int i = 0; i < perm.length; i++) {
      newDims[i] = dims[perm[i]];
      newGroups[i] = groups[perm[i]];
    }
    return new Order(newDims, sizes, newGroups, storage);
  }

  /** After ONNX's Reshape with memory as it was, or null if the dimensions do not allow that. */
  @Nullable Order reshaped(int... newDims) {
    if (isPlain()) {
      return plain(newDims);
    }
    List<Integer> newSizes = new ArrayList<>(Arrays.stream(sizes).boxed().toList());
    List<Integer> newStorage = new ArrayList<>(Arrays.stream(storage).boxed().toList());
    List<Integer> left =
        new ArrayList<>(Arrays.stream(joined(groups, inTurn(dims.length))).boxed().toList());
    int[][] newGroups = new int[newDims.length][];
    for (int i = 0; i < newDims.length; i++) {
      List<Integer> group = new ArrayList<>();
      int open = newDims[i];
      while (open > 1) {
        if (left.isEmpty()) {
          return null;
        }
        int factor = left.remove(0);
        int size = newSizes.get(factor);
        if (open % size != 0) {
          if (size % open != 0) {
            return null;
          }
          // The factor is cut in two, of which the first completes this dimension.
          int rest = newSizes.size();
          newSizes.set(factor, open);
          newSizes.add(size / open);
          newStorage.add(newStorage.indexOf(factor) + 1, rest);
          left.add(0, rest);
          size = open;
        }
        group.add(factor);
        open /= size;
      }
      newGroups[i] = ints(group);
    }
    return left.isEmpty()
        ? new Order(newDims.clone(), ints(newSizes), newGroups, ints(newStorage))
        : null;
  }

  /** A transposition in memory: dimensions before it, and which of them comes where. */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares it
  record Move(int[] dims, int[] perm) {}

  /** What brings memory into an order of the dimensions, with as few dimensions as can be. */
  Move moveTo(int... axes) {
    return move(storage, joined(groups, axes));
  }

  private Move move(int[] from, int[] to) {
    // Factors that stay neighbours move as one.
    List<List<Integer>> blocks = new ArrayList<>();
    for (int i = 0; i < from.length; i++) {
      int place = indexOf(to, from[i]);
      boolean follows = i > 0 && place > 0 && to[place - 1] == from[i - 1];
      if (!follows) {
        blocks.add(new ArrayList<>());
      }
      blocks.get(blocks.size() - 1).add(from[i]);
    }
    int[] blockDims =
        blocks.stream()
            .mapToInt(
                block ->
                    block.stream().mapToInt(factor -> sizes[factor]).reduce(1, (a, b) -> a * b))
            .toArray();
    List<Integer> perm = new ArrayList<>();
    for (int factor : to) {
      for (int i = 0; i < blocks.size(); i++) {
        if (blocks.get(i).get(0) == factor) {
          perm.add(i);
        }
      }
    }
    return new Move(blockDims, ints(perm));
  }

  private static int indexOf(int[] array, int value) {
    for (int i = 0; i < array.length; i++) {
      if (array[i] == value) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Where memory has the last dimension's elements behind all others, these being as ONNX counts
   * them: for each place in memory along it, ONNX's index. Null if memory is otherwise.
   */
  int @Nullable [] lastDimension() {
    int last = dims.length - 1;
    int[] before = joined(groups, Arrays.copyOf(inTurn(dims.length), last));
    int[] own = groups[last];
    if (!Arrays.equals(Arrays.copyOf(storage, before.length), before)) {
      return null;
    }
    int[] strides = new int[sizes.length];
    int stride = 1;
    for (int i = own.length - 1; i >= 0; i--) {
      strides[own[i]] = stride;
      stride *= sizes[own[i]];
    }
    int[] index = new int[dims[last]];
    for (int place = 0; place < index.length; place++) {
      int rest = place;
      for (int i = storage.length - 1; i >= before.length; i--) {
        index[place] += rest % sizes[storage[i]] * strides[storage[i]];
        rest /= sizes[storage[i]];
      }
    }
    return index;
  }

  /** For each place in memory, ONNX's index in row-major order. */
  static int[] indices(int[] dims, int... axes) {
    int[] strides = new int[dims.length];
    int stride = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= dims[i];
    }
    int[] indices = new int[stride];
    for (int place = 0; place < stride; place++) {
      int rest = place;
      for (int i = axes.length - 1; i >= 0; i--) {
        indices[place] += rest % dims[axes[i]] * strides[axes[i]];
        rest /= dims[axes[i]];
      }
    }
    return indices;
  }

  @Override
  public String toString() {
    return Arrays.toString(dims) + " in memory " + Arrays.toString(storage);
  }
}
