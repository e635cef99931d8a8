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
 * One inference by OpenVINO's C interface, as the vendor's examples make it: LIBRARY MODEL DEVICE. Writes eight numbers 0, 1, 2
 * ... and prints the ten that come back. Of the structures it needs one, so that it needs no header.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct version {
  const char *number;
  const char *description;
};

static void *library;

static void *function(const char *name) {
  void *found = dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "no function %s\n", name);
    exit(2);
  }
  return found;
}

static void call(const char *name, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d) {
  int (*of)(uintptr_t, uintptr_t, uintptr_t, uintptr_t) =
      (int (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t))function(name);
  int status = of(a, b, c, d);
  if (status != 0) {
    fprintf(stderr, "%s status %d\n", name, status);
    exit(3);
  }
}

static void release(const char *name, uintptr_t handle) {
  void (*of)(uintptr_t) = (void (*)(uintptr_t))function(name);
  of(handle);
}

int main(int count, char **arguments) {
  struct version version;
  uintptr_t core = 0;
  uintptr_t model = 0;
  uintptr_t compiled = 0;
  uintptr_t request = 0;
  uintptr_t input = 0;
  uintptr_t output = 0;
  float *data = NULL;
  library = count == 4 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library == NULL) {
    fprintf(stderr, "%s\n", count == 4 ? dlerror() : "usage: LIBRARY MODEL DEVICE");
    return 1;
  }
  call("ov_get_openvino_version", (uintptr_t)&version, 0, 0, 0);
  printf("%.8s", version.number);
  release("ov_version_free", (uintptr_t)&version);
  call("ov_core_create", (uintptr_t)&core, 0, 0, 0);
  call("ov_core_read_model", core, (uintptr_t)arguments[2], 0, (uintptr_t)&model);
  int (*compile)(uintptr_t, uintptr_t, const char *, size_t, uintptr_t *, ...) =
      (int (*)(uintptr_t, uintptr_t, const char *, size_t, uintptr_t *, ...))function("ov_core_compile_model");
  if (compile(core, model, arguments[3], 2, &compiled, "PERFORMANCE_HINT", "LATENCY") != 0) {
    fprintf(stderr, "not compiled\n");
    return 4;
  }
  call("ov_compiled_model_create_infer_request", compiled, (uintptr_t)&request, 0, 0);
  call("ov_infer_request_get_input_tensor_by_index", request, 0, (uintptr_t)&input, 0);
  call("ov_tensor_data", input, (uintptr_t)&data, 0, 0);
  for (int i = 0; i < 8; i++) {
    data[i] = (float)i;
  }
  call("ov_infer_request_infer", request, 0, 0, 0);
  call("ov_infer_request_get_output_tensor_by_index", request, 0, (uintptr_t)&output, 0);
  call("ov_tensor_data", output, (uintptr_t)&data, 0, 0);
  for (int i = 0; i < 10; i++) {
    printf(" %.6f", (double)data[i]);
  }
  printf("\n");
  release("ov_tensor_free", output);
  release("ov_tensor_free", input);
  release("ov_infer_request_free", request);
  release("ov_compiled_model_free", compiled);
  release("ov_model_free", model);
  release("ov_core_free", core);
  return dlclose(library);
}
