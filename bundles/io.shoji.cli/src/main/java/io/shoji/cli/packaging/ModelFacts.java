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

import io.shoji.accelerator.Precision;
import io.shoji.tensor.TensorSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model file says of itself.
 *
 * @param format as in {@link io.shoji.accelerator.ModelFormats}
 * @param precision what it computes in
 * @param inputs what it takes; empty if the file does not tell
 * @param outputs what it gives; empty if the file does not tell
 * @param properties what an accelerator must have besides format and precision, by the names of
 *     {@link io.shoji.accelerator.AcceleratorInfo}
 * @param details what else is worth knowing, by name
 * @param warnings what does not forbid its use, and should be known
 */
record ModelFacts(
    String format,
    Precision precision,
    List<TensorSpec> inputs,
    List<TensorSpec> outputs,
    Map<String, String> properties,
    Map<String, String> details,
    List<String> warnings) {

  /** TensorRT's own; engines are bound to a chip and a version of TensorRT. */
  static final String TENSORRT_ENGINE = "tensorrt-engine";

  /** Copies. */
  ModelFacts {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    properties = new LinkedHashMap<>(properties);
    details = new LinkedHashMap<>(details);
    warnings = List.copyOf(warnings);
  }

  /** A short name for a variant of it, as {@code onnx-int8}. */
  String variantName() {
    String kind =
        switch (format) {
          case TENSORRT_ENGINE -> "tensorrt";
          case "edgetpu-tflite" -> "edgetpu";
          case "hef" ->
              properties
                  .getOrDefault(io.shoji.accelerator.AcceleratorInfo.ARCHITECTURE, "hef")
                  .toLowerCase(java.util.Locale.ROOT);
          default -> format;
        };
    return kind + "-" + precision.name().toLowerCase(java.util.Locale.ROOT);
  }
}
