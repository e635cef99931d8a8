/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.quantizer.onnx.Node;
import org.jspecify.annotations.Nullable;

/**
 * Which output channel each weight of a layer belongs to, after the layouts of the ONNX operators:
 * Conv [out, in / groups, ...], ConvTranspose [in, out / groups, ...], Gemm [in, out] or its
 * transpose, MatMul [in, out].
 */
final class Channels {
  private final int axis;
  private final int axisSize;
  private final int inner;
  private final int groups;
  private final int perGroup;

  private Channels(int axis, int axisSize, int inner, int groups, int perGroup) {
    this.axis = axis;
    this.axisSize = axisSize;
    this.inner = inner;
    this.groups = groups;
    this.perGroup = perGroup;
  }

  /** The channels of a layer's weights, or null if it has no such layout. */
  static @Nullable Channels of(Node layer, long[] dims) {
    if (layer.is("Conv") && dims.length >= 3) {
      return of(0, dims, 1);
    }
    if (layer.is("ConvTranspose") && dims.length >= 3) {
      long groups = layer.integer("group", 1);
      return groups < 1 || dims[0] % groups != 0 ? null : of(1, dims, (int) groups);
    }
    if (layer.is("Gemm") && dims.length == 2) {
      return of(layer.integer("transB", 0) == 0 ? 1 : 0, dims, 1);
    }
    return layer.is("MatMul") && dims.length == 2 ? of(1, dims, 1) : null;
  }

  private static Channels of(int axis, long[] dims, int groups) {
    int inner = 1;
    for (int i = axis + 1; i < dims.length; i++) {
      inner *= (int) dims[i];
    }
    return new Channels(
        axis, (int) dims[axis], inner, groups, (int) dims[axis] * inner * (int) dims[0] / groups);
  }

  /** The axis that the scales of the weights run along. */
  int axis() {
    return axis;
  }

  /** Size of the axis: the output channels, or those of one group. */
  int size() {
    return axisSize;
  }

  /** Number of output channels. */
  int outputs() {
    return axisSize * groups;
  }

  /** Index along the axis of the weight at an index in row-major order. */
  int index(int weight) {
    return weight / inner % axisSize;
  }

  /** Output channel of the weight at an index in row-major order. */
  int output(int weight) {
    return groups == 1 ? index(weight) : weight / perGroup * axisSize + index(weight);
  }

  /** Index along the axis of an output channel. */
  int indexOfOutput(int channel) {
    return channel % axisSize;
  }
}
