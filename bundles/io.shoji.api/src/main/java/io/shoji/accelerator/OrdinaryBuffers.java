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
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/** Tensors in memory of the JVM, see {@link LoadedModel#buffers}. */
record OrdinaryBuffers(List<Tensor> inputs, List<Tensor> outputs) implements LoadedModel.Buffers {

  /** Zeroed tensors of given shapes. */
  static List<Tensor> allocate(String kind, List<TensorSpec> specs, List<Shape> shapes) {
    check(kind, specs, shapes);
    List<Tensor> tensors = new ArrayList<>(shapes.size());
    for (int i = 0; i < shapes.size(); i++) {
      tensors.add(Tensor.allocate(specs.get(i).type(), shapes.get(i)));
    }
    return List.copyOf(tensors);
  }

  /** Throws what {@link LoadedModel#buffers} does if shapes do not match. */
  static void check(String kind, List<TensorSpec> specs, List<Shape> shapes) {
    if (specs.size() != shapes.size()) {
      throw new IllegalArgumentException(
          "another number of " + kind + "s asked=" + specs + " found=" + shapes);
    }
    for (int i = 0; i < shapes.size(); i++) {
      TensorSpec spec = specs.get(i);
      if (!spec.shape().accepts(shapes.get(i))) {
        throw new IllegalArgumentException(
            kind
                + " has the wrong shape name="
                + spec.name()
                + " asked="
                + spec.shape()
                + " found="
                + shapes.get(i));
      }
    }
  }

  @Override
  public void close() {
    // The collector frees the tensors.
  }
}
