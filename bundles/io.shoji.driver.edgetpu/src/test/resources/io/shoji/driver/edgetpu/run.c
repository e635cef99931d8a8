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
 * One inference of TensorFlow Lite with libedgetpu's delegate, as the vendor's examples make it: RUNTIME LIBRARY MODEL. Writes 32
 * bytes -128, -121, -114 ... and prints the ten that come back. Addresses and sizes only, so that it needs no header.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uintptr_t call(void *library, const char *name, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d) {
  uintptr_t (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t) =
      (uintptr_t (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t))dlsym(library, name);
  if (function == NULL) {
    fprintf(stderr, "no function %s\n", name);
    exit(2);
  }
  return function(a, b, c, d);
}

static void *opened(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(3);
  }
  return library;
}

static void require(int good, const char *what) {
  if (!good) {
    fprintf(stderr, "%s\n", what);
    exit(4);
  }
}

int main(int count, char **arguments) {
  struct {
    int type;
    const char *path;
  } *devices;
  size_t found = 0;
  int8_t in[32];
  int8_t out[10];
  require(count == 4, "usage: RUNTIME LIBRARY MODEL");
  void *runtime = opened(arguments[1]);
  void *library = opened(arguments[2]);
  devices = (void *)call(library, "edgetpu_list_devices", (uintptr_t)&found, 0, 0, 0);
  require(found == 1, "no device");
  uintptr_t delegate =
      call(library, "edgetpu_create_delegate", (uintptr_t)devices->type, (uintptr_t)devices->path, 0, 0);
  call(library, "edgetpu_free_devices", (uintptr_t)devices, 0, 0, 0);
  require(delegate != 0, "no delegate");
  uintptr_t model = call(runtime, "TfLiteModelCreateFromFile", (uintptr_t)arguments[3], 0, 0, 0);
  require(model != 0, "no model");
  uintptr_t options = call(runtime, "TfLiteInterpreterOptionsCreate", 0, 0, 0, 0);
  call(runtime, "TfLiteInterpreterOptionsAddDelegate", options, delegate, 0, 0);
  uintptr_t interpreter = call(runtime, "TfLiteInterpreterCreate", model, options, 0, 0);
  call(runtime, "TfLiteInterpreterOptionsDelete", options, 0, 0, 0);
  require(interpreter != 0, "no interpreter");
  require((int)call(runtime, "TfLiteInterpreterAllocateTensors", interpreter, 0, 0, 0) == 0, "no tensors");
  for (int i = 0; i < 32; i++) {
    in[i] = (int8_t)(7 * i - 128);
  }
  uintptr_t input = call(runtime, "TfLiteInterpreterGetInputTensor", interpreter, 0, 0, 0);
  uintptr_t output = call(runtime, "TfLiteInterpreterGetOutputTensor", interpreter, 0, 0, 0);
  require((int)call(runtime, "TfLiteTensorCopyFromBuffer", input, (uintptr_t)in, sizeof in, 0) == 0, "not copied in");
  require((int)call(runtime, "TfLiteInterpreterInvoke", interpreter, 0, 0, 0) == 0, "not invoked");
  require((int)call(runtime, "TfLiteTensorCopyToBuffer", output, (uintptr_t)out, sizeof out, 0) == 0, "not copied out");
  for (int i = 0; i < 10; i++) {
    printf("%d%s", out[i], i < 9 ? " " : "\n");
  }
  call(runtime, "TfLiteInterpreterDelete", interpreter, 0, 0, 0);
  call(runtime, "TfLiteModelDelete", model, 0, 0, 0);
  call(library, "edgetpu_free_delegate", delegate, 0, 0, 0);
  return dlclose(library) + dlclose(runtime);
}
