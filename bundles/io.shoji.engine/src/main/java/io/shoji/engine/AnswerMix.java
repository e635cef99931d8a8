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

import io.shoji.inference.InferenceException;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How the latest answers of a classification are distributed: how often each class, and how sure of
 * it. One answer in four counts, 512 to 1,024 of them. Fixed memory; thread safe.
 */
final class AnswerMix implements Tap {
  /** Answers after which the older half is forgotten. */
  private static final int HALF = 512;

  private static final int MOST_CLASSES = 4096;
  private static final int MOST_SAMPLES = 16;

  /** One answer in so many counts; by chance, since machines repeat themselves. */
  private static final int ONE_IN = 4;

  /** How far a sum of shares may be from one. */
  private static final double ROUNDING = 0.02;

  /** Answers, counted. Not thread safe. */
  static final class Counted {
    /** By class. */
    final int[] counts;

    int answers;

    /** Of how sure it was. */
    double sum;

    double squares;

    Counted(int classes) {
      counts = new int[classes];
    }

    void add(int label, double confidence) {
      counts[label]++;
      answers++;
      sum += confidence;
      squares += confidence * confidence;
    }

    Counted plus(Counted other) {
      Counted both = new Counted(counts.length);
      for (int i = 0; i < counts.length; i++) {
        both.counts[i] = counts[i] + other.counts[i];
      }
      both.answers = answers + other.answers;
      both.sum = sum + other.sum;
      both.squares = squares + other.squares;
      return both;
    }

    double mean() {
      return answers == 0 ? 0 : sum / answers;
    }

    double variance() {
      return answers < 2 ? 0 : Math.max(0, (squares - sum * sum / answers) / (answers - 1));
    }
  }

  private final int classes;
  private final boolean batches;

  // Guarded by this.
  private Counted older;
  private Counted newer;

  private AnswerMix(int classes, boolean batches) {
    this.classes = classes;
    this.batches = batches;
    this.older = new Counted(classes);
    this.newer = new Counted(classes);
  }

  /** Of a model that classifies by scores of each class; empty for any other. */
  static Optional<AnswerMix> of(ModelDescription model) {
    if (!model.task().equals("classification") || model.outputs().isEmpty()) {
      return Optional.empty();
    }
    Shape shape = model.outputs().get(0).shape();
    boolean batches = shape.rank() == 2 && (shape.dim(0) == Shape.DYNAMIC || shape.dim(0) == 1);
    long classes = shape.rank() == 0 ? 0 : shape.dim(shape.rank() - 1);
    return (batches || shape.rank() == 1) && classes >= 2 && classes <= MOST_CLASSES
        ? Optional.of(new AnswerMix((int) classes, batches))
        : Optional.empty();
  }

  /** Samples in an answer that are looked at; 0 if it is no answer of this model. */
  int samples(List<Tensor> outputs) {
    if (outputs.isEmpty()) {
      return 0;
    }
    Tensor scores = outputs.get(0);
    long samples = batches && scores.shape().rank() == 2 ? scores.shape().dim(0) : 1;
    return scores.elementCount() == samples * classes ? (int) Math.min(MOST_SAMPLES, samples) : 0;
  }

  int classes() {
    return classes;
  }

  /** The class of a sample. */
  int label(List<Tensor> outputs, int sample) {
    return Agreement.largest(outputs.get(0), sample * classes, classes);
  }

  /**
   * How sure an answer is of its class, 0 to 1: its share where the scores are shares, else what
   * the softmax makes of them; 1 for scores that are integers.
   */
  double confidence(List<Tensor> outputs, int sample) {
    Tensor scores = outputs.get(0);
    if (!Agreement.isReal(scores.type())) {
      return 1;
    }
    int from = sample * classes;
    double largest = scores.getFloat(from + label(outputs, sample));
    double sum = 0;
    double least = 0;
    double exponents = 0;
    for (int i = from; i < from + classes; i++) {
      double score = scores.getFloat(i);
      sum += score;
      least = Math.min(least, score);
      exponents += Math.exp(score - largest);
    }
    double confidence =
        least >= -ROUNDING && Math.abs(sum - 1) <= ROUNDING ? largest : 1 / exponents;
    return Double.isFinite(confidence) ? Math.max(0, Math.min(1, confidence)) : 0;
  }

  @Override
  public void answered(
      Generation generation, List<Tensor> inputs, List<Tensor> outputs, long runNanos) {
    if (ThreadLocalRandom.current().nextInt(ONE_IN) == 0) {
      add(outputs);
    }
  }

  /** Counts an answer. */
  void add(List<Tensor> outputs) {
    int samples = samples(outputs);
    for (int i = 0; i < samples; i++) {
      int label = label(outputs, i);
      double confidence = confidence(outputs, i);
      synchronized (this) {
        if (newer.answers == HALF) {
          older = newer;
          newer = new Counted(classes);
        }
        newer.add(label, confidence);
      }
    }
  }

  @Override
  public void failed(Generation generation, List<Tensor> inputs, InferenceException failure) {
    // No answer.
  }

  /** What was counted lately. */
  synchronized Counted latest() {
    return older.plus(newer);
  }

  @Override
  public String toString() {
    return Arrays.toString(latest().counts);
  }
}
