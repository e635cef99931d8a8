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

import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.wire.TensorProto;
import java.util.ArrayList;
import java.util.List;

/**
 * The weights of a layer before quantization. Where the largest channel is far larger than the
 * smallest, one scale for all of them would cost the small ones their bits.
 *
 * @param layer name of the node
 * @param min smallest weight
 * @param max largest weight
 * @param channels output channels
 * @param smallestChannel largest magnitude in the channel, other than of zeros only, where that is
 *     least; 0 if all are zero
 * @param largestChannel largest magnitude of all
 */
public record WeightRange(
    String layer, float min, float max, int channels, float smallestChannel, float largestChannel) {
  /** Of each layer of a prepared model that has constant FP32 weights, in order. */
  public static List<WeightRange> of(Preparation.Prepared prepared) {
    List<WeightRange> ranges = new ArrayList<>();
    for (Node node : prepared.model().graph().nodes()) {
      TensorProto weight =
          node.inputs().size() > 1 ? prepared.model().graph().constant(node.input(1)) : null;
      Channels channels =
          weight == null || weight.getDataType() != Constants.FLOAT
              ? null
              : Channels.of(node, Constants.dims(weight));
      if (weight != null && channels != null && Constants.size(weight) > 0) {
        ranges.add(of(node, Constants.floats(weight), channels));
      }
    }
    return ranges;
  }

  private static WeightRange of(Node node, float[] values, Channels channels) {
    float[] magnitudes = new float[channels.outputs()];
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < values.length; i++) {
      int channel = channels.output(i);
      magnitudes[channel] = Math.max(magnitudes[channel], Math.abs(values[i]));
      min = Math.min(min, values[i]);
      max = Math.max(max, values[i]);
    }
    float smallest = 0;
    float largest = 0;
    for (float magnitude : magnitudes) {
      largest = Math.max(largest, magnitude);
      if (magnitude > 0 && (smallest == 0 || magnitude < smallest)) {
        smallest = magnitude;
      }
    }
    return new WeightRange(node.name(), min, max, magnitudes.length, smallest, largest);
  }
}
