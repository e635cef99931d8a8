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

/** A provider that sessions may be given. */
public enum OrtProvider {
  /** NVIDIA's TensorRT. */
  TENSORRT(
      "TensorrtExecutionProvider",
      OrtFunction.CreateTensorRTProviderOptions,
      OrtFunction.UpdateTensorRTProviderOptions,
      OrtFunction.SessionOptionsAppendExecutionProvider_TensorRT_V2,
      OrtFunction.ReleaseTensorRTProviderOptions),
  /** NVIDIA's CUDA. */
  CUDA(
      "CUDAExecutionProvider",
      OrtFunction.CreateCUDAProviderOptions,
      OrtFunction.UpdateCUDAProviderOptions,
      OrtFunction.SessionOptionsAppendExecutionProvider_CUDA_V2,
      OrtFunction.ReleaseCUDAProviderOptions);

  private final String runtimeName;
  private final OrtFunction create;
  private final OrtFunction update;
  private final OrtFunction append;
  private final OrtFunction release;

  OrtProvider(
      String runtimeName,
      OrtFunction create,
      OrtFunction update,
      OrtFunction append,
      OrtFunction release) {
    this.runtimeName = runtimeName;
    this.create = create;
    this.update = update;
    this.append = append;
    this.release = release;
  }

  /** As the runtime calls it. */
  public String runtimeName() {
    return runtimeName;
  }

  OrtFunction create() {
    return create;
  }

  OrtFunction update() {
    return update;
  }

  OrtFunction append() {
    return append;
  }

  OrtFunction release() {
    return release;
  }
}
