/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import io.shoji.tensor.ElementType;

/**
 * How a model is written for TensorFlow Lite.
 *
 * @param io type of its inputs and outputs: INT8 as it computes; UINT8 or FLOAT32 with an operation
 *     at each border that converts
 */
public record TfliteOptions(ElementType io) {
  /** Checks the type. */
  public TfliteOptions {
    if (io != ElementType.INT8 && io != ElementType.UINT8 && io != ElementType.FLOAT32) {
      throw new IllegalArgumentException("INT8, UINT8 or FLOAT32 io=" + io);
    }
  }
}
