/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */

/*
 * Facts about ONNX Runtime's C API, versions 1.1 to 1.29: places in the function table, what a call makes, takes back or
 * tells. Places never move, so that each holds in every release that has the function.
 *
 * FUNCTION(name, place, returns, makes, made_at, takes_back, taken_at, tells, told_at)
 *   returns     STATUS (an OrtStatus, null for success), NOTHING, or OTHER
 *   makes       kind of object that the caller has to release, NONE if none
 *   made_at     argument through which the object is given, RESULT if it is what the call returns
 *   takes_back  kind of object that the call releases, NONE if none
 *   taken_at    argument that is that object
 *   tells       kind of number that the call gives: INT, LONG; DIMENSIONS for an array of LONG whose length is the next
 *               argument
 *   told_at     argument that is its address
 *
 * A function with more than eight arguments, or one whose facts are not known, is not listed and goes straight through.
 */

#define HANDLES(HANDLE) \
  HANDLE(AllocatedText) \
  HANDLE(Allocator) \
  HANDLE(CANNProviderOptions) \
  HANDLE(CUDAProviderOptions) \
  HANDLE(CustomOpDomain) \
  HANDLE(DnnlProviderOptions) \
  HANDLE(Env) \
  HANDLE(IoBinding) \
  HANDLE(KeyValuePairs) \
  HANDLE(MemoryInfo) \
  HANDLE(ModelMetadata) \
  HANDLE(RunOptions) \
  HANDLE(Session) \
  HANDLE(SessionOptions) \
  HANDLE(Status) \
  HANDLE(TensorRTProviderOptions) \
  HANDLE(TensorTypeAndShapeInfo) \
  HANDLE(ThreadingOptions) \
  HANDLE(TypeInfo) \
  HANDLE(Value)

