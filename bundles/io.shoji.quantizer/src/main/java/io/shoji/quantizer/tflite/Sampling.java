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

import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.wire.TensorProto;

/**
 * TensorFlow Lite's way to resize that reads the same places of the input as ONNX's, found by
 * comparing the places: of ONNX's many modes some are the same for certain sizes only.
 */
record Sampling(boolean nearest, boolean alignedCorners, boolean halfPixels) {
  private static final float SAME_PLACE = 1e-3f;

  /** The way for both directions. */
  static Sampling of(
      Node node, Graph graph, int rank, int height, int width, int newHeight, int newWidth)
      throws QuantizerException {
    String mode = node.text("mode", "nearest");
    if (!mode.equals("nearest") && !mode.equals("linear")) {
      throw Operations.refused(node, "resizing is nearest or linear mode=" + mode);
    }
    if (node.integer("antialias", 0) != 0) {
      throw Operations.refused(node, "resizing with antialias");
    }
    boolean nearest = mode.equals("nearest");
    for (int i = 0; i < 3; i++) {
      Sampling sampling = new Sampling(nearest, i == 2, i == 1);
      if (sampling.fits(
              node, scale(node, graph, rank, rank - 2, height, newHeight), height, newHeight)
          && sampling.fits(
              node, scale(node, graph, rank, rank - 1, width, newWidth), width, newWidth)) {
        return sampling;
      }
    }
    throw Operations.refused(
        node,
        "no way of TensorFlow Lite reads the same places; with"
            + " coordinate_transformation_mode=asymmetric and nearest_mode=floor, or half_pixel for"
            + " linear, there is one");
  }

  /** How much a dimension grows, as ONNX computes with it. */
  private static float scale(Node node, Graph graph, int rank, int axis, int size, int newSize) {
    TensorProto scales = graph.constant(node.input(2));
    if (axis < 2 || scales == null || Constants.size(scales) == 0) {
      return (float) newSize / size;
    }
    float[] given = Constants.floats(scales);
    long[] axes = node.integers("axes");
    if (axes == null) {
      return given.length == rank ? given[axis] : (float) newSize / size;
    }
    for (int i = 0; i < axes.length; i++) {
      if ((axes[i] < 0 ? axes[i] + rank : axes[i]) == axis) {
        return given[i];
      }
    }
    return 1;
  }

  private boolean fits(Node node, float scale, int size, int newSize) throws QuantizerException {
    if (size == newSize && scale == 1 && !alignedCorners) {
      // Every way leaves it as it is.
      return true;
    }
    for (int i = 0; i < newSize; i++) {
      float asked = asked(node, scale, size, newSize, i);
      if (nearest
          ? asked != nearestPlace(size, newSize, i)
          : Math.abs(asked - place(size, newSize, i)) > SAME_PLACE) {
        return false;
      }
    }
    return true;
  }

  /** The place that ONNX reads. */
  private float asked(Node node, float scale, int size, int newSize, int index)
      throws QuantizerException {
    String transformation = node.text("coordinate_transformation_mode", "half_pixel");
    float place =
        switch (transformation) {
          case "half_pixel" -> (index + 0.5f) / scale - 0.5f;
          case "pytorch_half_pixel" -> newSize > 1 ? (index + 0.5f) / scale - 0.5f : 0;
          case "asymmetric" -> index / scale;
          case "align_corners" -> newSize > 1 ? (float) index * (size - 1) / (newSize - 1) : 0;
          default ->
              throw Operations.refused(
                  node,
                  "an unknown way to resize coordinate_transformation_mode=" + transformation);
        };
    if (nearest) {
      String rounding = node.text("nearest_mode", "round_prefer_floor");
      place =
          (float)
              switch (rounding) {
                case "round_prefer_floor" -> Math.ceil(place - 0.5f);
                case "round_prefer_ceil" -> Math.floor(place + 0.5f);
                case "floor" -> Math.floor(place);
                case "ceil" -> Math.ceil(place);
                default ->
                    throw Operations.refused(node, "an unknown rounding nearest_mode=" + rounding);
              };
    }
    return Math.max(0, Math.min(size - 1, place));
  }

  private float factor(int size, int newSize) {
    return alignedCorners && newSize > 1
        ? (size - 1) / (float) (newSize - 1)
        : size / (float) newSize;
  }

  private int nearestPlace(int size, int newSize, int index) {
    float place = (index + (halfPixels ? 0.5f : 0)) * factor(size, newSize);
    int rounded = (int) (alignedCorners ? Math.round(place) : Math.floor(place));
    return Math.max(0, Math.min(size - 1, rounded));
  }

  private float place(int size, int newSize, int index) {
    float factor = factor(size, newSize);
    float place = halfPixels ? (index + 0.5f) * factor - 0.5f : index * factor;
    return Math.max(0, Math.min(size - 1, place));
  }
}
