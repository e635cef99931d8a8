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

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Tensor;
import java.util.Map;
import java.util.Objects;

/** Some of a set's samples. */
final class SamplePart implements SampleSet {
  private final SampleSet whole;
  private final int from;
  private final int count;

  SamplePart(SampleSet whole, int from, int count) {
    Objects.checkFromIndexSize(from, count, whole.size());
    this.whole = whole;
    this.from = from;
    this.count = count;
  }

  private int index(int index) {
    return from + Objects.checkIndex(index, count);
  }

  @Override
  public int size() {
    return count;
  }

  @Override
  public Map<String, Tensor> inputs(int index) throws QuantizerException {
    return whole.inputs(index(index));
  }

  @Override
  public Tensor expected(int index) throws QuantizerException {
    return whole.expected(index(index));
  }

  @Override
  public Tensor answer(int index, Map<String, Tensor> outputs) throws QuantizerException {
    return whole.answer(index(index), outputs);
  }

  @Override
  public String name(int index) {
    return whole.name(index(index));
  }

  @Override
  public String description() {
    return whole.description() + ", those from " + from + " to " + (from + count - 1);
  }

  @Override
  public void close() throws QuantizerException {
    whole.close();
  }
}
