/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelAdaptation;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A variant of a package on an accelerator of this machine, taking and giving what the package says
 * as on the gateway.
 */
final class LocalModel implements Evaluation.Inference, AutoCloseable {
  private final ModelDescription description;
  private final LoadedModel model;
  private final String runtime;

  private LocalModel(ModelDescription description, LoadedModel model, String runtime) {
    this.description = description;
    this.model = model;
    this.runtime = runtime;
  }

  /**
   * Loads a variant.
   *
   * @param files of the variant, in its order, under its names
   * @throws AcceleratorException if this accelerator does not run it
   * @throws IllegalArgumentException if the file is not what the package says
   */
  static LocalModel load(
      Accelerator accelerator, ModelDescription description, ModelVariant variant, List<Path> files)
      throws AcceleratorException, InterruptedException {
    ModelArtifact artifact =
        new ModelArtifact(
            description.name(),
            description.version().toString(),
            variant.name(),
            variant.format(),
            variant.precision(),
            variant.files().get(0).sha256(),
            files,
            description.inputsOf(variant),
            description.outputsOf(variant),
            variant.options());
    LoadedModel loaded = accelerator.load(artifact, LoadOptions.defaults());
    boolean adapted = false;
    try {
      LoadedModel model =
          ModelAdaptation.adapt(
              loaded,
              description.inputs(),
              description.outputs(),
              completed(description.inputsOf(variant), loaded.inputs()),
              completed(description.outputsOf(variant), loaded.outputs()));
      adapted = true;
      return new LocalModel(
          description,
          model,
          accelerator.info().runtime() + " " + accelerator.info().runtimeVersion());
    } finally {
      if (!adapted) {
        loaded.close();
      }
    }
  }

  /** What a runtime says of tensors, with what it does not know from the package. */
  private static List<TensorSpec> completed(List<TensorSpec> declared, List<TensorSpec> found) {
    if (declared.size() != found.size()) {
      throw new IllegalArgumentException(
          "the file has another number of inputs or outputs asked=" + declared + " found=" + found);
    }
    List<TensorSpec> completed = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      TensorSpec spec = found.get(i);
      TensorSpec said = declared.get(i);
      if (spec.layout() == Layout.ANY && spec.shape().rank() == said.shape().rank()) {
        spec = spec.withLayout(said.layout());
      }
      if (spec.quantization().isEmpty() && said.quantization().isPresent()) {
        spec = spec.withQuantization(said.quantization().get());
      }
      completed.add(spec);
    }
    return completed;
  }

  /** What runs it, with its version. */
  String runtime() {
    return runtime;
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) throws QuantizerException {
    List<Tensor> ordered = new ArrayList<>();
    for (TensorSpec spec : description.inputs()) {
      Tensor tensor = inputs.get(spec.name());
      if (tensor == null) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a sample lacks an input asked=" + spec + " found=" + inputs.keySet());
      }
      ordered.add(tensor);
    }
    try {
      List<Tensor> results = model.run(ordered, LoadedModel.noDeadline());
      Map<String, Tensor> named = new LinkedHashMap<>();
      for (int i = 0; i < results.size(); i++) {
        named.put(description.outputs().get(i).name(), results.get(i));
      }
      return named;
    } catch (AcceleratorException e) {
      throw new QuantizerException(
          Code.RUNTIME, "the model cannot be run: " + e.getMessage() + " code=" + e.code(), e);
    } catch (IllegalArgumentException e) {
      throw new QuantizerException(
          Code.BAD_SAMPLES, "a sample does not fit the model: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
