/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.cli.samples.SampleOptions.Expected;
import io.shoji.inference.InferenceException;
import io.shoji.inference.Prediction;
import io.shoji.model.PipelineDescription;
import io.shoji.pipeline.PipelineSteps;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A detector's boxes, of all its outputs, by the steps that follow the model on the gateway;
 * without such steps the first output must be rows of x1, y1, x2, y2, score, class.
 */
final class BoxAnswers {
  private static final int EXPECTED_WIDTH = 5;
  private static final int ANSWER_WIDTH = 6;

  private final @Nullable PipelineSteps steps;

  private BoxAnswers(@Nullable PipelineSteps steps) {
    this.steps = steps;
  }

  static BoxAnswers of(ModelInterface model, SampleOptions options) throws QuantizerException {
    if (options.expected() != Expected.BOXES || options.pipeline().isEmpty()) {
      return new BoxAnswers(null);
    }
    return new BoxAnswers(steps(options.pipeline().get(), model, options.classes()));
  }

  /** Compiles a pipeline's steps. */
  static PipelineSteps steps(
      PipelineDescription pipeline, ModelInterface model, List<String> classes)
      throws QuantizerException {
    try {
      return PipelineSteps.compile(pipeline, model.inputs(), model.outputs(), classes);
    } catch (InferenceException e) {
      throw new QuantizerException(Code.INVALID_OPTION, String.valueOf(e.getMessage()), e);
    }
  }

  BoxAnswers with(PipelineSteps newSteps) {
    return new BoxAnswers(newSteps);
  }

  Tensor answer(Map<String, Tensor> inputs, Map<String, Tensor> outputs, List<TensorSpec> specs)
      throws QuantizerException {
    if (steps == null) {
      return outputs.values().iterator().next();
    }
    List<Tensor> ordered = new ArrayList<>();
    for (TensorSpec spec : specs) {
      Tensor output = outputs.get(spec.name());
      if (output == null) {
        throw new QuantizerException(
            Code.RUNTIME,
            "the model does not give an output asked=" + spec + " found=" + outputs.keySet());
      }
      ordered.add(output);
    }
    try {
      List<Prediction.Box> boxes = steps.boxes(List.copyOf(inputs.values()), ordered);
      Tensor rows = Tensor.allocate(ElementType.FLOAT32, Shape.of(boxes.size(), ANSWER_WIDTH));
      int at = 0;
      for (Prediction.Box box : boxes) {
        rows.setFloat(at++, box.x());
        rows.setFloat(at++, box.y());
        rows.setFloat(at++, box.x() + box.width());
        rows.setFloat(at++, box.y() + box.height());
        rows.setFloat(at++, box.score());
        rows.setFloat(at++, box.index());
      }
      return rows;
    } catch (InferenceException e) {
      throw new QuantizerException(Code.RUNTIME, String.valueOf(e.getMessage()), e);
    }
  }

  /** The boxes of one sample of a stack; those whose class is negative fill the stack up. */
  static Tensor expected(Tensor stacked, String sample) throws QuantizerException {
    int rank = stacked.shape().rank();
    if (rank != 3 || stacked.shape().dim(2) != EXPECTED_WIDTH) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "boxes are [samples, boxes, 5]: x1, y1, x2, y2, class; a negative class is no box found="
              + stacked
              + " sample="
              + sample);
    }
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < stacked.elementCount(); i += EXPECTED_WIDTH) {
      if (stacked.getFloat(i + EXPECTED_WIDTH - 1) >= 0) {
        float[] row = new float[EXPECTED_WIDTH];
        for (int j = 0; j < EXPECTED_WIDTH; j++) {
          row[j] = stacked.getFloat(i + j);
        }
        rows.add(row);
      }
    }
    return rows(rows);
  }

  /** Boxes as the metric takes them. */
  static Tensor rows(List<float[]> rows) {
    Tensor boxes = Tensor.allocate(ElementType.FLOAT32, Shape.of(rows.size(), EXPECTED_WIDTH));
    int at = 0;
    for (float[] row : rows) {
      for (float value : row) {
        boxes.setFloat(at++, value);
      }
    }
    return boxes;
  }
}
