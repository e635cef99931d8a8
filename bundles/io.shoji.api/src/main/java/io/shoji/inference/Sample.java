/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;

/** What goes into a pipeline. The arrays and buffers are borrowed, not copied. */
public sealed interface Sample {
  /**
   * A picture as PNG or JPEG.
   *
   * @param bytes the file, from position to limit; any kind of buffer
   */
  record EncodedImage(ByteBuffer bytes) implements Sample {}

  /**
   * A picture as bytes: rows from the top, pixels from the left, channels together, no padding.
   *
   * @param width pixels
   * @param height pixels
   * @param order meaning of a pixel's bytes
   * @param bytes {@code width * height * channels} bytes from position to limit; any kind of buffer
   */
  record RawImage(int width, int height, PixelOrder order, ByteBuffer bytes) implements Sample {}

  /** Meaning of a raw pixel's bytes. */
  enum PixelOrder {
    /** One byte of brightness. */
    GRAY,
    /** Red, green, blue. */
    RGB,
    /** Blue, green, red, as OpenCV keeps them. */
    BGR
  }

  /**
   * A piece of a signal: the next values of each channel.
   *
   * @param channels by channel, in the pipeline's order; each from position to limit, all of one
   *     length
   */
  record Signal(List<FloatBuffer> channels) implements Sample {
    /** Copies the list, not the values. */
    public Signal {
      channels = List.copyOf(channels);
    }

    /** A piece of a signal of one channel. */
    public static Signal of(float... values) {
      return new Signal(List.of(FloatBuffer.wrap(values)));
    }
  }

  /**
   * Tensors as the model takes them.
   *
   * @param inputs one per input, in the model's order
   */
  record Tensors(List<Tensor> inputs) implements Sample {}
}
