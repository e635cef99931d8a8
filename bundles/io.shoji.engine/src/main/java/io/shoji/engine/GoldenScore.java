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

import io.shoji.model.ModelDescription;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** How good the answers to golden samples are. For one thread. */
final class GoldenScore {
  private static final int MOST_PROBLEMS = 10;

  /** The score of a sample in a decision between two, and whether the second is right. */
  private record Binary(float score, boolean positive) {}

  private final ModelDescription model;
  private final List<Binary> binaries = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();
  private int samples;
  private int labelled;
  private int right;
  private double maxDifference = -1;

  /** Largest difference of each sample from what is expected, as a share of the largest number. */
  private final List<Double> differences = new ArrayList<>();

  GoldenScore(ModelDescription model) {
    this.model = model;
  }

  /**
   * Takes the answer to a sample.
   *
   * @param found the outputs as the runtime describes them, whose quantization counts
   */
  void add(GoldenSamples golden, int sample, List<Tensor> outputs, List<TensorSpec> found) {
    samples++;
    for (int i = 0; i < outputs.size() && i < model.outputs().size(); i++) {
      String name = model.outputs().get(i).name();
      Optional<Tensor> expected = golden.expected(name, sample);
      if (expected.isPresent()) {
        compare(name, sample, real(outputs.get(i), i, found, expected.get()), expected.get());
      } else {
        checkFinite(name, sample, outputs.get(i));
      }
    }
    Optional<Long> label = golden.label(sample);
    if (label.isPresent() && !outputs.isEmpty()) {
      labelled++;
      Tensor scores = outputs.get(0);
      right += largest(scores) == label.get() ? 1 : 0;
      if (scores.elementCount() <= 2 && scores.elementCount() > 0) {
        float score =
            scores.elementCount() == 1
                ? scores.getFloat(0)
                : scores.getFloat(1) - scores.getFloat(0);
        binaries.add(new Binary(score, label.get() == 1));
      }
    }
  }

  /** An output in real numbers, if that is what is expected of it. */
  private Tensor real(Tensor output, int index, List<TensorSpec> found, Tensor expected) {
    Optional<TensorSpec> quantized =
        Optional.of(found.get(index))
            .filter(s -> s.quantization().isPresent())
            .or(() -> Optional.of(model.outputs().get(index)))
            .filter(s -> s.quantization().isPresent());
    if (quantized.isEmpty()
        || output.type() == expected.type()
        || expected.type() != ElementType.FLOAT32) {
      return output;
    }
    Tensor real = Tensor.allocate(ElementType.FLOAT32, output.shape());
    quantized.get().quantization().orElseThrow().dequantize(output, real);
    return real;
  }

  private void compare(String name, int sample, Tensor output, Tensor expected) {
    if (output.elementCount() != expected.elementCount()) {
      problem(
          "an output has another size than is expected output="
              + name
              + " sample="
              + sample
              + " asked="
              + expected.shape()
              + " found="
              + output.shape());
      return;
    }
    double largest = 0;
    double most = 0;
    for (int i = 0; i < expected.elementCount(); i++) {
      double difference = Math.abs((double) output.getFloat(i) - expected.getFloat(i));
      if (Float.isFinite(output.getFloat(i)) != Float.isFinite(expected.getFloat(i))) {
        problem(
            "an output is not finite where a finite number is expected, or the reverse output="
                + name
                + " sample="
                + sample
                + " asked="
                + expected.getFloat(i)
                + " found="
                + output.getFloat(i));
        return;
      }
      most = Math.max(most, Double.isNaN(difference) ? 0 : difference);
      largest =
          Math.max(
              largest, Float.isFinite(expected.getFloat(i)) ? Math.abs(expected.getFloat(i)) : 0);
    }
    maxDifference = Math.max(maxDifference, most);
    differences.add(most == 0 ? 0 : most / largest);
  }

  private void checkFinite(String name, int sample, Tensor output) {
    if (output.type() != ElementType.FLOAT32 && output.type() != ElementType.FLOAT16) {
      return;
    }
    for (int i = 0; i < output.elementCount(); i++) {
      if (!Float.isFinite(output.getFloat(i))) {
        problem(
            "an output is not finite output="
                + name
                + " sample="
                + sample
                + " found="
                + output.getFloat(i));
        return;
      }
    }
  }

  private void problem(String text) {
    if (problems.size() < MOST_PROBLEMS) {
      problems.add(text);
    }
  }

  private static int largest(Tensor scores) {
    int largest = 0;
    for (int i = 1; i < scores.elementCount(); i++) {
      if (scores.getFloat(i) > scores.getFloat(largest)) {
        largest = i;
      }
    }
    return largest;
  }

  /** What is wrong with the answers themselves. */
  List<String> problems() {
    return problems;
  }

  /** Samples that were answered. */
  int samples() {
    return samples;
  }

  /** Outputs that were compared with what is expected. */
  int compared() {
    return differences.size();
  }

  /** Those of them that are further from it than a share of its largest number. */
  int beyond(double tolerance) {
    return (int) differences.stream().filter(d -> d > tolerance).count();
  }

  /** Largest difference from what is expected; empty if nothing was compared. */
  OptionalDouble maxDifference() {
    return maxDifference < 0 ? OptionalDouble.empty() : OptionalDouble.of(maxDifference);
  }

  /**
   * A metric: {@code top1}, share of samples whose label has the largest score, or {@code auc},
   * area under the curve of a decision between two. Empty for others, which take more than the
   * samples have.
   */
  OptionalDouble value(String metric) {
    if (metric.equals("top1") && labelled > 0) {
      return OptionalDouble.of((double) right / labelled);
    }
    if (metric.equals("auc") && !binaries.isEmpty() && binaries.size() == samples) {
      return auc();
    }
    return OptionalDouble.empty();
  }

  /** Whether a metric is a share of the samples, each of which is right or wrong. */
  static boolean isShare(String metric) {
    return metric.equals("top1");
  }

  /** Share of pairs of a positive and a negative sample in which the positive has more. */
  private OptionalDouble auc() {
    double won = 0;
    long pairs = 0;
    for (Binary positive : binaries) {
      for (Binary negative : binaries) {
        if (positive.positive() && !negative.positive()) {
          pairs++;
          int order = Float.compare(positive.score(), negative.score());
          won += order > 0 ? 1 : order == 0 ? 0.5 : 0;
        }
      }
    }
    return pairs == 0 ? OptionalDouble.empty() : OptionalDouble.of(won / pairs);
  }
}
