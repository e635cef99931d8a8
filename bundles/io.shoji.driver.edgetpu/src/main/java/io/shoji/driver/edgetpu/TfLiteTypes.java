/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.tensor.ElementType;

/** {@code TfLiteType} of {@code c_api_types.h} and our element types. */
final class TfLiteTypes {
  private static final int STRING = 5;
  private static final String[] NAMES = {
    "none",
    "float32",
    "int32",
    "uint8",
    "int64",
    "string",
    "bool",
    "int16",
    "complex64",
    "int8",
    "float16",
    "float64",
    "complex128",
    "uint64",
    "resource",
    "variant",
    "uint32",
    "uint16",
    "int4",
    "bfloat16",
    "int2",
    "uint4"
  };

  private TfLiteTypes() {}

  /** The runtime's number of a type; -1 for INT4, which is a type of weights only. */
  static int code(ElementType type) {
    return switch (type) {
      case FLOAT32 -> 1;
      case INT32 -> 2;
      case UINT8 -> 3;
      case INT64 -> 4;
      case BOOL -> 6;
      case INT16 -> 7;
      case INT8 -> 9;
      case FLOAT16 -> 10;
      case FLOAT64 -> 11;
      case UINT16 -> 17;
      case INT4 -> -1;
    };
  }

  /**
   * The type of a number.
   *
   * @param name of the input or output, for the message
   * @throws AcceleratorException UNSUPPORTED if tensors of this project have no such type
   */
  static ElementType type(int code, String name) throws AcceleratorException {
    for (ElementType type : ElementType.values()) {
      if (code(type) == code) {
        return type;
      }
    }
    throw new AcceleratorException(
        Code.UNSUPPORTED,
        (code == STRING
                ? "inputs and outputs of text are not supported; encode it as numbers before the model"
                : "the model has an input or output of an element type that is not supported; convert"
                    + " it in the model with CAST")
            + " name="
            + name
            + " found="
            + (code >= 0 && code < NAMES.length ? NAMES[code] : "unknown")
            + " tfLiteType="
            + code);
  }
}
