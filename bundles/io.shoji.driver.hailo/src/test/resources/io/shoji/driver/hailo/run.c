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
 * One inference by HailoRT's C interface, as the vendor's examples make it: LIBRARY HEF. Writes 32 bytes 0, 7, 14 ... and
 * prints the ten that come back. Addresses and sizes only, so that it needs no header: the room is larger than any structure.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *library;

static int call(const char *name, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e) {
  int (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t) =
      (int (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t))dlsym(library, name);
  if (function == NULL) {
    fprintf(stderr, "no function %s\n", name);
    exit(2);
  }
  int status = function(a, b, c, d, e);
  if (status != 0) {
    fprintf(stderr, "%s status %d\n", name, status);
    exit(3);
  }
  return status;
}

int main(int count, char **arguments) {
  enum { ROOM = 128 * 1024, STREAMS = 8 * 156 };
  static char params[ROOM];
  static char inputs[STREAMS];
  static char outputs[STREAMS];
  uint32_t version[3];
  uintptr_t vdevice = 0;
  uintptr_t hef = 0;
  uintptr_t groups[8];
  uintptr_t input = 0;
  uintptr_t output = 0;
  size_t found = 8;
  uint8_t in[32];
  uint8_t out[10];
  library = count == 3 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library == NULL) {
    fprintf(stderr, "%s\n", count == 3 ? dlerror() : "usage: LIBRARY HEF");
    return 1;
  }
  call("hailo_get_library_version", (uintptr_t)version, 0, 0, 0, 0);
  call("hailo_create_vdevice", 0, (uintptr_t)&vdevice, 0, 0, 0);
  call("hailo_create_hef_file", (uintptr_t)&hef, (uintptr_t)arguments[2], 0, 0, 0);
  call("hailo_init_configure_params_by_vdevice", hef, vdevice, (uintptr_t)params, 0, 0);
  call("hailo_configure_vdevice", vdevice, hef, (uintptr_t)params, (uintptr_t)groups, (uintptr_t)&found);
  found = 8;
  call("hailo_make_input_vstream_params", groups[0], 0, 0, (uintptr_t)inputs, (uintptr_t)&found);
  found = 8;
  call("hailo_make_output_vstream_params", groups[0], 0, 0, (uintptr_t)outputs, (uintptr_t)&found);
  call("hailo_create_input_vstreams", groups[0], (uintptr_t)inputs, 1, (uintptr_t)&input, 0);
  call("hailo_create_output_vstreams", groups[0], (uintptr_t)outputs, 1, (uintptr_t)&output, 0);
  for (int i = 0; i < 32; i++) {
    in[i] = (uint8_t)(7 * i);
  }
  call("hailo_vstream_write_raw_buffer", input, (uintptr_t)in, sizeof in, 0, 0);
  call("hailo_vstream_read_raw_buffer", output, (uintptr_t)out, sizeof out, 0, 0);
  printf("%u.%u.%u", version[0], version[1], version[2]);
  for (int i = 0; i < 10; i++) {
    printf(" %d", out[i]);
  }
  printf("\n");
  call("hailo_release_input_vstreams", (uintptr_t)&input, 1, 0, 0, 0);
  call("hailo_release_output_vstreams", (uintptr_t)&output, 1, 0, 0, 0);
  call("hailo_release_hef", hef, 0, 0, 0, 0);
  call("hailo_release_vdevice", vdevice, 0, 0, 0, 0);
  return dlclose(library);
}
