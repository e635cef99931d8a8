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

/**
 * The functions of {@code OrtApi} that drivers call, by their C names, with their place in the
 * function table ({@code onnxruntime_c_api.h}: entries never move, so that a place holds in every
 * release from {@link #sinceApi} on).
 */
public enum OrtFunction {
  GetErrorCode(1, 1),
  GetErrorMessage(2, 1),
  CreateEnv(3, 1),
  DisableTelemetryEvents(6, 1),
  CreateSession(7, 1),
  Run(9, 1),
  CreateSessionOptions(10, 1),
  SetSessionExecutionMode(13, 1),
  EnableProfiling(14, 1),
  EnableMemPattern(16, 1),
  DisableMemPattern(17, 1),
  EnableCpuMemArena(18, 1),
  DisableCpuMemArena(19, 1),
  SetSessionLogId(20, 1),
  SetSessionGraphOptimizationLevel(23, 1),
  SetIntraOpNumThreads(24, 1),
  SetInterOpNumThreads(25, 1),
  SessionGetInputCount(30, 1),
  SessionGetOutputCount(31, 1),
  SessionGetInputTypeInfo(33, 1),
  SessionGetOutputTypeInfo(34, 1),
  SessionGetInputName(36, 1),
  SessionGetOutputName(37, 1),
  CreateRunOptions(39, 1),
  RunOptionsSetTerminate(46, 1),
  RunOptionsUnsetTerminate(47, 1),
  CreateTensorWithDataAsOrtValue(49, 1),
  GetTensorMutableData(51, 1),
  CastTypeInfoToTensorInfo(55, 1),
  GetOnnxTypeFromTypeInfo(56, 1),
  GetTensorElementType(60, 1),
  GetDimensionsCount(61, 1),
  GetDimensions(62, 1),
  GetTensorTypeAndShape(65, 1),
  CreateCpuMemoryInfo(69, 1),
  AllocatorFree(76, 1),
  GetAllocatorWithDefaultOptions(78, 1),
  ReleaseEnv(92, 1),
  ReleaseStatus(93, 1),
  ReleaseMemoryInfo(94, 1),
  ReleaseSession(95, 1),
  ReleaseValue(96, 1),
  ReleaseRunOptions(97, 1),
  ReleaseTypeInfo(98, 1),
  ReleaseTensorTypeAndShapeInfo(99, 1),
  ReleaseSessionOptions(100, 1),
  SessionEndProfiling(110, 2),
  AddFreeDimensionOverrideByName(124, 3),
  GetAvailableProviders(125, 4),
  ReleaseAvailableProviders(126, 4),
  AddSessionConfigEntry(130, 5),
  CreateAllocator(131, 5),
  ReleaseAllocator(132, 5),
  RunWithBinding(133, 5),
  CreateIoBinding(134, 5),
  ReleaseIoBinding(135, 5),
  BindInput(136, 5),
  BindOutput(137, 5),
  SessionOptionsAppendExecutionProvider_TensorRT_V2(170, 9),
  CreateTensorRTProviderOptions(171, 9),
  UpdateTensorRTProviderOptions(172, 9),
  ReleaseTensorRTProviderOptions(174, 9),
  SessionOptionsAppendExecutionProvider_CUDA_V2(204, 11),
  CreateCUDAProviderOptions(205, 11),
  UpdateCUDAProviderOptions(206, 11),
  ReleaseCUDAProviderOptions(208, 11),
  SessionOptionsSetLoadCancellationFlag(293, 22),
  GetKeyValue(297, 22),
  ReleaseKeyValuePairs(300, 22),
  AllocatorGetStats(319, 23),
  TensorTypeAndShape_HasShape(390, 24);

  private final int index;
  private final int sinceApi;

  OrtFunction(int index, int sinceApi) {
    this.index = index;
    this.sinceApi = sinceApi;
  }

  /** Place in the function table. */
  public int index() {
    return index;
  }

  /** First API version that has it; ONNX Runtime 1.N has API version N. */
  public int sinceApi() {
    return sinceApi;
  }
}
