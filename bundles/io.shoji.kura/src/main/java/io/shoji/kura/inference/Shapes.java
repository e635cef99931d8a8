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

import io.shoji.inference.InferenceException;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which shape a number of values makes for an input whose shape may be dynamic. */
final class Shapes {
  private Shapes() {}

  /**
   * The shape of {@code count} values.
   *
   * @param given dimensions that the caller says, -1 where it leaves one open; empty if it says
   *     none at all
   * @throws InferenceException INVALID_INPUT if they do not fit the input, or leave more than one
   *     way
   */
  static Shape resolve(TensorSpec spec, Optional<Shape> given, long count)
      throws InferenceException {
    Shape asked = spec.shape();
    Shape said = given.orElse(asked);
    if (said.rank() != asked.rank()) {
      throw refused(spec, "has the wrong rank", "shape " + said);
    }
    long[] dims = new long[asked.rank()];
    int open = 0;
    int openAxis = -1;
    long fixed = 1;
    for (int axis = 0; axis < dims.length; axis++) {
      long dim = asked.dim(axis) == Shape.DYNAMIC ? said.dim(axis) : asked.dim(axis);
      if (said.dim(axis) != Shape.DYNAMIC && said.dim(axis) != dim) {
        throw refused(spec, "has the wrong shape", "shape " + said);
      }
      dims[axis] = dim;
      if (dim == Shape.DYNAMIC) {
        open++;
        openAxis = axis;
      } else {
        fixed *= dim;
      }
    }
    if (count == 0) {
      throw refused(spec, "is empty", "0 values");
    }
    if (open == 1 && fixed > 0 && count % fixed == 0) {
      dims[openAxis] = count / fixed;
      return Shape.of(dims);
    }
    Shape whole = Shape.of(dims).withDynamicAs(1);
    if (whole.elementCount() == count) {
      return whole;
    }
    if (open > 1) {
      throw refused(
          spec,
          "leaves more than one dimension open; give its descriptor a shape without -1",
          count + " values for shape " + Shape.of(dims));
    }
    throw refused(spec, "has the wrong number of values", count + " values for shape " + said);
  }

  /**
   * The shape of raw content.
   *
   * @param given as for {@link #resolve}
   * @param bytes size of the content
   * @throws InferenceException as {@link #resolve}
   */
  static Shape ofContent(TensorSpec spec, Optional<Shape> given, long bytes)
      throws InferenceException {
    int bits = spec.type().bits();
    if (bits == 4) {
      return packed(spec, given, bytes);
    }
    int width = bits / 8;
    if (bytes % width != 0) {
      throw refused(
          spec, "has raw content that ends within a value", bytes + " bytes of " + width + " each");
    }
    return resolve(spec, given, bytes / width);
  }

  /** Two values per byte, and perhaps half a byte of padding. */
  private static Shape packed(TensorSpec spec, Optional<Shape> given, long bytes)
      throws InferenceException {
    try {
      return resolve(spec, given, 2 * bytes);
    } catch (InferenceException e) {
      if (bytes == 0) {
        throw e;
      }
      try {
        return resolve(spec, given, 2 * bytes - 1);
      } catch (InferenceException odd) {
        e.addSuppressed(odd);
        throw e;
      }
    }
  }

  /** An input that cannot be taken, with what it asks for and what was found. */
  static InferenceException refused(TensorSpec spec, String what, String found) {
    return refused(spec, what, found, null);
  }

  /** As {@link #refused(TensorSpec, String, String)}, with its cause. */
  static InferenceException refused(
      TensorSpec spec, String what, String found, @Nullable Throwable cause) {
    return new InferenceException(
        InferenceException.Code.INVALID_INPUT,
        "input "
            + what
            + " name="
            + spec.name()
            + " asked="
            + DataTypes.name(spec.type())
            + spec.shape()
            + " found="
            + found,
        cause);
  }
}