#define FUNCTIONS(FUNCTION) \
  FUNCTION(CreateStatus, 0, OTHER, Status, RESULT, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetErrorCode, 1, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetErrorMessage, 2, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateEnv, 3, STATUS, Env, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateEnvWithCustomLogger, 4, STATUS, Env, 4, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(DisableTelemetryEvents, 6, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateSession, 7, STATUS, Session, 3, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateSessionFromArray, 8, STATUS, Session, 4, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(Run, 9, STATUS, Value, 7, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateSessionOptions, 10, STATUS, SessionOptions, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetOptimizedModelFilePath, 11, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CloneSessionOptions, 12, STATUS, SessionOptions, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetSessionExecutionMode, 13, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(EnableProfiling, 14, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(DisableProfiling, 15, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(EnableMemPattern, 16, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(DisableMemPattern, 17, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(EnableCpuMemArena, 18, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(DisableCpuMemArena, 19, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetSessionLogId, 20, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetSessionLogVerbosityLevel, 21, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetSessionLogSeverityLevel, 22, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetSessionGraphOptimizationLevel, 23, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetIntraOpNumThreads, 24, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetInterOpNumThreads, 25, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateCustomOpDomain, 26, STATUS, CustomOpDomain, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CustomOpDomain_Add, 27, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(AddCustomOpDomain, 28, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RegisterCustomOpsLibrary, 29, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionGetInputCount, 30, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(SessionGetOutputCount, 31, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(SessionGetOverridableInitializerCount, 32, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(SessionGetInputTypeInfo, 33, STATUS, TypeInfo, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionGetOutputTypeInfo, 34, STATUS, TypeInfo, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionGetInputName, 36, STATUS, AllocatedText, 3, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionGetOutputName, 37, STATUS, AllocatedText, 3, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateRunOptions, 39, STATUS, RunOptions, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RunOptionsSetRunLogVerbosityLevel, 40, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RunOptionsSetRunLogSeverityLevel, 41, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RunOptionsSetRunTag, 42, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RunOptionsSetTerminate, 46, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RunOptionsUnsetTerminate, 47, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateTensorAsOrtValue, 48, STATUS, Value, 4, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateTensorWithDataAsOrtValue, 49, STATUS, Value, 6, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(IsTensor, 50, STATUS, NONE, 0, NONE, 0, INT, 1) \
  FUNCTION(GetTensorMutableData, 51, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(FillStringTensor, 52, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetStringTensorDataLength, 53, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(GetStringTensorContent, 54, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CastTypeInfoToTensorInfo, 55, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetOnnxTypeFromTypeInfo, 56, STATUS, NONE, 0, NONE, 0, INT, 1) \
  FUNCTION(CreateTensorTypeAndShapeInfo, 57, STATUS, TensorTypeAndShapeInfo, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetTensorElementType, 58, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetDimensions, 59, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetTensorElementType, 60, STATUS, NONE, 0, NONE, 0, INT, 1) \
  FUNCTION(GetDimensionsCount, 61, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(GetDimensions, 62, STATUS, NONE, 0, NONE, 0, DIMENSIONS, 1) \
  FUNCTION(GetSymbolicDimensions, 63, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetTensorShapeElementCount, 64, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(GetTensorTypeAndShape, 65, STATUS, TensorTypeAndShapeInfo, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetTypeInfo, 66, STATUS, TypeInfo, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetValueType, 67, STATUS, NONE, 0, NONE, 0, INT, 1) \
  FUNCTION(CreateMemoryInfo, 68, STATUS, MemoryInfo, 4, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateCpuMemoryInfo, 69, STATUS, MemoryInfo, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CompareMemoryInfo, 70, STATUS, NONE, 0, NONE, 0, INT, 2) \
  FUNCTION(MemoryInfoGetName, 71, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(MemoryInfoGetId, 72, STATUS, NONE, 0, NONE, 0, INT, 1) \
  FUNCTION(MemoryInfoGetMemType, 73, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(MemoryInfoGetType, 74, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(AllocatorAlloc, 75, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(AllocatorFree, 76, STATUS, NONE, 0, AllocatedText, 1, NOTHING_TOLD, 0) \
  FUNCTION(AllocatorGetInfo, 77, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetAllocatorWithDefaultOptions, 78, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(AddFreeDimensionOverride, 79, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetValue, 80, STATUS, Value, 3, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetValueCount, 81, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(CreateValue, 82, STATUS, Value, 3, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseEnv, 92, NOTHING, NONE, 0, Env, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseStatus, 93, NOTHING, NONE, 0, Status, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseMemoryInfo, 94, NOTHING, NONE, 0, MemoryInfo, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseSession, 95, NOTHING, NONE, 0, Session, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseValue, 96, NOTHING, NONE, 0, Value, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseRunOptions, 97, NOTHING, NONE, 0, RunOptions, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseTypeInfo, 98, NOTHING, NONE, 0, TypeInfo, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseTensorTypeAndShapeInfo, 99, NOTHING, NONE, 0, TensorTypeAndShapeInfo, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseSessionOptions, 100, NOTHING, NONE, 0, SessionOptions, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseCustomOpDomain, 101, NOTHING, NONE, 0, CustomOpDomain, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseMapTypeInfo, 108, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseSequenceTypeInfo, 109, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionEndProfiling, 110, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionGetModelMetadata, 111, STATUS, ModelMetadata, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataGetProducerName, 112, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataGetGraphName, 113, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataGetDomain, 114, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataGetDescription, 115, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataLookupCustomMetadataMap, 116, STATUS, AllocatedText, 3, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataGetVersion, 117, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(ReleaseModelMetadata, 118, NOTHING, NONE, 0, ModelMetadata, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateEnvWithGlobalThreadPools, 119, STATUS, Env, 3, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(DisablePerSessionThreads, 120, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateThreadingOptions, 121, STATUS, ThreadingOptions, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseThreadingOptions, 122, NOTHING, NONE, 0, ThreadingOptions, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataGetCustomMetadataMapKeys, 123, STATUS, NONE, 0, NONE, 0, LONG, 3) \
  FUNCTION(AddFreeDimensionOverrideByName, 124, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetAvailableProviders, 125, STATUS, NONE, 0, NONE, 0, INT, 1) \
  FUNCTION(ReleaseAvailableProviders, 126, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetStringTensorElementLength, 127, STATUS, NONE, 0, NONE, 0, LONG, 2) \
  FUNCTION(GetStringTensorElement, 128, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(AddSessionConfigEntry, 130, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateAllocator, 131, STATUS, Allocator, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseAllocator, 132, NOTHING, NONE, 0, Allocator, 0, NOTHING_TOLD, 0) \
  FUNCTION(RunWithBinding, 133, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateIoBinding, 134, STATUS, IoBinding, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseIoBinding, 135, NOTHING, NONE, 0, IoBinding, 0, NOTHING_TOLD, 0) \
  FUNCTION(BindInput, 136, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(BindOutput, 137, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(BindOutputToDevice, 138, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetBoundOutputNames, 139, STATUS, NONE, 0, NONE, 0, LONG, 4) \
  FUNCTION(GetBoundOutputValues, 140, STATUS, NONE, 0, NONE, 0, LONG, 3) \
  FUNCTION(ClearBoundInputs, 141, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ClearBoundOutputs, 142, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(TensorAt, 143, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateAndRegisterAllocator, 144, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetLanguageProjection, 145, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionGetProfilingStartTimeNs, 146, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetGlobalIntraOpNumThreads, 147, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetGlobalInterOpNumThreads, 148, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetGlobalSpinControl, 149, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(AddInitializer, 150, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_CUDA, 152, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_ROCM, 153, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_OpenVINO, 154, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetGlobalDenormalAsZero, 155, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseArenaCfg, 157, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ModelMetadataGetGraphDescription, 158, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_TensorRT, 159, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetCurrentGpuDeviceId, 160, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetCurrentGpuDeviceId, 161, STATUS, NONE, 0, NONE, 0, INT, 0) \
  FUNCTION(AddRunConfigEntry, 165, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleasePrepackedWeightsContainer, 167, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_TensorRT_V2, 170, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateTensorRTProviderOptions, 171, STATUS, TensorRTProviderOptions, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(UpdateTensorRTProviderOptions, 172, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetTensorRTProviderOptionsAsString, 173, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseTensorRTProviderOptions, 174, NOTHING, NONE, 0, TensorRTProviderOptions, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetExecutionProviderApi, 195, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsSetCustomCreateThreadFn, 196, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SynchronizeBoundInputs, 202, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SynchronizeBoundOutputs, 203, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_CUDA_V2, 204, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateCUDAProviderOptions, 205, STATUS, CUDAProviderOptions, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(UpdateCUDAProviderOptions, 206, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetCUDAProviderOptionsAsString, 207, STATUS, AllocatedText, 2, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseCUDAProviderOptions, 208, NOTHING, NONE, 0, CUDAProviderOptions, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_MIGraphX, 209, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(AddExternalInitializers, 210, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseOpAttr, 212, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseOp, 215, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider, 216, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseKernelInfo, 218, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_CANN, 220, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateCANNProviderOptions, 221, STATUS, CANNProviderOptions, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(UpdateCANNProviderOptions, 222, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseCANNProviderOptions, 224, NOTHING, NONE, 0, CANNProviderOptions, 0, NOTHING_TOLD, 0) \
  FUNCTION(MemoryInfoGetDeviceType, 225, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(UpdateEnvWithCustomLogLevel, 226, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetGlobalIntraOpThreadAffinity, 227, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RegisterCustomOpsLibrary_V2, 228, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(RegisterCustomOpsUsingFunction, 229, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(HasSessionConfigEntry, 237, STATUS, NONE, 0, NONE, 0, INT, 2) \
  FUNCTION(GetSessionConfigEntry, 238, STATUS, NONE, 0, NONE, 0, LONG, 3) \
  FUNCTION(SessionOptionsAppendExecutionProvider_Dnnl, 239, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateDnnlProviderOptions, 240, STATUS, DnnlProviderOptions, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(UpdateDnnlProviderOptions, 241, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseDnnlProviderOptions, 243, NOTHING, NONE, 0, DnnlProviderOptions, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetBuildInfoString, 254, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseROCMProviderOptions, 258, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(UpdateTensorRTProviderOptionsWithValue, 261, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetTensorRTProviderOptionsByName, 262, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetDeterministicCompute, 273, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsAppendExecutionProvider_OpenVINO_V2, 275, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseLoraAdapter, 282, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SetEpDynamicOptions, 284, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseValueInfo, 285, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseNode, 286, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseGraph, 287, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseModel, 288, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateTensorWithDataAndDeleterAsOrtValue, 292, STATUS, Value, 6, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsSetLoadCancellationFlag, 293, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetKeyValue, 297, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseKeyValuePairs, 300, NOTHING, NONE, 0, KeyValuePairs, 0, NOTHING_TOLD, 0) \
  FUNCTION(RegisterExecutionProviderLibrary, 301, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(UnregisterExecutionProviderLibrary, 302, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetEpDevices, 303, STATUS, NONE, 0, NONE, 0, LONG, 2) \
  FUNCTION(SessionOptionsAppendExecutionProvider_V2, 304, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(SessionOptionsSetEpSelectionPolicy, 305, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(HardwareDevice_Type, 307, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(HardwareDevice_VendorId, 308, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(HardwareDevice_Vendor, 309, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(HardwareDevice_DeviceId, 310, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(EpDevice_EpName, 312, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(EpDevice_EpVendor, 313, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(EpDevice_Device, 316, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetTensorSizeInBytes, 318, STATUS, NONE, 0, NONE, 0, LONG, 1) \
  FUNCTION(AllocatorGetStats, 319, STATUS, KeyValuePairs, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateMemoryInfo_V2, 320, STATUS, MemoryInfo, 7, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseExternalInitializerInfo, 369, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseSharedAllocator, 377, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetTensorData, 378, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseSyncStream, 385, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(TensorTypeAndShape_HasShape, 390, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(ReleaseDeviceEpIncompatibilityDetails, 403, NOTHING, NONE, 0, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(CreateEnvWithOptions, 406, STATUS, Env, 1, NONE, 0, NOTHING_TOLD, 0) \
  FUNCTION(GetMemPatternEnabled, 419, STATUS, NONE, 0, NONE, 0, INT, 1) \
  FUNCTION(GetSessionExecutionMode, 420, STATUS, NONE, 0, NONE, 0, NOTHING_TOLD, 0)

/* ENTRIES(version, entries): length of the table from API version 1.version on. */
#define TABLE_LENGTHS(ENTRIES) \
  ENTRIES(1, 102) \
  ENTRIES(2, 119) \
  ENTRIES(3, 125) \
  ENTRIES(4, 127) \
  ENTRIES(5, 150) \
  ENTRIES(6, 158) \
  ENTRIES(7, 162) \
  ENTRIES(8, 170) \
  ENTRIES(9, 192) \
  ENTRIES(10, 204) \
  ENTRIES(11, 210) \
  ENTRIES(12, 219) \
  ENTRIES(13, 225) \
  ENTRIES(14, 239) \
  ENTRIES(15, 255) \
  ENTRIES(16, 266) \
  ENTRIES(17, 276) \
  ENTRIES(18, 280) \
  ENTRIES(20, 285) \
  ENTRIES(22, 318) \
  ENTRIES(23, 390) \
  ENTRIES(24, 415) \
  ENTRIES(25, 419) \
  ENTRIES(28, 424) \
  ENTRIES(29, 425)
