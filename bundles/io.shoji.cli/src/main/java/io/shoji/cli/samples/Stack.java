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

import io.shoji.quantizer.NpyFile;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;

/** Tensors of all samples, one above the other along the first axis, in a file. */
interface Stack {
  /** Shape of all together. */
  Shape shape();

  /** One of them, as a new tensor whose first axis is 1. */
  Tensor read(int index) throws QuantizerException;

  /** How many there are. */
  default long count() {
    return shape().rank() == 0 ? 0 : shape().dim(0);
  }

  static Stack of(NpyFile file) {
    return new Stack() {
      @Override
      public Shape shape() {
        return file.shape();
      }

      @Override
      public Tensor read(int index) throws QuantizerException {
        return file.read(index, 1);
      }
    };
  }

  static Stack of(SafetensorsFile file, String name) {
    return new Stack() {
      @Override
      public Shape shape() {
        return file.shape(name);
      }

      @Override
      public Tensor read(int index) throws QuantizerException {
        return file.read(name, index, 1);
      }
    };
  }
}
