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
 * What a delegate and TensorFlow Lite pass to each other, as TensorFlow of the release TENSORFLOW (20500 for 2.5.0) lays it
 * out; fields that the simulator does not use are room. The assertions are the facts, of compilers for x86-64 and aarch64.
 */
#ifndef SHOJI_TFLITE_TYPES_H
#define SHOJI_TFLITE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { kTfLiteOk = 0, kTfLiteError = 1 };
enum { kTfLiteUInt8 = 3, kTfLiteInt8 = 9 };
enum { kTfLiteEdgeTpuContext = 2 };
enum { kTfLiteDelegateFlagsAllowDynamicTensors = 1 };

struct TfLiteContext;
struct TfLiteDelegate;
struct TfLiteRegistration;

typedef struct {
  int size;
  int data[];
} TfLiteIntArray;

typedef struct {
  int type;
  int (*Refresh)(struct TfLiteContext *);
} TfLiteExternalContext;

typedef struct {
  int type;
  void *data;
  TfLiteIntArray *dims;
  float scale;
  int32_t zero_point;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  void *rest[6];
} TfLiteTensor;

typedef struct {
  TfLiteIntArray *inputs;
  TfLiteIntArray *outputs;
  TfLiteIntArray *intermediates;
  TfLiteIntArray *temporaries;
  void *user_data;
  void *builtin_data;
  const void *custom_initial_data;
  int custom_initial_data_size;
  struct TfLiteDelegate *delegate;
#if TENSORFLOW >= 20800
  bool might_have_side_effect;
#endif
} TfLiteNode;

typedef struct {
  struct TfLiteDelegate *delegate;
  TfLiteIntArray *nodes_to_replace;
  TfLiteIntArray *input_tensors;
  TfLiteIntArray *output_tensors;
} TfLiteDelegateParams;

typedef struct TfLiteRegistration {
  void *(*init)(struct TfLiteContext *, const char *, size_t);
  void (*free)(struct TfLiteContext *, void *);
  int (*prepare)(struct TfLiteContext *, TfLiteNode *);
  int (*invoke)(struct TfLiteContext *, TfLiteNode *);
  const char *(*profiling_string)(const struct TfLiteContext *, const TfLiteNode *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
#if TENSORFLOW >= 21000
  void *registration_external;
#endif
#if TENSORFLOW >= 21300
  void *async_kernel;
#endif
#if TENSORFLOW >= 21400
  uint64_t inplace_operator;
#endif
} TfLiteRegistration;

typedef struct TfLiteContext {
  size_t tensors_size;
  int (*GetExecutionPlan)(struct TfLiteContext *, TfLiteIntArray **);
  TfLiteTensor *tensors;
  void *impl_;
  void *ResizeTensor;
  void (*ReportError)(struct TfLiteContext *, const char *, ...);
  void *AddTensors;
  int (*GetNodeAndRegistration)(struct TfLiteContext *, int, TfLiteNode **, TfLiteRegistration **);
  int (*ReplaceNodeSubsetsWithDelegateKernels)(
      struct TfLiteContext *, TfLiteRegistration, const TfLiteIntArray *, struct TfLiteDelegate *);
  int recommended_num_threads;
  void *GetExternalContext;
  void (*SetExternalContext)(struct TfLiteContext *, int, TfLiteExternalContext *);
} TfLiteContext;

typedef struct TfLiteDelegate {
  void *data_;
  int (*Prepare)(TfLiteContext *, struct TfLiteDelegate *);
  void *CopyFromBufferHandle;
  void *CopyToBufferHandle;
  void *FreeBufferHandle;
  int64_t flags;
#if TENSORFLOW >= 21100
  void *opaque_delegate_builder;
#endif
} TfLiteDelegate;

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)

#if TENSORFLOW >= 21400
SIZE(TfLiteRegistration, 88);
AT(TfLiteRegistration, registration_external, 64);
AT(TfLiteRegistration, async_kernel, 72);
AT(TfLiteRegistration, inplace_operator, 80);
#elif TENSORFLOW >= 21300
SIZE(TfLiteRegistration, 80);
#elif TENSORFLOW >= 21000
SIZE(TfLiteRegistration, 72);
#else
SIZE(TfLiteRegistration, 64);
#endif
#if TENSORFLOW >= 21100
SIZE(TfLiteDelegate, 56);
AT(TfLiteDelegate, opaque_delegate_builder, 48);
#else
SIZE(TfLiteDelegate, 48);
#endif
#if TENSORFLOW >= 20800
SIZE(TfLiteNode, 80);
#else
SIZE(TfLiteNode, 72);
#endif
SIZE(TfLiteTensor, 112);
SIZE(TfLiteExternalContext, 16);
SIZE(TfLiteDelegateParams, 32);
AT(TfLiteTensor, data, 8);
AT(TfLiteTensor, dims, 16);
AT(TfLiteTensor, bytes, 40);
AT(TfLiteTensor, name, 56);
AT(TfLiteNode, user_data, 32);
AT(TfLiteNode, custom_initial_data, 48);
AT(TfLiteNode, custom_initial_data_size, 56);
AT(TfLiteRegistration, prepare, 16);
AT(TfLiteRegistration, invoke, 24);
AT(TfLiteRegistration, builtin_code, 40);
AT(TfLiteRegistration, custom_name, 48);
AT(TfLiteRegistration, version, 56);
AT(TfLiteContext, GetExecutionPlan, 8);
AT(TfLiteContext, tensors, 16);
AT(TfLiteContext, ReportError, 40);
AT(TfLiteContext, GetNodeAndRegistration, 56);
AT(TfLiteContext, ReplaceNodeSubsetsWithDelegateKernels, 64);
AT(TfLiteContext, SetExternalContext, 88);
AT(TfLiteDelegate, Prepare, 8);
AT(TfLiteDelegate, flags, 40);

#endif
