/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelAdaptation;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.cli.samples.ModelInterface;
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
import java.util.Optional;

/**
 * A model's file on an accelerator, used with the tensors of the model that it was made from, as
 * the gateway uses a package's variants. One thread at a time.
 */
public final class FileModel implements Evaluation.Inference, AutoCloseable {
  private final LoadedModel model;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;

  private FileModel(LoadedModel model, ModelInterface outside) {
    this.model = model;
    this.inputs = outside.inputs();
    this.outputs = outside.outputs();
  }

  /**
   * Loads a file that is used with its own tensors.
   *
   * @throws QuantizerException RUNTIME, CANCELLED
   */
  public static FileModel load(
      Accelerator accelerator, String format, Precision precision, Path file)
      throws QuantizerException {
    LoadedModel loaded = loaded(accelerator, artifact(format, precision, file));
    return new FileModel(loaded, new ModelInterface(loaded.inputs(), loaded.outputs()));
  }

  /**
   * Loads a file that is used with other tensors, which mean the same.
   *
   * @param outside what callers give and get
   * @param inside what the file takes and gives
   * @throws QuantizerException RUNTIME, CANCELLED
   */
  public static FileModel load(
      Accelerator accelerator,
      String format,
      Precision precision,
      Path file,
      ModelInterface outside,
      ModelInterface inside)
      throws QuantizerException {
    LoadedModel loaded = loaded(accelerator, artifact(format, precision, file));
    try {
      LoadedModel adapted =
          ModelAdaptation.adapt(
              loaded,
              withLayouts(outside.inputs()),
              withLayouts(outside.outputs()),
              inside.inputs(),
              inside.outputs());
      return new FileModel(adapted, outside);
    } catch (IllegalArgumentException e) {
      loaded.close();
      throw new QuantizerException(
          Code.RUNTIME, "the file cannot take the model's place: " + e.getMessage(), e);
    }
  }

  private static LoadedModel loaded(Accelerator accelerator, ModelArtifact artifact)
      throws QuantizerException {
    try {
      return accelerator.load(artifact, LoadOptions.defaults());
    } catch (AcceleratorException e) {
      throw new QuantizerException(
          Code.RUNTIME,
          "the model cannot be loaded on "
              + accelerator.info().kind()
              + ": "
              + e.getMessage()
              + " file="
              + artifact.file(),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new QuantizerException(Code.CANCELLED, "interrupted while the model was loaded", e);
    }
  }

  /** A file as an accelerator takes it. */
  static ModelArtifact artifact(String format, Precision precision, Path file) {
    return new ModelArtifact(
        "quantize",
        "0",
        "file",
        format,
        precision,
        "",
        List.of(file),
        List.of(),
        List.of(),
        Map.of());
  }

  /** Tensors with the layout that ONNX gives those of their rank. */
  static List<TensorSpec> withLayouts(List<TensorSpec> specs) {
    return specs.stream()
        .map(
            spec ->
                spec.layout() != Layout.ANY
                    ? spec
                    : switch (spec.shape().rank()) {
                      case 2 -> spec.withLayout(Layout.NC);
                      case 3 -> spec.withLayout(Layout.NCW);
                      case 4 -> spec.withLayout(Layout.NCHW);
                      default -> spec;
                    })
        .toList();
  }

  /** What it takes and gives, to its callers. */
  public ModelInterface tensors() {
    return new ModelInterface(inputs, outputs);
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> sample) throws QuantizerException {
    List<Tensor> ordered = new ArrayList<>();
    for (TensorSpec spec : inputs) {
      Tensor tensor = sample.get(spec.name());
      if (tensor == null) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a sample lacks an input asked=" + spec + " found=" + sample.keySet());
      }
      Optional<String> mismatch = spec.mismatch(tensor);
      if (mismatch.isPresent()) {
        throw new QuantizerException(Code.BAD_SAMPLES, mismatch.get());
      }
      ordered.add(tensor);
    }
    try {
      List<Tensor> results = model.run(ordered, LoadedModel.noDeadline());
      Map<String, Tensor> named = new LinkedHashMap<>();
      for (int i = 0; i < results.size(); i++) {
        named.put(outputs.get(i).name(), results.get(i));
      }
      return named;
    } catch (AcceleratorException e) {
      throw new QuantizerException(Code.RUNTIME, "the model cannot be run: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
