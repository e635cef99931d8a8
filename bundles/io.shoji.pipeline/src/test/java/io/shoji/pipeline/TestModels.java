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

import io.shoji.accelerator.Precision;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Source;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/** Model descriptions for tests. */
final class TestModels {
  private TestModels() {}

  /** A step with parameters as name, value, name, value; numbers become Double as from JSON. */
  static Step step(String name, Object... parameters) {
    Map<String, Object> map = new HashMap<>();
    for (int i = 0; i < parameters.length; i += 2) {
      map.put((String) parameters[i], json(parameters[i + 1]));
    }
    return new Step(name, map);
  }

  private static Object json(Object value) {
    if (value instanceof Number n) {
      return n.doubleValue();
    }
    return value instanceof List<?> list ? list.stream().map(TestModels::json).toList() : value;
  }

  static TensorSpec f32(String name, long... dims) {
    return TensorSpec.of(name, ElementType.FLOAT32, Shape.of(dims));
  }

  static PipelineDescription image(List<Step> pre, Step... post) {
    return new PipelineDescription(
        Source.IMAGE, OptionalDouble.empty(), List.of(), pre, List.of(post));
  }

  static PipelineDescription signal(List<String> channels, List<Step> pre, Step... post) {
    return new PipelineDescription(
        Source.SIGNAL, OptionalDouble.of(12_000), channels, pre, List.of(post));
  }

  static PipelineDescription tensors(Step... post) {
    return new PipelineDescription(
        Source.TENSORS, OptionalDouble.empty(), List.of(), List.of(), List.of(post));
  }

  static ModelDescription model(
      String version,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<String> labels,
      @Nullable PipelineDescription pipeline) {
    return model(version, "00", inputs, outputs, labels, pipeline);
  }

  /**
   * @param fileSha256 digest of the model file: another one stands for another model
   */
  static ModelDescription model(
      String version,
      String fileSha256,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<String> labels,
      @Nullable PipelineDescription pipeline) {
    return new ModelDescription(
        "m",
        Version.valueOf(version),
        "m",
        "",
        "",
        "other",
        inputs,
        outputs,
        labels,
        List.of(
            new ModelVariant(
                "fp32",
                "onnx",
                Precision.FP32,
                "(shoji.accelerator=cpu)",
                List.of(new ModelFile("m.onnx", fileSha256, 1)),
                Map.of())),
        Optional.ofNullable(pipeline),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        "sha of " + version + fileSha256 + pipeline);
  }

  static ModelDescription model(
      List<TensorSpec> inputs, List<TensorSpec> outputs, PipelineDescription pipeline) {
    return model("1.0.0", inputs, outputs, List.of(), pipeline);
  }
}
