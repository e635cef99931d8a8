/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.accelerator.Precision;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.List;

/**
 * Whether two generations of a model answer the same: the same class where the model classifies,
 * else the same numbers within what their precision allows. Where one gives a finite number and the
 * other does not, they never do. Immutable.
 */
final class Agreement {
  private final boolean classifies;
  private final boolean batches;
  private final double tolerance;

  /**
   * An agreement.
   *
   * @param model what both are of
   * @param one precision of the one
   * @param other precision of the other; the coarser one counts
   */
  Agreement(ModelDescription model, Precision one, Precision other) {
    Shape first = model.outputs().isEmpty() ? Shape.of() : model.outputs().get(0).shape();
    this.batches = first.rank() >= 2 && (first.dim(0) == Shape.DYNAMIC || first.dim(0) == 1);
    this.classifies = model.task().equals("classification");
    this.tolerance = Math.max(tolerance(one), tolerance(other));
  }

  /**
   * Largest difference of two answers that still are the same, as a share of the largest number in
   * the answer.
   */
  static double tolerance(Precision precision) {
    return switch (precision) {
      case FP32 -> 1e-3;
      case FP16 -> 1e-2;
      case INT8 -> 0.05;
      case INT4 -> 0.1;
    };
  }

  /** Samples in an answer. */
  int samples(List<Tensor> outputs) {
    return batches && !outputs.isEmpty() ? (int) outputs.get(0).shape().dim(0) : 1;
  }

  /** Samples that are answered differently; all of them if the answers have other sizes. */
  int differing(List<Tensor> one, List<Tensor> other) {
    int samples = samples(one);
    if (one.size() != other.size()) {
      return samples;
    }
    for (int i = 0; i < one.size(); i++) {
      if (one.get(i).elementCount() != other.get(i).elementCount()
          || (samples > 0 && one.get(i).elementCount() % samples != 0)) {
        return samples;
      }
    }
    int differing = 0;
    for (int sample = 0; sample < samples; sample++) {
      differing += agree(one, other, sample, samples) ? 0 : 1;
    }
    return differing;
  }

  private boolean agree(List<Tensor> one, List<Tensor> other, int sample, int samples) {
    for (int i = 0; i < one.size(); i++) {
      int count = one.get(i).elementCount() / samples;
      int from = sample * count;
      if (!alikeFinite(one.get(i), other.get(i), from, count)) {
        return false;
      }
      if (!classifies) {
        if (!close(one.get(i), other.get(i), from, count)) {
          return false;
        }
      } else if (i == 0 && count > 1) {
        if (largest(one.get(i), from, count) != largest(other.get(i), from, count)) {
          return false;
        }
      } else if (i == 0
          && (one.get(i).getFloat(from) > 0.5) != (other.get(i).getFloat(from) > 0.5)) {
        // One number says how sure it is of one of two classes.
        return false;
      }
    }
    return true;
  }

  private static boolean alikeFinite(Tensor one, Tensor other, int from, int count) {
    if (!isReal(one.type()) && !isReal(other.type())) {
      return true;
    }
    for (int i = from; i < from + count; i++) {
      if (Float.isFinite(one.getFloat(i)) != Float.isFinite(other.getFloat(i))) {
        return false;
      }
    }
    return true;
  }

  /** Whether a type has numbers that are not finite. */
  static boolean isReal(ElementType type) {
    return type == ElementType.FLOAT32
        || type == ElementType.FLOAT16
        || type == ElementType.FLOAT64;
  }

  private boolean close(Tensor one, Tensor other, int from, int count) {
    double largest = 0;
    double difference = 0;
    for (int i = from; i < from + count; i++) {
      float a = one.getFloat(i);
      float b = other.getFloat(i);
      if (Float.isFinite(a) && Float.isFinite(b)) {
        largest = Math.max(largest, Math.max(Math.abs(a), Math.abs(b)));
        difference = Math.max(difference, Math.abs((double) a - b));
      }
    }
    return difference <= tolerance * largest;
  }

  /** Where the largest of some numbers is, the first of them if there are several. */
  static int largest(Tensor scores, int from, int count) {
    int largest = from;
    for (int i = from + 1; i < from + count; i++) {
      if (scores.getFloat(i) > scores.getFloat(largest)) {
        largest = i;
      }
    }
    return largest - from;
  }
}
