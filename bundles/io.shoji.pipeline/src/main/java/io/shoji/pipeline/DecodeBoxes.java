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

import io.shoji.inference.InferenceException;
import io.shoji.tensor.Shape;
import java.util.Arrays;

/** Reads boxes and scores out of a detector's outputs and maps them back to the picture. */
final class DecodeBoxes implements PostStep {
  /** Meaning of a box's four numbers. */
  enum Format {
    /** Centre and size. */
    CXCYWH("cxcywh"),
    /** Upper left and lower right corner. */
    XYXY("xyxy"),
    /** The same, y first. */
    YXYX("yxyx"),
    /** Upper left corner and size. */
    XYWH("xywh");

    private final String text;

    Format(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** Which dimension counts the boxes. */
  enum Order {
    /** {@code [1, boxes, numbers]}. */
    ROWS("rows"),
    /** {@code [1, numbers, boxes]}. */
    CHANNELS("channels");

    private final String text;

    Order(String text) {
      this.text = text;
    }

    /** Axis of the boxes in an output of rank 3. */
    int boxAxis() {
      return this == ROWS ? 1 : 2;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** What coordinates count. */
  enum Coordinates {
    /** Pixels of the model's input. */
    INPUT("input"),
    /** Its width and height as 1. */
    NORMALIZED("normalized");

    private final String text;

    Coordinates(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /**
   * Where the numbers are.
   *
   * @param boxes index of the output with the boxes
   * @param scores index of the output with the scores, -1 if they follow the boxes
   * @param classes index of the output with classes, -1 if none
   * @param count index of the output with the number of boxes, -1 if none
   * @param objectness whether the fifth number is the objectness
   * @param classIndex whether one score and the index of its class follow the box
   * @param background class that is no object, -1 if none
   */
  record Places(
      int boxes,
      int scores,
      int classes,
      int count,
      boolean objectness,
      boolean classIndex,
      int background) {}

  private static final int BOX = 4;

  /** Larger class indices are not exact in binary32. */
  private static final int MAX_CLASS = 1 << 24;

  private final Places places;
  private final Format format;
  private final Order order;
  private final Coordinates coordinates;
  private final float scoreThreshold;
  private final int maxBoxes;
  private float[] best = new float[0];
  private int[] bestClass = new int[0];
  private long[] keys = new long[0];

  DecodeBoxes(
      Places places,
      Format format,
      Order order,
      Coordinates coordinates,
      float scoreThreshold,
      int maxBoxes) {
    this.places = places;
    this.format = format;
    this.order = order;
    this.coordinates = coordinates;
    this.scoreThreshold = scoreThreshold;
    this.maxBoxes = maxBoxes;
  }

  @Override
  public void apply(Answer answer) throws InferenceException {
    int boxes = boxCount(answer);
    if (best.length < boxes) {
      best = new float[boxes];
      bestClass = new int[boxes];
      keys = new long[boxes];
    }
    score(answer, boxes);
    int found = 0;
    for (int i = 0; i < boxes; i++) {
      if (best[i] >= scoreThreshold && bestClass[i] >= 0) {
        keys[found++] = Scores.key(best[i], i);
      }
    }
    Arrays.sort(keys, 0, found);
    for (int i = 0; i < found && answer.candidates.count() < maxBoxes; i++) {
      add(answer, Scores.index(keys[i]));
    }
  }

  private int boxCount(Answer answer) throws InferenceException {
    Shape shape = answer.shape(places.boxes());
    int boxes = (int) shape.dim(order.boxAxis());
    requireBoxes(answer, places.scores(), boxes);
    requireBoxes(answer, places.classes(), boxes);
    if (places.count() < 0) {
      return boxes;
    }
    // A cast from float to int cuts, saturates, and makes NaN 0 (JLS 5.1.3).
    int counted = (int) answer.values(places.count())[0];
    return Math.max(0, Math.min(counted, boxes));
  }

  private void requireBoxes(Answer answer, int output, int boxes) throws InferenceException {
    if (output < 0) {
      return;
    }
    Shape shape = answer.shape(output);
    long found = shape.dim(shape.rank() == 2 ? 1 : order.boxAxis());
    if (found != boxes) {
      throw new InferenceException(
          InferenceException.Code.FAILED,
          "the model gave another number of scores or classes than of boxes boxes="
              + boxes
              + " found="
              + found);
    }
  }

  /** Finds each box's best class and its score; class -1 if there is none. */
  private void score(Answer answer, int boxes) {
    boolean apart = places.scores() >= 0;
    int output = apart ? places.scores() : places.boxes();
    float[] values = answer.values(output);
    Shape shape = answer.shape(output);
    if (apart && places.classes() >= 0) {
      float[] classes = answer.values(places.classes());
      for (int i = 0; i < boxes; i++) {
        choose(i, values[i], classes[i]);
      }
      return;
    }
    int all = (int) shape.dim(order.boxAxis());
    int numbers = answer.count(output) / Math.max(1, all);
    int boxStep = order == Order.ROWS ? numbers : 1;
    int numberStep = order == Order.ROWS ? 1 : all;
    if (places.classIndex()) {
      for (int i = 0; i < boxes; i++) {
        int at = i * boxStep + BOX * numberStep;
        choose(i, values[at], values[at + numberStep]);
      }
      return;
    }
    int firstClass = apart ? 0 : places.objectness() ? BOX + 1 : BOX;
    Arrays.fill(best, 0, boxes, Float.NEGATIVE_INFINITY);
    Arrays.fill(bestClass, 0, boxes, -1);
    for (int number = firstClass; number < numbers; number++) {
      int classIndex = number - firstClass;
      if (classIndex == places.background()) {
        continue;
      }
      for (int i = 0; i < boxes; i++) {
        float score = values[i * boxStep + number * numberStep];
        if (score > best[i]) {
          best[i] = score;
          bestClass[i] = classIndex;
        }
      }
    }
    if (places.objectness()) {
      for (int i = 0; i < boxes; i++) {
        best[i] *= values[i * boxStep + BOX * numberStep];
      }
    }
  }

  private void choose(int box, float score, float classIndex) {
    int index = classIndex >= 0 && classIndex < MAX_CLASS ? Math.round(classIndex) : -1;
    best[box] = score;
    bestClass[box] = index == places.background() ? -1 : index;
  }

  private void add(Answer answer, int box) {
    float[] values = answer.values(places.boxes());
    int all = (int) answer.shape(places.boxes()).dim(order.boxAxis());
    int numbers = answer.count(places.boxes()) / all;
    int at = order == Order.ROWS ? box * numbers : box;
    int step = order == Order.ROWS ? 1 : all;
    double a = values[at];
    double b = values[at + step];
    double c = values[at + 2 * step];
    double d = values[at + 3 * step];
    double x1 = format == Format.YXYX ? b : format == Format.CXCYWH ? a - c / 2 : a;
    double y1 = format == Format.YXYX ? a : format == Format.CXCYWH ? b - d / 2 : b;
    double x2 =
        switch (format) {
          case CXCYWH -> a + c / 2;
          case XYXY -> c;
          case YXYX -> d;
          case XYWH -> a + c;
        };
    double y2 =
        switch (format) {
          case CXCYWH -> b + d / 2;
          case XYXY -> d;
          case YXYX -> c;
          case XYWH -> b + d;
        };
    Geometry geometry = answer.geometry();
    boolean normalized = coordinates == Coordinates.NORMALIZED;
    double unitX = normalized ? geometry.inputWidth() : 1;
    double unitY = normalized ? geometry.inputHeight() : 1;
    float left = geometry.pictureX(x1 * unitX);
    float top = geometry.pictureY(y1 * unitY);
    float right = geometry.pictureX(x2 * unitX);
    float bottom = geometry.pictureY(y2 * unitY);
    boolean finite =
        Float.isFinite(left)
            && Float.isFinite(top)
            && Float.isFinite(right)
            && Float.isFinite(bottom);
    boolean visible =
        finite
            && Math.min(right, geometry.pictureWidth()) > Math.max(left, 0)
            && Math.min(bottom, geometry.pictureHeight()) > Math.max(top, 0);
    if (visible) {
      answer.candidates.add(left, top, right, bottom, best[box], bestClass[box]);
    }
  }
}
