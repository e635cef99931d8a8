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
 * Inferences by HailoRT's C interface, as the vendor's examples make them: LIBRARY HEF [GROUP SHARED FRAMES]. Writes 32 bytes
 * 0, 7, 14 ... and prints the ten that come back. Addresses and sizes only, so that it needs no header: the room is larger than
 * any structure.
 *
 * With a group it opens the first device for it, by the service of several processes if SHARED is 1, and prints "status N" if
 * it does not get it. It makes so many frames, which must all come out the same, and keeps the device until its standard input
 * ends.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* hailo_vdevice_params_t, the same in all releases. */
struct vdevice_params {
  uint32_t device_count;
  char *device_ids;
  uint32_t scheduling_algorithm;
  const char *group_id;
  char multi_process_service;
};

static int open_shared(const char *group, int shared, uintptr_t *vdevice) {
  static char ids[32][32];
  size_t found = 32;
  struct vdevice_params params;
  call("hailo_scan_devices", 0, (uintptr_t)ids, (uintptr_t)&found, 0, 0);
  call("hailo_init_vdevice_params", (uintptr_t)&params, 0, 0, 0, 0);
  params.device_ids = ids[0];
  params.group_id = group;
  params.multi_process_service = (char)shared;
  int (*function)(struct vdevice_params *, uintptr_t *) =
      (int (*)(struct vdevice_params *, uintptr_t *))dlsym(library, "hailo_create_vdevice");
  return function(&params, vdevice);
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
  uint8_t again[10];
  int shares = count == 6;
  int frames = shares ? atoi(arguments[5]) : 1;
  library = count == 3 || shares ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library == NULL) {
    fprintf(stderr, "%s\n", count == 3 || shares ? dlerror() : "usage: LIBRARY HEF [GROUP SHARED FRAMES]");
    return 1;
  }
  call("hailo_get_library_version", (uintptr_t)version, 0, 0, 0, 0);
  if (shares) {
    int status = open_shared(arguments[3], atoi(arguments[4]), &vdevice);
    if (status != 0) {
      printf("status %d\n", status);
      return dlclose(library);
    }
  } else {
    call("hailo_create_vdevice", 0, (uintptr_t)&vdevice, 0, 0, 0);
  }
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
  for (int frame = 1; frame < frames; frame++) {
    call("hailo_vstream_write_raw_buffer", input, (uintptr_t)in, sizeof in, 0, 0);
    call("hailo_vstream_read_raw_buffer", output, (uintptr_t)again, sizeof again, 0, 0);
    if (memcmp(out, again, sizeof out) != 0) {
      fprintf(stderr, "frame %d came out otherwise\n", frame);
      return 4;
    }
  }
  printf("%u.%u.%u", version[0], version[1], version[2]);
  for (int i = 0; i < 10; i++) {
    printf(" %d", out[i]);
  }
  printf("\n");
  fflush(stdout);
  while (shares && getchar() != EOF) {
    /* The device stays open. */
  }
  call("hailo_release_input_vstreams", (uintptr_t)&input, 1, 0, 0, 0);
  call("hailo_release_output_vstreams", (uintptr_t)&output, 1, 0, 0, 0);
  call("hailo_release_hef", hef, 0, 0, 0, 0);
  call("hailo_release_vdevice", vdevice, 0, 0, 0, 0);
  return dlclose(library);
}
