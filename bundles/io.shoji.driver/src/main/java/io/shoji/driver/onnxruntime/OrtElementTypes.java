/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.tensor.ElementType;

/**
 * {@code ONNXTensorElementDataType} of {@code onnxruntime_c_api.h} and our element types. The
 * numbers are those of {@code TensorProto.DataType} in {@code onnx.proto}.
 */
public final class OrtElementTypes {
  /** First API version that knows 4-bit integers. */
  public static final int INT4_API = 19;

  private static final int STRING = 8;
  private static final String[] NAMES = {
    "undefined",
    "float",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "string",
    "bool",
    "float16",
    "double",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
    "bfloat16",
    "float8e4m3fn",
    "float8e4m3fnuz",
    "float8e5m2",
    "float8e5m2fnuz",
    "uint4",
    "int4",
    "float4e2m1",
    "uint2",
    "int2",
    "float8e8m0"
  };

  private OrtElementTypes() {}

  /** The runtime's number of a type. */
  static Integer code(ElementType type) {
    return switch (type) {
      case FLOAT32 -> 1;
      case UINT8 -> 2;
      case INT8 -> 3;
      case UINT16 -> 4;
      case INT16 -> 5;
      case INT32 -> 6;
      case INT64 -> 7;
      case BOOL -> 9;
      case FLOAT16 -> 10;
      case FLOAT64 -> 11;
      case INT4 -> 22;
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
    String found = code >= 0 && code < NAMES.length ? NAMES[code] : "unknown";
    throw new AcceleratorException(
        Code.UNSUPPORTED,
        (code == STRING
                ? "inputs and outputs of text are not supported; encode it as numbers before the model"
                : "the model has an input or output of an element type that is not supported; convert"
                    + " it in the model with Cast")
            + " name="
            + name
            + " found="
            + found
            + " onnxType="
            + code);
  }
}
