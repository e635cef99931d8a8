/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.kura.ai.inference.ModelInfo;
import org.eclipse.kura.ai.inference.ModelInfoBuilder;
import org.eclipse.kura.ai.inference.TensorDescriptor;

/** What Kura's clients are told of a model. */
final class ModelInfos {
  private ModelInfos() {}

  /**
   * A model as Kura sees it.
   *
   * @param name the name that was asked for, which {@code infer} will be given back
   */
  static ModelInfo of(String name, ModelStatus status) {
    ModelDescription model = status.description();
    ModelInfoBuilder info = ModelInfo.builder(name);
    info.version(model.version().toString());
    info.platform(platform(status));
    for (TensorSpec input : model.inputs()) {
      info.addInputDescriptor(descriptor(input, input.shape()));
    }
    for (TensorSpec output : model.outputs()) {
      info.addOutputDescriptor(descriptor(output, output.shape()));
    }
    parameters(status).forEach(info::addParameter);
    return info.build();
  }

  /** Runtime and format, as {@code onnxruntime_onnx}; the format alone while nothing serves. */
  private static String platform(ModelStatus status) {
    List<ModelVariant> variants = status.description().variants();
    Optional<Provenance> serving = status.serving();
    if (serving.isEmpty()) {
      return variants.get(0).format();
    }
    String format =
        status.description().variant(serving.get().variant()).orElse(variants.get(0)).format();
    return serving.get().runtime() + "_" + format;
  }

  private static Map<String, Object> parameters(ModelStatus status) {
    ModelDescription model = status.description();
    Map<String, Object> parameters = new HashMap<>();
    parameters.put("model", model.name());
    parameters.put("title", model.title());
    parameters.put("description", model.description());
    parameters.put("licence", model.licence());
    parameters.put("task", model.task());
    parameters.put("labels", model.labels());
    parameters.put("sha256", model.sha256());
    parameters.put("state", status.state().name());
    if (!status.reason().isEmpty()) {
      parameters.put("reason", status.reason());
    }
    status
        .serving()
        .ifPresent(
            serving -> {
              parameters.put("variant", serving.variant());
              parameters.put("accelerator", serving.accelerator());
              parameters.put("device", serving.device());
              parameters.put("runtime", serving.runtime() + " " + serving.runtimeVersion());
            });
    model
        .evidence()
        .ifPresent(
            evidence -> {
              parameters.put("metric", evidence.metric());
              parameters.put("metric.value", evidence.value());
            });
    return parameters;
  }

  /** An input or output with a shape that may be more concrete than what the package declares. */
  static TensorDescriptor descriptor(TensorSpec spec, Shape shape) {
    List<Long> dims = new ArrayList<>(shape.rank());
    for (int axis = 0; axis < shape.rank(); axis++) {
      dims.add(shape.dim(axis));
    }
    return descriptor(spec, DataTypes.name(spec.type()), dims);
  }

  /** As {@link #descriptor(TensorSpec, Shape)}, under another type's name. */
  static TensorDescriptor descriptor(TensorSpec spec, String type, List<Long> dims) {
    Map<String, Object> parameters = new HashMap<>();
    spec.quantization().ifPresent(quantization -> add(quantization, parameters));
    return new TensorDescriptor(
        spec.name(),
        type,
        spec.layout() == Layout.ANY ? Optional.empty() : Optional.of(spec.layout().name()),
        List.copyOf(dims),
        parameters);
  }

  private static void add(Quantization quantization, Map<String, Object> parameters) {
    if (quantization.isPerTensor()) {
      parameters.put("quantization.scale", (double) quantization.scale(0));
      parameters.put("quantization.zeroPoint", (long) quantization.zeroPoint(0));
      return;
    }
    List<Double> scales = new ArrayList<>(quantization.size());
    List<Long> zeroPoints = new ArrayList<>(quantization.size());
    for (int i = 0; i < quantization.size(); i++) {
      scales.add((double) quantization.scale(i));
      zeroPoints.add((long) quantization.zeroPoint(i));
    }
    parameters.put("quantization.axis", (long) quantization.axis());
    parameters.put("quantization.scales", List.copyOf(scales));
    parameters.put("quantization.zeroPoints", List.copyOf(zeroPoints));
  }
}
