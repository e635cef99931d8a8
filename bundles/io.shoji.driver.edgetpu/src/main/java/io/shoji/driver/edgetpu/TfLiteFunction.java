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

/**
 * The functions of TensorFlow Lite's C API that this driver calls, by their C names ({@code
 * c_api.h}, {@code c_api_experimental.h} and {@code xnnpack_delegate.h} of TensorFlow Lite 2.21).
 */
enum TfLiteFunction {
  TfLiteVersion(Returns.TEXT, ""),
  TfLiteSchemaVersion(Returns.INT, ""),
  TfLiteModelCreate(Returns.ADDRESS, "as"),
  TfLiteModelDelete(Returns.NOTHING, "a"),
  TfLiteInterpreterOptionsCreate(Returns.ADDRESS, ""),
  TfLiteInterpreterOptionsDelete(Returns.NOTHING, "a"),
  TfLiteInterpreterOptionsSetNumThreads(Returns.NOTHING, "ai"),
  TfLiteInterpreterOptionsAddDelegate(Returns.NOTHING, "aa"),
  TfLiteInterpreterOptionsEnableCancellation(Returns.STATUS, "ai"),
  TfLiteInterpreterCreate(Returns.ADDRESS, "aa"),
  TfLiteInterpreterDelete(Returns.NOTHING, "a"),
  TfLiteInterpreterGetInputTensorCount(Returns.INT, "a"),
  TfLiteInterpreterGetOutputTensorCount(Returns.INT, "a"),
  TfLiteInterpreterGetInputTensor(Returns.ADDRESS, "ai"),
  TfLiteInterpreterGetOutputTensor(Returns.ADDRESS, "ai"),
  TfLiteInterpreterResizeInputTensor(Returns.STATUS, "aiai"),
  TfLiteInterpreterAllocateTensors(Returns.STATUS, "a"),
  TfLiteInterpreterGetVariableTensorCount(Returns.INT, "a"),
  TfLiteInterpreterResetVariableTensors(Returns.STATUS, "a"),
  TfLiteInterpreterInvoke(Returns.STATUS, "a"),
  TfLiteInterpreterCancel(Returns.STATUS, "a"),
  TfLiteTensorType(Returns.INT, "a"),
  TfLiteTensorNumDims(Returns.INT, "a"),
  TfLiteTensorDim(Returns.INT, "ai"),
  TfLiteTensorGetDimsSignature(Returns.ADDRESS, "a"),
  TfLiteTensorByteSize(Returns.SIZE, "a"),
  TfLiteTensorData(Returns.ADDRESS, "a"),
  TfLiteTensorName(Returns.TEXT, "a"),
  TfLiteTensorQuantizationParams(Returns.QUANTIZATION, "a"),
  TfLiteXNNPackDelegateCreate(Returns.ADDRESS, "a"),
  TfLiteXNNPackDelegateGetOptions(Returns.ADDRESS, "a"),
  TfLiteXNNPackDelegateDelete(Returns.NOTHING, "a");

  /** What a function gives back. */
  enum Returns {
    NOTHING,
    /** A {@code TfLiteStatus}. */
    STATUS,
    /** A C {@code int}, {@code int32_t} or an enumeration. */
    INT,
    /** A {@code size_t}. */
    SIZE,
    /** An address. */
    ADDRESS,
    /** A borrowed C string. */
    TEXT,
    /** {@code TfLiteQuantizationParams} by value: 8 bytes in one register. */
    QUANTIZATION
  }

  private final Returns returns;
  private final String passed;

  TfLiteFunction(Returns returns, String passed) {
    this.returns = returns;
    this.passed = passed;
  }

  /** What it gives back. */
  Returns returns() {
    return returns;
  }

  /**
   * How its arguments are passed, one letter each: i for a C {@code int}, {@code int32_t} or {@code
   * bool}, s for a {@code size_t}, a for an address.
   */
  String passed() {
    return passed;
  }
}
