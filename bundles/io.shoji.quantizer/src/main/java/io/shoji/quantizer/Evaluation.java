/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A metric over samples, and for classifications what was answered to each. Immutable.
 *
 * @param metric name of the {@link Metric}
 * @param higherIsBetter whether more of it is better
 * @param value NaN if the samples do not define it
 * @param count samples
 * @param answers one per sample, in their order; empty if the metric is none of classes
 */
public record Evaluation(
    String metric, boolean higherIsBetter, double value, int count, List<Answer> answers) {
  /** Copies the answers. */
  public Evaluation {
    answers = List.copyOf(answers);
    if (!answers.isEmpty() && answers.size() != count) {
      throw new IllegalArgumentException("answers=" + answers.size() + " count=" + count);
    }
  }

  /**
   * What a classifier answered to one sample.
   *
   * @param expected the right class
   * @param predicted class of the largest value, the first of equal ones; -1 if all are NaN
   * @param right whether the metric counts it as right, which for {@code top5} it may be though
   *     another class was predicted
   * @param score the largest value, as the model gives it
   */
  public record Answer(int expected, int predicted, boolean right, float score) {}

  /** A model on any runtime. */
  @FunctionalInterface
  public interface Inference {
    /**
     * Runs it once.
     *
     * @param inputs by name, as {@link Samples#inputs} gives them
     * @return outputs by name, in the model's order; {@link LabelledSamples#answer} says what is
     *     measured of them
     * @throws QuantizerException BAD_SAMPLES if the inputs do not fit, RUNTIME if the run fails
     */
    Map<String, Tensor> run(Map<String, Tensor> inputs) throws QuantizerException;
  }

  /**
   * Runs a model on all samples.
   *
   * @param progress told after each sample, from 0 to 1
   * @throws QuantizerException INVALID_OPTION, BAD_SAMPLES, CANCELLED, RUNTIME
   */
  public static Evaluation measure(
      Inference model, LabelledSamples samples, String metric, Progress progress)
      throws QuantizerException {
    Metric kind = Metric.of(metric);
    List<Answer> answers = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      if (progress.cancelled()) {
        throw new QuantizerException(Code.CANCELLED, "cancelled during evaluation");
      }
      Map<String, Tensor> inputs = samples.inputs(i);
      try {
        Map<String, Tensor> outputs = model.run(inputs);
        if (outputs.isEmpty()) {
          throw new QuantizerException(Code.RUNTIME, "the model gives no outputs");
        }
        Tensor answer = samples.answer(i, outputs);
        Tensor expected = samples.expected(i);
        kind.add(answer, expected);
        kind.answer(answer, expected).ifPresent(answers::add);
      } catch (QuantizerException e) {
        throw e.at("sample=" + i);
      }
      progress.report(
          (i + 1.0) / samples.size(), "evaluating, sample " + (i + 1) + " of " + samples.size());
    }
    return new Evaluation(
        kind.name(), kind.higherIsBetter(), kind.value(), samples.size(), answers);
  }
}
