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
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.Tensor;
import java.util.List;

/**
 * The steps of one package, ready to run, with their memory: windows, thresholds, buffers. One
 * thread at a time.
 */
final class Plan {
  private final ModelDescription model;
  private final Source source;
  private final List<PostStep> post;
  private final boolean batchOnly;
  private final Answer answer;

  /**
   * @param batchOnly whether the inputs have no dynamic dimension but the first, so that calls can
   *     be prepared
   */
  Plan(ModelDescription model, Source source, List<PostStep> post, boolean batchOnly) {
    this.model = model;
    this.source = source;
    this.post = post;
    this.batchOnly = batchOnly;
    this.answer = new Answer(model.inputs(), model.outputs(), model.labels());
  }

  ModelDescription model() {
    return model;
  }

  Source source() {
    return source;
  }

  boolean batchOnly() {
    return batchOnly;
  }

  /** Whether these are the steps of that very package, not only of its name and version. */
  boolean isOf(ModelDescription other) {
    return model.sha256().equals(other.sha256())
        && model.name().equals(other.name())
        && model.version().equals(other.version());
  }

  /**
   * Makes a prediction of what the last run of {@code call} gave.
   *
   * @param outputs what the prediction shows as outputs
   * @throws InferenceException FAILED if the outputs are not as the package says
   */
  Prediction predict(
      ModelCall call,
      List<Tensor> outputs,
      Provenance provenance,
      long preNanos,
      long inferNanos,
      long postStart)
      throws InferenceException {
    answer.begin(call.inputs(), call.outputs(), source.geometry());
    try {
      List<Prediction.Box> boxes = apply();
      return new Prediction(
          answer.ranking,
          boxes,
          answer.anomaly,
          answer.alarm,
          outputs,
          provenance,
          preNanos,
          inferNanos,
          System.nanoTime() - postStart);
    } finally {
      answer.end();
    }
  }

  /**
   * The boxes of an answer.
   *
   * @throws InferenceException FAILED if the outputs are not as the package says
   */
  List<Prediction.Box> boxes(ModelCall call, List<Tensor> outputs) throws InferenceException {
    answer.begin(call.inputs(), outputs, source.geometry());
    try {
      return apply();
    } finally {
      answer.end();
    }
  }

  private List<Prediction.Box> apply() throws InferenceException {
    for (PostStep step : post) {
      step.apply(answer);
    }
    return answer.candidates.boxes(answer);
  }

  /** Forgets windows and thresholds. */
  void reset() {
    source.reset();
    for (PostStep step : post) {
      step.reset();
    }
  }
}
