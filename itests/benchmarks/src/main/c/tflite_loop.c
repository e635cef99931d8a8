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
 * What an inference costs in C: copies the inputs in, invokes, copies the outputs out, as the driver
 * does, with the same delegate and one thread. Prints the thread's processor time per inference, us.
 *
 *   cc -O2 -o tflite_loop tflite_loop.c -ldl
 *   ./tflite_loop LIBRARY MODEL MILLISECONDS
 */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST 16

static void *library;

static void *symbol(const char *name) {
  void *found = dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "missing: %s\n", name);
    exit(2);
  }
  return found;
}

#define FUNCTION(result, name, ...) result (*name)(__VA_ARGS__) = (result(*)(__VA_ARGS__))symbol(#name)

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

int main(int count, char **arguments) {
  if (count != 4 || (library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL)) == NULL) {
    fprintf(stderr, "usage: tflite_loop LIBRARY MODEL MILLISECONDS (%s)\n", dlerror());
    return 2;
  }
  FUNCTION(void *, TfLiteModelCreateFromFile, const char *);
  FUNCTION(void *, TfLiteInterpreterOptionsCreate, void);
  FUNCTION(void, TfLiteInterpreterOptionsSetNumThreads, void *, int32_t);
  FUNCTION(void, TfLiteInterpreterOptionsAddDelegate, void *, void *);
  FUNCTION(void *, TfLiteXNNPackDelegateCreate, const void *);
  FUNCTION(void *, TfLiteInterpreterCreate, void *, void *);
  FUNCTION(int, TfLiteInterpreterAllocateTensors, void *);
  FUNCTION(int32_t, TfLiteInterpreterGetInputTensorCount, void *);
  FUNCTION(int32_t, TfLiteInterpreterGetOutputTensorCount, void *);
  FUNCTION(void *, TfLiteInterpreterGetInputTensor, void *, int32_t);
  FUNCTION(void *, TfLiteInterpreterGetOutputTensor, void *, int32_t);
  FUNCTION(size_t, TfLiteTensorByteSize, void *);
  FUNCTION(int, TfLiteTensorCopyFromBuffer, void *, const void *, size_t);
  FUNCTION(int, TfLiteTensorCopyToBuffer, void *, void *, size_t);
  FUNCTION(int, TfLiteInterpreterInvoke, void *);

  void *model = TfLiteModelCreateFromFile(arguments[2]);
  void *options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, 1);
  /* Without options: XNNPACK's defaults, among them one thread. */
  TfLiteInterpreterOptionsAddDelegate(options, TfLiteXNNPackDelegateCreate(NULL));
  void *interpreter = model == NULL ? NULL : TfLiteInterpreterCreate(model, options);
  if (interpreter == NULL || TfLiteInterpreterAllocateTensors(interpreter) != 0) {
    fprintf(stderr, "not loaded: %s\n", arguments[2]);
    return 2;
  }
  int inputs = TfLiteInterpreterGetInputTensorCount(interpreter);
  int outputs = TfLiteInterpreterGetOutputTensorCount(interpreter);
  void *tensors[2 * MOST];
  void *buffers[2 * MOST];
  size_t sizes[2 * MOST];
  if (inputs > MOST || outputs > MOST) {
    return 2;
  }
  for (int i = 0; i < inputs + outputs; i++) {
    tensors[i] = i < inputs ? TfLiteInterpreterGetInputTensor(interpreter, i)
                            : TfLiteInterpreterGetOutputTensor(interpreter, i - inputs);
    sizes[i] = TfLiteTensorByteSize(tensors[i]);
    buffers[i] = calloc(1, sizes[i]);
  }
  double end = now(CLOCK_MONOTONIC) + atof(arguments[3]) * 1e3;
  double start = now(CLOCK_THREAD_CPUTIME_ID);
  long calls = 0;
  int status = 0;
  do {
    for (int batch = 0; batch < 32; batch++) {
      for (int i = 0; i < inputs; i++) {
        status |= TfLiteTensorCopyFromBuffer(tensors[i], buffers[i], sizes[i]);
      }
      status |= TfLiteInterpreterInvoke(interpreter);
      for (int i = inputs; i < inputs + outputs; i++) {
        status |= TfLiteTensorCopyToBuffer(tensors[i], buffers[i], sizes[i]);
      }
    }
    calls += 32;
  } while (now(CLOCK_MONOTONIC) < end);
  printf("%.4f\n", (now(CLOCK_THREAD_CPUTIME_ID) - start) / calls);
  return status == 0 ? 0 : 3;
}
