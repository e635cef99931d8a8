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

import io.shoji.cli.samples.SampleOptions.Expected;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Samples of which each was seen to fit the model before anybody gets it. */
final class CheckedSamples implements SampleSet {
  private final Reader reader;
  private final ModelInterface model;
  private final Expected expected;
  private final Map<String, Shape> shapes = new HashMap<>();
  private String first = "";
  private int last = -1;
  private Map<String, Tensor> lastInputs = Map.of();

  CheckedSamples(Reader reader, ModelInterface model, SampleOptions options) {
    this.reader = reader;
    this.model = model;
    this.expected = options.expected();
  }

  @Override
  public int size() {
    return reader.size();
  }

  @Override
  public Map<String, Tensor> inputs(int index) throws QuantizerException {
    Objects.checkIndex(index, size());
    Map<String, Tensor> read = reader.inputs(index);
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    for (TensorSpec spec : model.inputs()) {
      Tensor tensor = read.get(spec.name());
      if (tensor == null) {
        throw bad(index, "a sample lacks an input asked=" + spec + " found=" + read.keySet());
      }
      inputs.put(spec.name(), fitting(index, spec, tensor));
    }
    last = index;
    lastInputs = inputs;
    return inputs;
  }

  private Tensor fitting(int index, TensorSpec spec, Tensor read) throws QuantizerException {
    Tensor tensor = real(spec, read);
    Optional<String> mismatch = spec.mismatch(tensor);
    if (mismatch.isPresent()) {
      throw bad(index, mismatch.get());
    }
    Shape shape = shapes.putIfAbsent(spec.name(), tensor.shape());
    if (shape == null) {
      first = name(index);
    } else if (!shape.equals(tensor.shape())) {
      throw bad(
          index,
          "samples are of several shapes; bring them to one, or add a resize step input="
              + spec.name()
              + " asked="
              + shape
              + " of="
              + first
              + " found="
              + tensor.shape());
    }
    checkFinite(index, spec.name(), tensor);
    return tensor;
  }

  /** Real numbers in the width that the model takes. */
  private static Tensor real(TensorSpec spec, Tensor tensor) {
    if (tensor.type() == spec.type()
        || spec.type() != ElementType.FLOAT32
        || !tensor.type().isFloatingPoint()) {
      return tensor;
    }
    Tensor converted = Tensor.allocate(ElementType.FLOAT32, tensor.shape());
    for (int i = 0; i < tensor.elementCount(); i++) {
      converted.setFloat(i, tensor.getFloat(i));
    }
    return converted;
  }

  private void checkFinite(int index, String input, Tensor tensor) throws QuantizerException {
    if (tensor.type().isFloatingPoint()) {
      for (int i = 0; i < tensor.elementCount(); i++) {
        if (!Float.isFinite(tensor.getFloat(i))) {
          throw bad(
              index,
              "a sample holds a value that is no finite number; correct it or leave the sample out"
                  + " input="
                  + input
                  + " element="
                  + i
                  + " found="
                  + tensor.getFloat(i));
        }
      }
    }
  }

  private QuantizerException bad(int index, String what) {
    return new QuantizerException(Code.BAD_SAMPLES, what + " sample=" + name(index));
  }

  @Override
  public Tensor expected(int index) throws QuantizerException {
    Objects.checkIndex(index, size());
    if (expected == Expected.NOTHING) {
      throw new IllegalStateException("samples were opened without what is expected of them");
    }
    Tensor read = reader.expected(index);
    if (expected == Expected.LABEL) {
      checkLabel(index, read.getLong(0));
    }
    return read;
  }

  /** A single value is the score of one of two classes. */
  private void checkLabel(int index, long label) throws QuantizerException {
    Shape output = model.outputs().get(0).shape();
    long classes = output.rank() == 0 ? 1 : output.dim(output.rank() - 1);
    if (label < 0 || (classes > 1 && label >= classes)) {
      throw bad(index, "the model has no such class found=" + label + " classes=" + classes);
    }
  }

  @Override
  public Tensor answer(int index, Map<String, Tensor> outputs) throws QuantizerException {
    if (expected != Expected.BOXES) {
      return outputs.values().iterator().next();
    }
    // Boxes are in the pixels of the picture that was looked at last.
    Map<String, Tensor> inputs = last == index ? lastInputs : inputs(index);
    return reader.answer(inputs, outputs, List.copyOf(model.outputs()));
  }

  @Override
  public String name(int index) {
    return reader.name(index);
  }

  @Override
  public String description() {
    return reader.description();
  }

  @Override
  public void close() throws QuantizerException {
    reader.close();
  }
}
