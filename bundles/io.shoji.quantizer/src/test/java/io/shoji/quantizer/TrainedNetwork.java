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

import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** The networks that {@code training/train.py} trained on generated data, with their sets. */
enum TrainedNetwork {
  /** Inverted residuals with depthwise convolutions and ReLU6; says which of eight parts it is. */
  RESIDUAL("top1"),
  /** Upsampling, concatenation and SiLU; finds parts, with outputs for boxes and for scores. */
  DETECTOR("map"),
  /** Attention, layer normalization and GELU; says which of nine orders two pulses came in. */
  ENCODER("top1");

  private static final Path FOLDER = Path.of("src", "test", "resources", "networks");

  private final String metric;

  TrainedNetwork(String metric) {
    this.metric = metric;
  }

  String metric() {
    return metric;
  }

  private String file() {
    return name().toLowerCase(Locale.ROOT);
  }

  OnnxModel model() throws QuantizerException {
    return OnnxModel.read(FOLDER.resolve(file() + ".onnx"));
  }

  Samples calibration() throws IOException {
    Tensor inputs =
        SampleFile.read(FOLDER.resolve(file() + "-calibration.safetensors")).tensor("input");
    return new Set(inputs, inputs);
  }

  LabelledSamples evaluation() throws IOException {
    SampleFile file = SampleFile.read(FOLDER.resolve(file() + "-evaluation.safetensors"));
    Tensor inputs = file.tensor("input");
    Tensor expected = file.tensor("expected");
    return this == DETECTOR ? new Detected(inputs, expected) : new Set(inputs, expected);
  }

  private static class Set implements LabelledSamples {
    private final Tensor inputs;
    private final Tensor expected;

    Set(Tensor inputs, Tensor expected) {
      this.inputs = inputs;
      this.expected = expected;
    }

    @Override
    public int size() {
      return (int) inputs.shape().dim(0);
    }

    @Override
    public Map<String, Tensor> inputs(int index) {
      return Map.of("input", SampleFile.row(inputs, index, true));
    }

    @Override
    public Tensor expected(int index) {
      return SampleFile.row(expected, index, false);
    }
  }

  private static final class Detected extends Set {
    Detected(Tensor inputs, Tensor expected) {
      super(inputs, expected);
    }

    @Override
    public Tensor answer(int index, Map<String, Tensor> outputs) throws QuantizerException {
      return BoxPipeline.boxes(inputs(index).get("input"), outputs);
    }
  }
}
