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
import java.util.List;
import java.util.Map;
import java.util.Random;

/** What tests of graphs share. */
final class Graphs {
  private Graphs() {}

  /** Normally distributed values. */
  static Tensor random(Random random, double deviation, long... dims) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(dims));
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, (float) (random.nextGaussian() * deviation));
    }
    return tensor;
  }

  static float[] floats(Tensor tensor) {
    float[] values = new float[tensor.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.getFloat(i);
    }
    return values;
  }

  /** An INT64 tensor of rank 1. */
  static Tensor index(long... values) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, Shape.of(values.length));
    for (int i = 0; i < values.length; i++) {
      tensor.setLong(i, values[i]);
    }
    return tensor;
  }

  /** Samples in a list. */
  static Samples listed(List<Map<String, Tensor>> samples) {
    return new Samples() {
      @Override
      public int size() {
        return samples.size();
      }

      @Override
      public Map<String, Tensor> inputs(int index) {
        return samples.get(index);
      }
    };
  }

  /** Largest difference of two models' outputs, over the largest magnitude of the first's. */
  static double difference(
      ModelRunner runner, OnnxModel left, OnnxModel right, Map<String, Tensor> inputs)
      throws QuantizerException {
    try (ModelRunner.Session first = runner.openPlain(left);
        ModelRunner.Session second = runner.open(right)) {
      return difference(first.run(inputs), second.run(inputs));
    }
  }

  static double difference(Map<String, Tensor> left, Map<String, Tensor> right) {
    double largest = 0;
    double off = 0;
    for (Map.Entry<String, Tensor> entry : left.entrySet()) {
      float[] a = floats(entry.getValue());
      float[] b = floats(right.get(entry.getKey()));
      for (int i = 0; i < a.length; i++) {
        largest = Math.max(largest, Math.abs(a[i]));
        off = Math.max(off, Math.abs((double) a[i] - b[i]));
      }
    }
    return off == 0 ? 0 : off / largest;
  }
}
