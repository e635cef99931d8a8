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

import io.shoji.inference.Prediction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Boxes found, the surest first, as corners in pixels of the picture, not yet cut at its edges.
 * Memory is kept from run to run.
 */
final class Candidates {
  private static final int CORNERS = 4;

  private float[] corners = new float[0];
  private float[] scores = new float[0];
  private int[] classes = new int[0];
  private int count;

  void clear() {
    count = 0;
  }

  int count() {
    return count;
  }

  void add(float x1, float y1, float x2, float y2, float score, int classIndex) {
    if (count == scores.length) {
      int more = Math.max(16, 2 * count);
      corners = Arrays.copyOf(corners, CORNERS * more);
      scores = Arrays.copyOf(scores, more);
      classes = Arrays.copyOf(classes, more);
    }
    corners[CORNERS * count] = x1;
    corners[CORNERS * count + 1] = y1;
    corners[CORNERS * count + 2] = x2;
    corners[CORNERS * count + 3] = y2;
    scores[count] = score;
    classes[count] = classIndex;
    count++;
  }

  /**
   * Drops every box that overlaps a surer one, which stays, by more than a share.
   *
   * @param iouThreshold intersection over union above which a box is dropped
   * @param perClass whether only boxes of one class count
   * @param most boxes to keep
   */
  void suppress(float iouThreshold, boolean perClass, int most) {
    int kept = 0;
    for (int i = 0; i < count && kept < most; i++) {
      boolean free = true;
      for (int j = 0; j < kept && free; j++) {
        free = (perClass && classes[i] != classes[j]) || iou(i, j) <= iouThreshold;
      }
      if (free) {
        System.arraycopy(corners, CORNERS * i, corners, CORNERS * kept, CORNERS);
        scores[kept] = scores[i];
        classes[kept] = classes[i];
        kept++;
      }
    }
    count = kept;
  }

  private float iou(int i, int j) {
    float width =
        Math.min(corners[CORNERS * i + 2], corners[CORNERS * j + 2])
            - Math.max(corners[CORNERS * i], corners[CORNERS * j]);
    float height =
        Math.min(corners[CORNERS * i + 3], corners[CORNERS * j + 3])
            - Math.max(corners[CORNERS * i + 1], corners[CORNERS * j + 1]);
    if (width <= 0 || height <= 0) {
      return 0;
    }
    float shared = width * height;
    return shared / (area(i) + area(j) - shared);
  }

  private float area(int i) {
    return (corners[CORNERS * i + 2] - corners[CORNERS * i])
        * (corners[CORNERS * i + 3] - corners[CORNERS * i + 1]);
  }

  /** The boxes, cut at the edges of the picture. */
  List<Prediction.Box> boxes(Answer answer) {
    if (count == 0) {
      return List.of();
    }
    int width = answer.geometry().pictureWidth();
    int height = answer.geometry().pictureHeight();
    List<Prediction.Box> boxes = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      float x1 = Math.max(0, corners[CORNERS * i]);
      float y1 = Math.max(0, corners[CORNERS * i + 1]);
      float x2 = Math.min(width, corners[CORNERS * i + 2]);
      float y2 = Math.min(height, corners[CORNERS * i + 3]);
      boxes.add(
          new Prediction.Box(
              x1, y1, x2 - x1, y2 - y1, classes[i], answer.label(classes[i]), scores[i]));
    }
    return List.copyOf(boxes);
  }
}
