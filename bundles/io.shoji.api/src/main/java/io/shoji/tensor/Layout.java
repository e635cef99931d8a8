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

/**
 * What the dimensions of a tensor mean: N batch, C channels, H height, W width (or time, for
 * signals).
 *
 * <p>ONNX and TensorRT models are usually {@link #NCHW}; TensorFlow Lite, the Edge TPU and Hailo's
 * host-side formats are {@link #NHWC}.
 */
public enum Layout {
  /** No meaning declared; any rank. */
  ANY(-1, -1),
  /** Batch, features. */
  NC(2, 1),
  /** Batch, channels, time: 1-D convolution in ONNX. */
  NCW(3, 1),
  /** Batch, time, channels: 1-D convolution in TensorFlow Lite. */
  NWC(3, 2),
  /** Batch, channels, height, width. */
  NCHW(4, 1),
  /** Batch, height, width, channels. */
  NHWC(4, 3);

  private final int rank;
  private final int channelAxis;

  Layout(int rank, int channelAxis) {
    this.rank = rank;
    this.channelAxis = channelAxis;
  }

  /** Rank that a tensor of this layout must have, or -1 if any. */
  public int rank() {
    return rank;
  }

  /** Axis of the channels, or -1 if the layout declares none. */
  public int channelAxis() {
    return channelAxis;
  }
}
