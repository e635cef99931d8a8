/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.InferenceException;
import io.shoji.inference.Sample;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;

/** Tensors as the model takes them, in batches of one. */
final class TensorSource implements Source {
  private final List<TensorSpec> specs;
  private final Geometry geometry = new Geometry();
  private List<Tensor> offered = List.of();

  /**
   * @param specs of the model's inputs
   */
  TensorSource(List<TensorSpec> specs) {
    this.specs = specs;
  }

  @Override
  public void offer(Sample sample, int from) throws InferenceException {
    if (!(sample instanceof Sample.Tensors tensors)) {
      throw Samples.wrongKind("Tensors", sample);
    }
    List<Tensor> inputs = tensors.inputs();
    if (inputs.size() != specs.size()) {
      throw Samples.refused(
          "it has another number of tensors asked=" + specs.size() + " found=" + inputs.size());
    }
    for (int i = 0; i < inputs.size(); i++) {
      TensorSpec spec = specs.get(i);
      Shape shape = inputs.get(i).shape();
      Optional<String> mismatch = spec.mismatch(inputs.get(i));
      if (mismatch.isPresent()) {
        throw Samples.refused(mismatch.get());
      }
      if (shape.rank() > 0 && spec.shape().dim(0) == Shape.DYNAMIC && shape.dim(0) != 1) {
        throw Samples.refused(
            "a pipeline runs batches of one name="
                + spec.name()
                + " asked=1 found="
                + shape.dim(0));
      }
    }
    offered = inputs;
  }

  @Override
  public boolean next(ModelCall call) {
    if (offered.isEmpty()) {
      return false;
    }
    Shape shape = offered.get(0).shape();
    Layout layout = specs.get(0).layout();
    if (layout == Layout.NCHW) {
      geometry.setIdentity((int) shape.dim(3), (int) shape.dim(2));
    } else if (layout == Layout.NHWC) {
      geometry.setIdentity((int) shape.dim(2), (int) shape.dim(1));
    }
    call.feed(offered);
    offered = List.of();
    return true;
  }

  @Override
  public boolean hasNext() {
    return !offered.isEmpty();
  }

  @Override
  public int position() {
    return 0;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public void finish() {
    offered = List.of();
  }

  @Override
  public void reset() {
    offered = List.of();
  }
}
