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
import io.shoji.inference.Sample;
import io.shoji.model.ModelDescription;
import io.shoji.model.PipelineDescription;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.Version;

/**
 * The steps around a model without an engine: for tools that run the model themselves, so that what
 * they measure went through the very steps that the gateway runs. One thread at a time.
 */
public final class PipelineSteps {
  private final Plan plan;
  private final Tensors tensors;

  private PipelineSteps(Plan plan, TensorSpec first) {
    this.plan = plan;
    this.tensors = new Tensors(first);
  }

  /**
   * Compiles them.
   *
   * @param inputs of the model
   * @param outputs of the model
   * @param labels of its classes; may be empty
   * @throws InferenceException INVALID_INPUT naming every step that does not fit
   */
  public static PipelineSteps compile(
      PipelineDescription pipeline,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<String> labels)
      throws InferenceException {
    ModelDescription model =
        new ModelDescription(
            "model",
            Version.emptyVersion,
            "",
            "",
            "",
            "other",
            inputs,
            outputs,
            labels,
            List.of(),
            Optional.of(pipeline),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            "");
    return new PipelineSteps(PlanCompiler.compile(model), inputs.get(0));
  }

  /**
   * The model's inputs for a sample, which depends on no sample before it.
   *
   * @return for each input that the sample leads to (a piece of a signal to as many as it holds
   *     windows) one new tensor per input of the model; those of the source {@code tensors} are the
   *     sample's own
   * @throws InferenceException INVALID_INPUT if it is no sample for this pipeline
   */
  public List<List<Tensor>> inputs(Sample sample) throws InferenceException {
    plan.reset();
    plan.source().offer(sample, 0);
    try {
      List<List<Tensor>> all = new ArrayList<>();
      while (plan.source().next(tensors)) {
        all.add(tensors.take());
      }
      return all;
    } finally {
      plan.source().finish();
    }
  }

  /**
   * The boxes that the steps after the model make of its outputs, in pixels of the picture that the
   * last call of {@link #inputs} was given.
   *
   * @param inputs as that call gave them
   * @param outputs of the model, in order
   * @throws InferenceException FAILED if the outputs are not as the model's description says
   */
  public List<Prediction.Box> boxes(List<Tensor> inputs, List<Tensor> outputs)
      throws InferenceException {
    tensors.feed(inputs);
    return plan.boxes(tensors, outputs);
  }

  /** Takes what the steps write. */
  private static final class Tensors implements ModelCall {
    private final TensorSpec first;
    private List<Tensor> inputs = List.of();

    Tensors(TensorSpec first) {
      this.first = first;
    }

    List<Tensor> take() {
      List<Tensor> taken = inputs;
      inputs = List.of();
      return taken;
    }

    @Override
    public Tensor input(Shape shape) {
      inputs = List.of(Tensor.allocate(first.type(), shape));
      return inputs.get(0);
    }

    @Override
    public void feed(List<Tensor> given) {
      inputs = given;
    }

    @Override
    public List<Tensor> inputs() {
      return inputs;
    }

    @Override
    public Provenance run(long deadlineNanos) {
      throw new UnsupportedOperationException("the caller runs the model");
    }

    @Override
    public List<Tensor> outputs() {
      return List.of();
    }

    @Override
    public boolean overwritesOutputs() {
      return false;
    }

    @Override
    public void close() {
      inputs = List.of();
    }
  }
}
