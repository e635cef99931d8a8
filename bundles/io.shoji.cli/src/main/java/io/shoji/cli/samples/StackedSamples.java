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
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Samples as stacks of tensors: one per input, and one of what is expected. */
abstract class StackedSamples implements Reader {
  private final Path path;
  private final Map<String, Stack> inputs;
  private final @Nullable Stack expected;
  private final Expected kind;
  private final BoxAnswers boxes;
  private final int size;

  /**
   * @param expected null if nothing is
   * @throws QuantizerException BAD_SAMPLES if they are not equally many
   */
  StackedSamples(
      Path path,
      Map<String, Stack> inputs,
      @Nullable Stack expected,
      ModelInterface model,
      SampleOptions options)
      throws QuantizerException {
    this.path = path;
    this.inputs = new LinkedHashMap<>(inputs);
    this.expected = expected;
    this.kind = options.expected();
    this.boxes = BoxAnswers.of(model, options);
    long count = -1;
    String first = "";
    Map<String, Stack> all = new LinkedHashMap<>(inputs);
    if (expected != null) {
      all.put("what is expected", expected);
    }
    for (Map.Entry<String, Stack> each : all.entrySet()) {
      if (each.getValue().shape().rank() == 0) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "an array has no axis of samples array=" + each.getKey() + " file=" + path);
      }
      if (count < 0) {
        count = each.getValue().count();
        first = each.getKey();
      } else if (count != each.getValue().count()) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "there are not equally many of all, along the first axis "
                + first
                + "="
                + count
                + " "
                + each.getKey()
                + "="
                + each.getValue().count()
                + " file="
                + path);
      }
    }
    if (count > Integer.MAX_VALUE) {
      throw new QuantizerException(
          Code.TOO_LARGE, "too many samples found=" + count + " file=" + path);
    }
    size = (int) Math.max(0, count);
    for (TensorSpec input : model.inputs()) {
      if (!inputs.containsKey(input.name())) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "there is nothing for an input of the model asked="
                + input
                + " found="
                + inputs.keySet()
                + " file="
                + path);
      }
    }
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public Map<String, Tensor> inputs(int index) throws QuantizerException {
    Map<String, Tensor> read = new LinkedHashMap<>();
    for (Map.Entry<String, Stack> input : inputs.entrySet()) {
      read.put(input.getKey(), input.getValue().read(index));
    }
    return read;
  }

  @Override
  public Tensor expected(int index) throws QuantizerException {
    if (expected == null) {
      throw new IllegalStateException("nothing is expected");
    }
    Tensor read = expected.read(index);
    return switch (kind) {
      case LABEL -> {
        if (read.elementCount() != 1 || read.type().isFloatingPoint()) {
          throw new QuantizerException(
              Code.BAD_SAMPLES, "a label is one integer found=" + read + " sample=" + name(index));
        }
        Tensor label = Tensor.allocate(ElementType.INT64, Shape.scalar());
        label.setLong(0, read.getLong(0));
        yield label;
      }
      case BOXES -> BoxAnswers.expected(read, name(index));
      case TENSOR, NOTHING -> read;
    };
  }

  @Override
  public Tensor answer(
      Map<String, Tensor> read, Map<String, Tensor> outputs, List<TensorSpec> specs)
      throws QuantizerException {
    return boxes.answer(read, outputs, specs);
  }

  @Override
  public String name(int index) {
    return path.getFileName() + "[" + index + "]";
  }

  @Override
  public String description() {
    return size + " samples of " + path;
  }
}
