/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;

/** Puts channels last, as Hailo's compiler has them. */
final class ChannelOrder {
  private ChannelOrder() {}

  /**
   * A sample in the order batch, height, width, channels; one-dimensional signals have a height of
   * 1, features stay as they are.
   *
   * @param layout of the tensor; ANY for ONNX's, channels first
   */
  static Tensor last(Tensor tensor, Layout layout) {
    long[] dims = tensor.shape().dims();
    if (dims.length < 3 || dims.length > 4) {
      return tensor;
    }
    boolean already = layout == Layout.NHWC || layout == Layout.NWC;
    long batch = dims[0];
    long channels = already ? dims[dims.length - 1] : dims[1];
    long height = dims.length == 3 ? 1 : already ? dims[1] : dims[2];
    long width = already ? dims[dims.length - 2] : dims[dims.length - 1];
    Tensor last = Tensor.allocate(tensor.type(), Shape.of(batch, height, width, channels));
    int element = tensor.byteSize() / Math.toIntExact(Math.max(1, tensor.elementCount()));
    int plane = Math.toIntExact(height * width);
    int to = 0;
    for (int n = 0; n < batch; n++) {
      for (int p = 0; p < plane; p++) {
        for (int c = 0; c < channels; c++) {
          long from = already ? to : ((long) n * channels + c) * plane + p;
          last.data().put(to * element, tensor.data(), Math.toIntExact(from * element), element);
          to++;
        }
      }
    }
    return last;
  }
}
