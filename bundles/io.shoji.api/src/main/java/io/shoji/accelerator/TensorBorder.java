/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorConversion;
import io.shoji.tensor.TensorSpec;

/**
 * Where a tensor of a caller meets one of a model.
 *
 * @param spec what callers see, with what the model fixes of its sizes
 * @param inward from the caller's to the model's
 * @param outward from the model's to the caller's
 */
record TensorBorder(TensorSpec spec, TensorConversion inward, TensorConversion outward) {

  /**
   * The border between two descriptions.
   *
   * @param perSample whether the model gets one sample at a time
   */
  static TensorBorder of(TensorSpec spec, TensorSpec modelSpec, boolean perSample) {
    TensorConversion inward = TensorConversion.between(spec, modelSpec);
    TensorConversion outward = TensorConversion.between(modelSpec, spec);
    Shape fixed = outward.apply(modelSpec.shape());
    long[] dims = spec.shape().dims();
    for (int axis = perSample ? 1 : 0; axis < dims.length; axis++) {
      dims[axis] = dims[axis] == Shape.DYNAMIC ? fixed.dim(axis) : dims[axis];
    }
    TensorSpec seen =
        TensorSpec.of(spec.name(), spec.type(), Shape.of(dims)).withLayout(spec.layout());
    return new TensorBorder(
        spec.quantization().map(seen::withQuantization).orElse(seen), inward, outward);
  }

  /** Whether a whole tensor passes as it is. */
  boolean isOpen() {
    return inward.isIdentity() && outward.isIdentity();
  }

  /** Whether a tensor of the caller is one of the model as it is. */
  boolean passes(Shape shape, Shape modelShape) {
    return isOpen() && shape.equals(modelShape);
  }

  /** The shape of the model's tensor for one of the caller's. */
  Shape modelShape(Shape shape, boolean perSample) {
    return withBatch(inward.apply(shape), perSample ? 1 : -1);
  }

  /** The shape of the caller's tensor. */
  Shape callerShape(Shape modelShape, long samples) {
    return withBatch(outward.apply(modelShape), samples);
  }

  private static Shape withBatch(Shape shape, long batch) {
    if (batch < 0 || shape.dim(0) == batch) {
      return shape;
    }
    long[] dims = shape.dims();
    dims[0] = batch;
    return Shape.of(dims);
  }
}
