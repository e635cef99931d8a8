/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import io.shoji.tensor.Layout;
import io.shoji.tensor.Tensor;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.jspecify.annotations.Nullable;

/** A sample that a person can look at. */
public sealed interface Picture {
  /** Longest side of an image, pixels. */
  int LONGEST_SIDE = 128;

  /** Points of a signal. */
  int MOST_POINTS = 256;

  /** Curves of a signal. */
  int MOST_CURVES = 4;

  /**
   * An image in PNG format.
   *
   * @param png base64
   * @param width pixels
   * @param height pixels
   */
  record Image(String png, int width, int height) implements Picture {}

  /**
   * A signal.
   *
   * @param curves one per channel
   * @param samples how many samples the tensor has per channel
   */
  record Signal(List<Curve> curves, int samples) implements Picture {
    /** Copies the curves. */
    public Signal {
      curves = List.copyOf(curves);
    }
  }

  /**
   * A channel: for each of its parts the smallest and the largest value, so that no peak is lost.
   */
  record Curve(List<Float> low, List<Float> high) {
    /** Copies the values. */
    public Curve {
      low = List.copyOf(low);
      high = List.copyOf(high);
    }
  }

  /**
   * What a tensor shows: an image for NCHW and NHWC with 1, 3 or 4 channels, its values spread from
   * black to white; a signal for NCW and NWC and for single rows of at least 16 values. The first
   * of a batch; large ones are made smaller.
   *
   * @return empty for all else
   */
  static Optional<Picture> of(@Nullable Tensor tensor, Layout layout) {
    if (tensor == null || tensor.elementCount() == 0) {
      return Optional.empty();
    }
    int[] dims = new int[tensor.shape().rank()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = Math.toIntExact(tensor.shape().dim(i));
    }
    Layout known = layout == Layout.ANY ? guess(dims) : layout;
    if (known.rank() != dims.length) {
      return Optional.empty();
    }
    return switch (known) {
      case NCHW -> image(tensor, dims[1], dims[2], dims[3], dims[2] * dims[3], dims[3], 1);
      case NHWC -> image(tensor, dims[3], dims[1], dims[2], 1, dims[2] * dims[3], dims[3]);
      case NCW -> Optional.of(signal(tensor, dims[1], dims[2], dims[2], 1));
      case NWC -> Optional.of(signal(tensor, dims[2], dims[1], 1, dims[2]));
      case NC -> dims[1] < 16 ? Optional.empty() : Optional.of(signal(tensor, 1, dims[1], 0, 1));
      case ANY -> Optional.empty();
    };
  }

  private static Layout guess(int[] dims) {
    return switch (dims.length) {
      case 2 -> Layout.NC;
      case 3 -> dims[1] <= dims[2] ? Layout.NCW : Layout.NWC;
      case 4 -> dims[1] <= 4 ? Layout.NCHW : dims[3] <= 4 ? Layout.NHWC : Layout.ANY;
      default -> Layout.ANY;
    };
  }

  private static Optional<Picture> image(
      Tensor tensor,
      int channels,
      int height,
      int width,
      int channelStep,
      int rowStep,
      int columnStep) {
    if (channels != 1 && channels != 3 && channels != 4) {
      return Optional.empty();
    }
    int colors = channels == 1 ? 1 : 3;
    double shrink = Math.max(1, (double) Math.max(width, height) / LONGEST_SIDE);
    int shownWidth = Math.max(1, (int) (width / shrink));
    int shownHeight = Math.max(1, (int) (height / shrink));
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    float[] values = new float[shownWidth * shownHeight * colors];
    for (int y = 0; y < shownHeight; y++) {
      for (int x = 0; x < shownWidth; x++) {
        for (int c = 0; c < colors; c++) {
          long at =
              (long) c * channelStep
                  + (long) (int) (y * shrink) * rowStep
                  + (long) (int) (x * shrink) * columnStep;
          float value = tensor.getFloat(at);
          value = Float.isFinite(value) ? value : 0;
          values[(y * shownWidth + x) * colors + c] = value;
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
      }
    }
    float span = high > low ? high - low : 1;
    BufferedImage image =
        new BufferedImage(
            shownWidth,
            shownHeight,
            colors == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < shownHeight; y++) {
      for (int x = 0; x < shownWidth; x++) {
        int[] pixel = new int[colors];
        for (int c = 0; c < colors; c++) {
          float value = values[(y * shownWidth + x) * colors + c];
          pixel[c] = Math.round(255 * ((value - low) / span));
        }
        image.getRaster().setPixel(x, y, pixel);
      }
    }
    return Optional.of(new Image(png(image), shownWidth, shownHeight));
  }

  private static String png(BufferedImage image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(image, "png", out)) {
        throw new IllegalStateException("every Java platform writes PNG");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not take an image", e);
    }
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }

  private static Picture signal(
      Tensor tensor, int channels, int length, int channelStep, int step) {
    int points = Math.min(length, MOST_POINTS);
    List<Curve> curves = new ArrayList<>();
    for (int c = 0; c < Math.min(channels, MOST_CURVES); c++) {
      List<Float> lows = new ArrayList<>();
      List<Float> highs = new ArrayList<>();
      for (int p = 0; p < points; p++) {
        int from = (int) ((long) p * length / points);
        int to = (int) ((long) (p + 1) * length / points);
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (int i = from; i < to; i++) {
          float value = tensor.getFloat((long) c * channelStep + (long) i * step);
          value = Float.isFinite(value) ? value : 0;
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
        lows.add(low);
        highs.add(high);
      }
      curves.add(new Curve(lows, highs));
    }
    return new Signal(curves, length);
  }
}
