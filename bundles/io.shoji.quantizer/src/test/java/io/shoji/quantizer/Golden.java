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
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** A sample package of this repository: its model and its golden samples, one by one. */
final class Golden implements LabelledSamples {
  private final String input;
  private final Tensor inputs;
  private final long[] labels;
  private final int from;
  private final int size;

  private Golden(String input, Tensor inputs, long[] labels, int from, int size) {
    this.input = input;
    this.inputs = inputs;
    this.labels = labels;
    this.from = from;
    this.size = size;
  }

  static Path folder(String model) {
    return Path.of("..", "io.shoji.model." + model, "src", "main", "resources", "SHOJI-INF");
  }

  static OnnxModel model(String model) throws QuantizerException {
    return OnnxModel.read(folder(model).resolve("models").resolve(model + ".onnx"));
  }

  /** The golden samples, which no training saw. */
  static Golden of(String model, String input) throws IOException {
    return read(folder(model).resolve("golden/samples.safetensors"), input);
  }

  /** The samples for calibration, which come from the training data. */
  static Golden calibration(String model, String input) throws IOException {
    Path bundle = Path.of("..", "io.shoji.model." + model);
    return read(bundle.resolve("training/calibration.safetensors"), input);
  }

  private static Golden read(Path path, String input) throws IOException {
    SampleFile file = SampleFile.read(path);
    Tensor inputs = file.tensor("input." + input);
    Tensor labels = file.tensor("label");
    long[] values = new long[labels.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = labels.getLong(i);
    }
    return new Golden(input, inputs, values, 0, values.length);
  }

  /** Some of the samples. */
  Golden part(int first, int count) {
    return new Golden(input, inputs, labels, from + first, count);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Map<String, Tensor> inputs(int index) {
    return Map.of(input, SampleFile.row(inputs, from + index, true));
  }

  @Override
  public Tensor expected(int index) {
    Tensor label = Tensor.allocate(ElementType.INT64, Shape.scalar());
    label.setLong(0, labels[from + index]);
    return label;
  }
}
