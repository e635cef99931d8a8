/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

/**
 * Where a point of the model's input lies in the picture that came in. Mutable, of one pipeline.
 *
 * <p>{@code picture = (input - offset) * factor}, along each axis, both in pixels counted from the
 * upper left corner of the upper left pixel.
 */
final class Geometry {
  private int inputWidth;
  private int inputHeight;
  private int pictureWidth;
  private int pictureHeight;
  private int left;
  private int top;
  private double factorX = 1;
  private double factorY = 1;

  /**
   * @param left column of the input where the picture's left edge lies; negative if cut off
   * @param top row of the input where the picture's upper edge lies; negative if cut off
   * @param scaledWidth columns of the input that the whole picture takes
   * @param scaledHeight rows of the input that the whole picture takes
   */
  void set(
      int pictureWidth,
      int pictureHeight,
      int inputWidth,
      int inputHeight,
      int left,
      int top,
      int scaledWidth,
      int scaledHeight) {
    this.pictureWidth = pictureWidth;
    this.pictureHeight = pictureHeight;
    this.inputWidth = inputWidth;
    this.inputHeight = inputHeight;
    this.left = left;
    this.top = top;
    this.factorX = (double) pictureWidth / scaledWidth;
    this.factorY = (double) pictureHeight / scaledHeight;
  }

  /** The input is the picture. */
  void setIdentity(int width, int height) {
    set(width, height, width, height, 0, 0, width, height);
  }

  int inputWidth() {
    return inputWidth;
  }

  int inputHeight() {
    return inputHeight;
  }

  int pictureWidth() {
    return pictureWidth;
  }

  int pictureHeight() {
    return pictureHeight;
  }

  float pictureX(double inputX) {
    return (float) ((inputX - left) * factorX);
  }

  float pictureY(double inputY) {
    return (float) ((inputY - top) * factorY);
  }
}
