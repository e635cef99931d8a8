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
import io.shoji.inference.Prediction;
import io.shoji.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** A step after the model. */
interface PostStep {
  /**
   * Changes the values of outputs or adds a part of the prediction.
   *
   * @throws InferenceException FAILED if an output's dynamic dimensions came out unusable
   */
  void apply(Answer answer) throws InferenceException;

  /** Forgets what it knows of runs before. */
  default void reset() {}

  /** {@code exp(x - max) / sum} over the last axis. */
  static PostStep softmax(int output) {
    return answer -> {
      float[] values = answer.values(output);
      Shape shape = answer.shape(output);
      int length = shape.rank() == 0 ? 1 : (int) shape.dim(shape.rank() - 1);
      int count = answer.count(output);
      for (int start = 0; start < count; start += length) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = start; i < start + length; i++) {
          max = Math.max(max, values[i]);
        }
        double sum = 0;
        for (int i = start; i < start + length; i++) {
          sum += Math.exp((double) values[i] - max);
        }
        for (int i = start; i < start + length; i++) {
          values[i] = (float) (Math.exp((double) values[i] - max) / sum);
        }
      }
    };
  }

  /** {@code 1 / (1 + exp(-x))}. */
  static PostStep sigmoid(int output) {
    return answer -> {
      float[] values = answer.values(output);
      int count = answer.count(output);
      for (int i = 0; i < count; i++) {
        values[i] = (float) (1 / (1 + Math.exp(-values[i])));
      }
    };
  }

  /**
   * Ranks the elements of an output.
   *
   * @param k how many to name; all if there are fewer
   */
  static PostStep topK(int output, int k) {
    return answer -> {
      float[] values = answer.values(output);
      int count = answer.count(output);
      long[] best = new long[Math.min(k, count)];
      Arrays.fill(best, Long.MAX_VALUE);
      for (int i = 0; i < count; i++) {
        long key = Scores.key(values[i], i);
        int at = best.length;
        while (at > 0 && key < best[at - 1]) {
          at--;
        }
        if (at < best.length) {
          System.arraycopy(best, at, best, at + 1, best.length - 1 - at);
          best[at] = key;
        }
      }
      List<Prediction.Ranked> ranking = new ArrayList<>(best.length);
      for (long key : best) {
        int index = Scores.index(key);
        ranking.add(new Prediction.Ranked(index, answer.label(index), values[index]));
      }
      answer.ranking = List.copyOf(ranking);
    };
  }

  /** The only element of an output as anomaly score. */
  static PostStep anomalyOutput(int output) {
    return answer -> answer.anomaly = OptionalDouble.of(answer.values(output)[0]);
  }

  /** Mean squared difference between an output and the model's input as anomaly score. */
  static PostStep reconstructionError(int output) {
    return answer -> {
      float[] input = answer.inputValues();
      float[] values = answer.values(output);
      int count = answer.count(output);
      double sum = 0;
      for (int i = 0; i < count; i++) {
        double difference = (double) values[i] - input[i];
        sum += difference * difference;
      }
      answer.anomaly = OptionalDouble.of(sum / count);
    };
  }

  /** An alarm that goes on at one value and off below another. */
  final class Threshold implements PostStep {
    private final float on;
    private final float off;
    private final int output;
    private final int index;
    private boolean alarm;

    /**
     * @param off at most {@code on}
     * @param output whose element is watched, or -1 for the anomaly score
     * @param index of the element
     */
    Threshold(float on, float off, int output, int index) {
      this.on = on;
      this.off = off;
      this.output = output;
      this.index = index;
    }

    @Override
    public void apply(Answer answer) {
      double value = output < 0 ? answer.anomaly.orElseThrow() : answer.values(output)[index];
      if (value >= on) {
        alarm = true;
      } else if (value < off) {
        alarm = false;
      }
      answer.alarm = Optional.of(alarm);
    }

    @Override
    public void reset() {
      alarm = false;
    }
  }
}
