/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Random samples, the same ones at each call. Real numbers are evenly spread over [-1, 1), or over
 * what the tensor's type can hold of that; integers of up to 16 bits without a scale over all that
 * the type holds; larger integers, which often are indices, are 0 or 1.
 *
 * @param count of samples
 * @param batch the size that a dynamic first dimension takes
 * @param shapes of inputs, by name, for those with other dynamic dimensions; these say the batch,
 *     too
 */
public record RandomInputs(int count, long batch, Map<String, Shape> shapes)
    implements InputSource {
  private static final int SAMPLES = 16;
  private static final long SEED = 20_261_122;

  /** Copies the shapes. */
  public RandomInputs {
    shapes = Map.copyOf(shapes);
  }

  /** Some samples of a batch. */
  public static RandomInputs ofBatch(long batch) {
    return new RandomInputs(SAMPLES, batch, Map.of());
  }

  @Override
  public List<List<Tensor>> samples(List<TensorSpec> inputs) throws CommandException {
    SplittableRandom random = new SplittableRandom(SEED);
    List<List<Tensor>> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<Tensor> sample = new ArrayList<>();
      for (TensorSpec spec : inputs) {
        sample.add(random(spec, random));
      }
      samples.add(sample);
    }
    return samples;
  }

  private Tensor random(TensorSpec spec, SplittableRandom random) throws CommandException {
    Shape shape = shape(spec);
    Tensor tensor;
    try {
      tensor = Tensor.allocate(spec.type(), shape);
    } catch (IllegalArgumentException | OutOfMemoryError e) {
      throw new CommandException(
          ExitCode.USAGE,
          "INPUT_TOO_LARGE",
          "no memory for the input; a smaller batch or shape may do input="
              + spec
              + " shape="
              + shape
              + " samples="
              + count
              + ": "
              + e.getMessage(),
          e);
    }
    ElementType type = spec.type();
    Quantization scale =
        spec.quantization().filter(Quantization::isPerTensor).orElse(Quantization.perTensor(1, 0));
    boolean real = type.isFloatingPoint() || spec.quantization().isPresent();
    boolean index = type == ElementType.BOOL || type.bits() > Short.SIZE;
    for (int i = 0; i < tensor.elementCount(); i++) {
      if (real) {
        float value = (float) (random.nextDouble() * 2 - 1);
        if (type.isFloatingPoint()) {
          tensor.setFloat(i, value);
        } else {
          tensor.setLong(i, scale.quantize(value, 0, type));
        }
      } else if (index) {
        tensor.setLong(i, random.nextLong(2));
      } else {
        tensor.setLong(i, random.nextLong(type.minValue(), type.maxValue() + 1));
      }
    }
    return tensor;
  }

  private Shape shape(TensorSpec spec) throws CommandException {
    Shape asked = shapes.get(spec.name());
    if (asked != null) {
      if (!spec.shape().accepts(asked)) {
        throw new CommandException(
            ExitCode.USAGE,
            "INPUT_MISMATCH",
            "the model's input has another shape input="
                + spec.name()
                + " asked="
                + asked
                + " found="
                + spec.shape());
      }
      return asked;
    }
    long[] dims = spec.shape().dims();
    if (dims.length > 0 && dims[0] == Shape.DYNAMIC) {
      dims[0] = batch;
    }
    Shape shape = Shape.of(dims);
    if (shape.isDynamic()) {
      throw new CommandException(
          ExitCode.USAGE,
          "SHAPE_MISSING",
          "the input has a dimension without a size; say it with --shape "
              + spec.name()
              + "=1x3x224x224 or the like, or give samples with --input DIR input="
              + spec);
    }
    return shape;
  }
}
