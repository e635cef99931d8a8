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
 * The Edge TPU's runtime simulated: a shared library with the exports of libedgetpu that drives devices which are not there.
 * What it makes is a real delegate of TensorFlow Lite: it takes the operators "edgetpu-custom-op" out of a graph and computes
 * them. README.md of native-libs describes what a tape can say and the programs that it runs.
 *
 * Threads: any number of calls at once, one interpreter per delegate, one inference at a time per device. Nothing here starts
 * a thread.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tape.h"
#include "tflite_types.h"

#define EXPORT __attribute__((visibility("default")))

/* The exports, and what TensorFlow Lite calls in a delegate. */
#define EXPORTED(FUNCTION) \
  FUNCTION(edgetpu_list_devices) \
  FUNCTION(edgetpu_free_devices) \
  FUNCTION(edgetpu_create_delegate) \
  FUNCTION(edgetpu_free_delegate) \
  FUNCTION(edgetpu_verbosity) \
  FUNCTION(edgetpu_version) \
  FUNCTION(tflite_plugin_create_delegate) \
  FUNCTION(tflite_plugin_destroy_delegate)
#define CALLED_BACK(FUNCTION) \
  FUNCTION(DelegatePrepare) \
  FUNCTION(KernelPrepare) \
  FUNCTION(KernelInvoke)

enum function {
#define FUNCTION(name) F_##name,
  EXPORTED(FUNCTION) CALLED_BACK(FUNCTION)
#undef FUNCTION
  FUNCTION_COUNT
};

static const char *const function_names[] = {
#define FUNCTION(name) #name,
    EXPORTED(FUNCTION) CALLED_BACK(FUNCTION)
#undef FUNCTION
};

enum kind { DELEGATE, DEVICES, KERNEL, LOW, MEDIUM, HIGH, MAX, KINDS };
static const char *const kind_names[] = {
    "delegate", "deviceList", "kernel", "delegateLow", "delegateMedium", "delegateHigh", "delegateMax"};
enum misuse { BAD_HANDLE, TWICE, WRONG_ORDER, WRONG_THREAD, BAD_ARGUMENT, TWO_INTERPRETERS, MISUSES };
static const char *const misuse_names[] = {
    "badHandle", "releasedTwice", "wrongOrder", "wrongThread", "badArgument", "twoInterpreters"};

enum { PCI = 0, USB = 1 };
enum { MOST_DEVICES = 8, MOST_PATH = 128, MOST_LAYERS = 4, MOST_NODES = 256, MOST_CELLS = 1 << 22 };
enum { PACKAGE_IDENTIFIER = 0x314e5744, PROGRAM_IDENTIFIER = 0x4a4f4853 };

static const char custom_operator[] = "edgetpu-custom-op";

typedef struct {
  int type;
  const char *path;
} edgetpu_device;
SIZE(edgetpu_device, 16);
AT(edgetpu_device, path, 8);

typedef struct {
  const char *name;
  const char *value;
} edgetpu_option;
SIZE(edgetpu_option, 16);
AT(edgetpu_option, value, 8);

/* ---- What the tape says is there. Guarded by the tape's lock. ---- */

struct board {
  int type;
  char path[MOST_PATH];
};

static struct {
  int runtime;
  char compiler[TAPE_TEXT];
  struct board boards[MOST_DEVICES];
  int count;
} world;

static bool fresh_boards;

static void usual(void) {
  memset(&world, 0, sizeof world);
  world.runtime = TENSORFLOW >= 21400 ? 14 : 13;
  snprintf(world.compiler, sizeof world.compiler, "%s", TENSORFLOW >= 21400 ? "12.2.0" : "6.3.0 20170516");
  world.boards[0] = (struct board){USB, "/sys/bus/usb/devices/9-9"};
  world.count = 1;
  fresh_boards = true;
}

static bool own_line(const char *line) {
  char type[8];
  char path[MOST_PATH];
  int runtime;
  if (sscanf(line, "runtime %d", &runtime) == 1) {
    world.runtime = runtime;
  } else if (strncmp(line, "compiler ", 9) == 0) {
    snprintf(world.compiler, sizeof world.compiler, "%s", line + 9);
  } else if (strcmp(line, "no device") == 0) {
    world.count = 0;
    fresh_boards = false;
  } else if (sscanf(line, "device %7s %127s", type, path) == 2) {
    bool usb = strcmp(type, "usb") == 0;
    if (fresh_boards) {
      world.count = 0;
      fresh_boards = false;
    }
    if (world.count == MOST_DEVICES || (!usb && strcmp(type, "pci") != 0)) {
      return false;
    }
    struct board *board = &world.boards[world.count++];
    board->type = usb ? USB : PCI;
    memcpy(board->path, path, sizeof path);
  } else {
    return false;
  }
  return true;
}

static struct board *board_of(int type, const char *path) {
  for (int i = 0; i < world.count; i++) {
    if (world.boards[i].type == type && (path == NULL || strcmp(world.boards[i].path, path) == 0)) {
      return &world.boards[i];
    }
  }
  return NULL;
}

/* ---- Objects. ---- */

/* A device that delegates share; open as long as one of them is. */
struct opened {
  struct board board;
  int users;
  pthread_mutex_t computing;
  struct opened *next;
};

struct delegate {
  /* First: what TensorFlow Lite sees. */
  TfLiteDelegate tflite;
  /* Right behind it, as in the vendor's: the pointer that is also the delegate's data. */
  TfLiteExternalContext *context;
  struct opened *device;
  TfLiteExternalContext external;
  TfLiteContext *user;
  int kernels;
  int performance;
};

struct layer {
  uint32_t in;
  uint32_t out;
  uint32_t shift;
  /* Row by row; then the biases. */
  const int32_t *weights;
};

struct kernel {
  struct delegate *owner;
  int32_t runtime;
  double ms;
  int32_t *words;
  struct layer layers[MOST_LAYERS];
  int layer_count;
  atomic_bool busy;
};

static struct opened *all_opened;
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- Beginning of each call. ---- */

/* Plays what the tape has for the call; whether the call is left out. */
static bool skipped(int f, struct tape_fault *fault) {
  fault->action = TAPE_SLOW;
  fault->amount = 0;
  if (!tape_next(f, fault)) {
    return false;
  }
  if (fault->action == TAPE_SKIP) {
    return true;
  }
  tape_play(fault);
  return false;
}

/* The vendor's library ends the process where its CHECK fails. */
static void check(bool condition, int f, const char *what) {
  if (!condition) {
    tape_misuse(BAD_ARGUMENT, f, what);
    abort();
  }
}

/* ---- Library and devices. ---- */

EXPORT const char *edgetpu_version(void) {
  static char text[2 * TAPE_TEXT];
  struct tape_fault fault;
  bool faulty = tape_next(F_edgetpu_version, &fault);
  if (faulty) {
    tape_play(&fault);
  }
  tape_lock();
  tape_refresh();
  if (faulty && fault.action == TAPE_VALUE) {
    snprintf(text, sizeof text, "%s", fault.text);
  } else {
    snprintf(text, sizeof text, "BuildLabel(COMPILER=%s,DATE=redacted,TIME=redacted), RuntimeVersion(%d)",
        world.compiler, world.runtime);
  }
  tape_unlock();
  return text;
}

EXPORT void edgetpu_verbosity(int verbosity) {
  struct tape_fault fault;
  if (verbosity < 0 || verbosity > 10) {
    tape_misuse(BAD_ARGUMENT, F_edgetpu_verbosity, "0 to 10");
  }
  skipped(F_edgetpu_verbosity, &fault);
}

EXPORT edgetpu_device *edgetpu_list_devices(size_t *count) {
  struct tape_fault fault;
  check(count != NULL, F_edgetpu_list_devices, "count is NULL");
  *count = 0;
  if (skipped(F_edgetpu_list_devices, &fault)) {
    return NULL;
  }
  tape_lock();
  size_t devices = (size_t)world.count;
  /* One block: the structures, then the texts. */
  edgetpu_device *listed = devices == 0 ? NULL : malloc(devices * (sizeof *listed + MOST_PATH));
  if (listed != NULL) {
    char *text = (char *)(listed + devices);
    for (size_t i = 0; i < devices; i++) {
      memcpy(text, world.boards[i].path, MOST_PATH);
      listed[i].type = world.boards[i].type;
      listed[i].path = text;
      text += MOST_PATH;
    }
    *count = devices;
  }
  tape_unlock();
  tape_made((uintptr_t)listed, DEVICES);
  return listed;
}

EXPORT void edgetpu_free_devices(edgetpu_device *devices) {
  struct tape_fault fault;
  if (skipped(F_edgetpu_free_devices, &fault) || devices == NULL) {
    return;
  }
  if (tape_released((uintptr_t)devices, DEVICES)) {
    free(devices);
  } else {
    tape_misuse(TWICE, F_edgetpu_free_devices, "device list");
  }
}

/* ---- Programs: a package of the form DWN1, whose second field holds a small integer network where a chip's program is. ---- */

static uint32_t word_at(const uint8_t *bytes, size_t at) {
  uint32_t word;
  memcpy(&word, bytes + at, sizeof word);
  return word;
}

static uint16_t half_at(const uint8_t *bytes, size_t at) {
  uint16_t half;
  memcpy(&half, bytes + at, sizeof half);
  return half;
}

/* Where a field of 4 bytes of a FlatBuffers table lies, or 0. */
static size_t field_at(const uint8_t *bytes, size_t length, size_t table, unsigned id) {
  int64_t vtable = (int64_t)table - (int32_t)word_at(bytes, table);
  if (vtable < 0 || (uint64_t)vtable + 6 + 2 * (uint64_t)id > length || half_at(bytes, (size_t)vtable) < 6 + 2 * id) {
    return 0;
  }
  size_t offset = half_at(bytes, (size_t)vtable + 4 + 2 * (size_t)id);
  return offset == 0 || table + offset + 4 > length ? 0 : table + offset;
}

static bool layers_read(struct kernel *kernel, size_t count) {
  const int32_t *words = kernel->words;
  if (count < 3 || words[0] != PROGRAM_IDENTIFIER || words[2] < 1 || words[2] > MOST_LAYERS) {
    return false;
  }
  kernel->ms = 1e-3 * words[1];
  size_t at = 3;
  for (int l = 0; l < words[2]; l++) {
    if (at + 3 > count || words[at] < 1 || words[at + 1] < 1 || words[at + 2] < 0 || words[at + 2] > 30) {
      return false;
    }
    struct layer *layer = &kernel->layers[kernel->layer_count++];
    *layer = (struct layer){(uint32_t)words[at], (uint32_t)words[at + 1], (uint32_t)words[at + 2], words + at + 3};
    uint64_t cells = ((uint64_t)layer->in + 1) * layer->out;
    if (cells > MOST_CELLS || cells > count - at - 3 || (l > 0 && layer[-1].out != layer->in)) {
      return false;
    }
    at += 3 + cells;
  }
  return true;
}

static bool program_read(struct kernel *kernel, const uint8_t *bytes, size_t length) {
  for (size_t at = 4; at + 16 <= length; at++) {
    if (word_at(bytes, at) != PACKAGE_IDENTIFIER) {
      continue;
    }
    const uint8_t *package = bytes + at - 4;
    size_t room = length - at + 4;
    size_t table = word_at(package, 0);
    size_t runtime = table + 4 > room ? 0 : field_at(package, room, table, 0);
    size_t program = table + 4 > room ? 0 : field_at(package, room, table, 1);
    size_t vector = program == 0 ? 0 : program + word_at(package, program);
    if (runtime == 0 || vector == 0 || vector + 4 > room || word_at(package, vector) > room - vector - 4) {
      continue;
    }
    size_t size = word_at(package, vector);
    kernel->runtime = (int32_t)word_at(package, runtime);
    kernel->words = malloc(size + 4);
    if (kernel->words == NULL) {
      return false;
    }
    memcpy(kernel->words, package + vector + 4, size);
    return layers_read(kernel, size / 4);
  }
  return false;
}

/* ---- Operators that the delegate takes. ---- */

static struct delegate *owner_of(TfLiteDelegate *delegate) { return (struct delegate *)(void *)delegate; }

static void kernel_free(TfLiteContext *context, void *data) {
  struct kernel *kernel = data;
  (void)context;
  if (kernel == NULL) {
    return;
  }
  if (tape_released((uintptr_t)kernel, KERNEL)) {
    tape_lock();
    kernel->owner->kernels--;
    tape_unlock();
    free(kernel->words);
    free(kernel);
  } else {
    tape_misuse(TWICE, F_KernelInvoke, "kernel");
  }
}

static void *kernel_init(TfLiteContext *context, const char *buffer, size_t length) {
  const TfLiteDelegateParams *params = (const void *)buffer;
  TfLiteNode *node = NULL;
  TfLiteRegistration *registration = NULL;
  (void)length;
  check(params != NULL && params->nodes_to_replace->size == 1, F_DelegatePrepare, "one node at a time");
  if (context->GetNodeAndRegistration(context, params->nodes_to_replace->data[0], &node, &registration) != kTfLiteOk) {
    return NULL;
  }
  struct kernel *kernel = calloc(1, sizeof *kernel);
  if (kernel == NULL) {
    return NULL;
  }
  kernel->owner = owner_of(params->delegate);
  if (node->custom_initial_data == NULL || node->custom_initial_data_size <= 0 ||
      !program_read(kernel, node->custom_initial_data, (size_t)node->custom_initial_data_size)) {
    context->ReportError(context, "Simulated Edge TPU: the operator holds no program that the simulator runs");
    free(kernel->words);
    free(kernel);
    return NULL;
  }
  tape_lock();
  kernel->owner->kernels++;
  tape_unlock();
  tape_made((uintptr_t)kernel, KERNEL);
  return kernel;
}

/* Elements of all of these tensors, or 0 if one is of another type. */
static uint64_t elements(TfLiteContext *context, const TfLiteIntArray *indices) {
  uint64_t all = 0;
  for (int i = 0; i < indices->size; i++) {
    const TfLiteTensor *tensor = &context->tensors[indices->data[i]];
    uint64_t own = 1;
    if (tensor->type != kTfLiteUInt8 && tensor->type != kTfLiteInt8) {
      context->ReportError(context, "Unsupported data type in custom op handler: %d", tensor->type);
      return 0;
    }
    for (int d = 0; d < tensor->dims->size; d++) {
      own *= (uint64_t)tensor->dims->data[d];
    }
    all += own;
  }
  return all;
}

static int kernel_prepare(TfLiteContext *context, TfLiteNode *node) {
  struct tape_fault fault;
  struct kernel *kernel = node->user_data;
  if (skipped(F_KernelPrepare, &fault)) {
    return kTfLiteOk;
  }
  if (fault.action == TAPE_STATUS) {
    context->ReportError(context, "Failed to prepare for TPU. %s", fault.text);
    return (int)fault.amount;
  }
  if (kernel == NULL) {
    return kTfLiteError;
  }
  tape_lock();
  int runtime = world.runtime;
  tape_unlock();
  if (kernel->runtime > runtime) {
    context->ReportError(context,
        "Failed to prepare for TPU. Failed precondition: Package requires runtime version (%d), which is newer than this "
        "runtime version (%d).",
        kernel->runtime, runtime);
    return kTfLiteError;
  }
  uint64_t in = elements(context, node->inputs);
  uint64_t out = elements(context, node->outputs);
  if (in != kernel->layers[0].in || out != kernel->layers[kernel->layer_count - 1].out) {
    context->ReportError(context, "Simulated Edge TPU: the program is for tensors of other sizes");
    return kTfLiteError;
  }
  return kTfLiteOk;
}

static uint8_t *bytes_of(TfLiteTensor *tensor) { return tensor->data; }

/* INT8 is UINT8 with its highest bit turned round. */
static uint8_t sign_of(const TfLiteTensor *tensor) { return tensor->type == kTfLiteInt8 ? 0x80 : 0; }

static bool compute(TfLiteContext *context, TfLiteNode *node, const struct kernel *kernel) {
  uint32_t width = kernel->layers[0].in;
  int64_t *values = calloc(width, sizeof *values);
  size_t at = 0;
  for (int i = 0; values != NULL && i < node->inputs->size; i++) {
    TfLiteTensor *tensor = &context->tensors[node->inputs->data[i]];
    for (size_t k = 0; k < tensor->bytes && at < width; k++) {
      values[at++] = bytes_of(tensor)[k] ^ sign_of(tensor);
    }
  }
  for (int l = 0; values != NULL && l < kernel->layer_count; l++) {
    const struct layer *layer = &kernel->layers[l];
    const int32_t *biases = layer->weights + (size_t)layer->in * layer->out;
    int64_t *next = calloc(layer->out, sizeof *next);
    for (uint32_t row = 0; next != NULL && row < layer->out; row++) {
      int64_t sum = biases[row];
      for (uint32_t column = 0; column < layer->in; column++) {
        sum += layer->weights[(size_t)row * layer->in + column] * values[column];
      }
      sum >>= layer->shift;
      next[row] = sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
    free(values);
    values = next;
    width = layer->out;
  }
  if (values == NULL) {
    return false;
  }
  at = 0;
  for (int i = 0; i < node->outputs->size; i++) {
    TfLiteTensor *tensor = &context->tensors[node->outputs->data[i]];
    for (size_t k = 0; k < tensor->bytes && at < width; k++) {
      bytes_of(tensor)[k] = (uint8_t)(values[at++] ^ sign_of(tensor));
    }
  }
  free(values);
  return true;
}

static void spoil(TfLiteContext *context, TfLiteNode *node, const struct tape_fault *fault) {
  for (int i = 0; i < node->outputs->size; i++) {
    TfLiteTensor *tensor = &context->tensors[node->outputs->data[i]];
    uint8_t *bytes = bytes_of(tensor);
    for (size_t k = 0; k < tensor->bytes; k++) {
      if (fault->action == TAPE_VALUE) {
        bytes[k] = (uint8_t)(int)fault->amount;
      } else if (fault->action == TAPE_NOISE) {
        bytes[k] = (uint8_t)(bytes[k] + (int)(fault->amount * tape_noise()));
      } else if (fault->action == TAPE_FLIP) {
        bytes[k] = (uint8_t)(bytes[k] ^ (1u << ((unsigned)fault->amount & 7)));
      } else if (fault->action == TAPE_SWAP && k < tensor->bytes / 2) {
        uint8_t other = bytes[tensor->bytes - 1 - k];
        bytes[tensor->bytes - 1 - k] = bytes[k];
        bytes[k] = other;
      }
    }
  }
}

static bool is_there(const struct board *board) {
  tape_lock();
  tape_refresh();
  bool there = board_of(board->type, board->path) != NULL;
  tape_unlock();
  return there;
}

static int kernel_invoke(TfLiteContext *context, TfLiteNode *node) {
  struct tape_fault fault;
  struct kernel *kernel = node->user_data;
  if (!tape_is_open((uintptr_t)kernel, KERNEL)) {
    tape_misuse(BAD_HANDLE, F_KernelInvoke, "kernel");
    return kTfLiteError;
  }
  if (!tape_is_open((uintptr_t)kernel->owner, DELEGATE)) {
    tape_misuse(WRONG_ORDER, F_KernelInvoke, "the delegate is gone");
    return kTfLiteError;
  }
  if (atomic_exchange(&kernel->busy, true)) {
    tape_misuse(WRONG_THREAD, F_KernelInvoke, "two threads at once in one interpreter");
    return kTfLiteError;
  }
  int status = kTfLiteOk;
  if (!skipped(F_KernelInvoke, &fault)) {
    struct opened *device = kernel->owner->device;
    pthread_mutex_lock(&device->computing);
    if (kernel->ms > 0) {
      tape_pause(kernel->ms);
    }
    if (fault.action == TAPE_STATUS) {
      context->ReportError(context, "Failed to execute request. %s", fault.text);
      status = (int)fault.amount;
    } else if (!is_there(&device->board)) {
      context->ReportError(context, "Failed to execute request. The device %s is gone.", device->board.path);
      status = kTfLiteError;
    } else if (!compute(context, node, kernel)) {
      status = kTfLiteError;
    } else {
      spoil(context, node, &fault);
    }
    pthread_mutex_unlock(&device->computing);
  }
  atomic_store(&kernel->busy, false);
  return status;
}

/* ---- Delegates. ---- */

static int delegate_prepare(TfLiteContext *context, TfLiteDelegate *delegate) {
  struct tape_fault fault;
  struct delegate *own = owner_of(delegate);
  if (skipped(F_DelegatePrepare, &fault)) {
    return kTfLiteOk;
  }
  if (fault.action == TAPE_STATUS) {
    return (int)fault.amount;
  }
  if (!tape_is_open((uintptr_t)own, DELEGATE)) {
    tape_misuse(BAD_HANDLE, F_DelegatePrepare, "delegate");
    return kTfLiteError;
  }
  if (own->user != NULL && own->user != context) {
    tape_misuse(TWO_INTERPRETERS, F_DelegatePrepare, "a delegate is for one interpreter");
    return kTfLiteError;
  }
  own->user = context;
  context->SetExternalContext(context, kTfLiteEdgeTpuContext, own->context);
  TfLiteIntArray *plan = NULL;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) {
    return kTfLiteError;
  }
  int found[MOST_NODES];
  int count = 0;
  for (int i = 0; i < plan->size; i++) {
    TfLiteNode *node = NULL;
    TfLiteRegistration *registration = NULL;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &registration) != kTfLiteOk) {
      return kTfLiteError;
    }
    if (registration->custom_name != NULL && strcmp(registration->custom_name, custom_operator) == 0 &&
        count < MOST_NODES) {
      found[count++] = plan->data[i];
    }
  }
  TfLiteRegistration registration;
  memset(&registration, 0, sizeof registration);
  registration.init = kernel_init;
  registration.free = kernel_free;
  registration.prepare = kernel_prepare;
  registration.invoke = kernel_invoke;
  registration.custom_name = "EdgeTpuDelegateForCustomOp";
  registration.version = 1;
  TfLiteIntArray *nodes = malloc(sizeof *nodes + sizeof(int));
  if (nodes == NULL) {
    return kTfLiteError;
  }
  int status = kTfLiteOk;
  for (int i = 0; i < count && status == kTfLiteOk; i++) {
    nodes->size = 1;
    nodes->data[0] = found[i];
    status = context->ReplaceNodeSubsetsWithDelegateKernels(context, registration, nodes, delegate);
  }
  free(nodes);
  return status;
}

/* Opens a device, or joins those who have it open; NULL if it is not there. */
static struct opened *device_open(int type, const char *path) {
  tape_lock();
  tape_refresh();
  const struct board *board = board_of(type, path);
  struct board wanted = board == NULL ? (struct board){0, ""} : *board;
  tape_unlock();
  if (board == NULL) {
    return NULL;
  }
  pthread_mutex_lock(&opened_lock);
  struct opened *device = all_opened;
  while (device != NULL && (device->board.type != type || strcmp(device->board.path, wanted.path) != 0)) {
    device = device->next;
  }
  if (device == NULL) {
    device = calloc(1, sizeof *device);
    if (device != NULL) {
      device->board = wanted;
      pthread_mutex_init(&device->computing, NULL);
      device->next = all_opened;
      all_opened = device;
    }
  }
  if (device != NULL) {
    device->users++;
  }
  pthread_mutex_unlock(&opened_lock);
  return device;
}

static void device_leave(struct opened *device) {
  pthread_mutex_lock(&opened_lock);
  bool last = --device->users == 0;
  for (struct opened **at = &all_opened; last && *at != NULL; at = &(*at)->next) {
    if (*at == device) {
      *at = device->next;
      break;
    }
  }
  pthread_mutex_unlock(&opened_lock);
  if (last) {
    pthread_mutex_destroy(&device->computing);
    free(device);
  }
}

/* Kind of a performance that there is; MAX if the options name none, KINDS if they make no sense. */
static int performance_of(const edgetpu_option *options, size_t count, bool *named) {
  static const char *const modes[] = {"Low", "Medium", "High", "Max"};
  int found = MAX;
  *named = false;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(options[i].name, "Performance") == 0) {
      found = KINDS;
      for (int m = 0; m < 4; m++) {
        found = strcmp(options[i].value, modes[m]) == 0 ? LOW + m : found;
      }
      *named = true;
    } else if (strcmp(options[i].name, "Usb.AlwaysDfu") != 0 &&
               strcmp(options[i].name, "Usb.MaxBulkInQueueLength") != 0) {
      return KINDS;
    }
  }
  return found;
}

static TfLiteDelegate *delegate_make(
    int type, const char *path, const edgetpu_option *options, size_t count) {
  bool named;
  int performance = performance_of(options, count, &named);
  struct opened *device = performance == KINDS ? NULL : device_open(type, path);
  if (device == NULL) {
    return NULL;
  }
  struct delegate *made = calloc(1, sizeof *made);
  if (made == NULL) {
    device_leave(device);
    return NULL;
  }
  made->external.type = kTfLiteEdgeTpuContext;
  made->context = &made->external;
  made->tflite.data_ = made->context;
  made->tflite.Prepare = delegate_prepare;
  made->tflite.flags = kTfLiteDelegateFlagsAllowDynamicTensors;
  made->device = device;
  made->performance = named ? performance : KINDS;
  tape_made((uintptr_t)made, DELEGATE);
  if (named) {
    tape_made((uintptr_t)made, performance);
  }
  return &made->tflite;
}

EXPORT TfLiteDelegate *edgetpu_create_delegate(
    int type, const char *path, const edgetpu_option *options, size_t count) {
  struct tape_fault fault;
  check(count == 0 || options != NULL, F_edgetpu_create_delegate, "options are NULL");
  for (size_t i = 0; i < count; i++) {
    check(options[i].name != NULL && options[i].value != NULL, F_edgetpu_create_delegate, "an option is NULL");
  }
  if (skipped(F_edgetpu_create_delegate, &fault)) {
    return NULL;
  }
  return delegate_make(type, path, options, count);
}

static void delegate_free(TfLiteDelegate *delegate, int f) {
  struct delegate *own = owner_of(delegate);
  if (own == NULL) {
    return;
  }
  if (!tape_is_open((uintptr_t)own, DELEGATE)) {
    tape_released((uintptr_t)own, DELEGATE);
    tape_misuse(TWICE, f, "delegate");
    return;
  }
  if (own->kernels > 0) {
    tape_misuse(WRONG_ORDER, f, "its interpreter is still there");
    return;
  }
  tape_released((uintptr_t)own, DELEGATE);
  if (own->performance < KINDS) {
    tape_released((uintptr_t)own, own->performance);
  }
  device_leave(own->device);
  free(own);
}

EXPORT void edgetpu_free_delegate(TfLiteDelegate *delegate) {
  struct tape_fault fault;
  if (!skipped(F_edgetpu_free_delegate, &fault)) {
    delegate_free(delegate, F_edgetpu_free_delegate);
  }
}

/* ---- The same as an external delegate. ---- */

/* The device that "usb:1" and the like name, by type and place in the list. */
static bool board_named(const char *name, struct board *board) {
  int type = strncmp(name, "usb", 3) == 0 ? USB : strncmp(name, "pci", 3) == 0 ? PCI : -1;
  const char *index = type < 0 ? name : name + 3;
  long left = *index == ':' ? strtol(index + 1, NULL, 10) : 0;
  bool found = false;
  if (*index != '\0' && *index != ':') {
    return false;
  }
  tape_lock();
  tape_refresh();
  for (int i = 0; i < world.count && !found; i++) {
    if (type < 0 || world.boards[i].type == type) {
      found = left-- == 0;
      *board = world.boards[i];
    }
  }
  tape_unlock();
  return found;
}

EXPORT TfLiteDelegate *tflite_plugin_create_delegate(
    char **keys, char **values, size_t count, void (*report_error)(const char *)) {
  enum { MOST_OPTIONS = 8 };
  struct tape_fault fault;
  edgetpu_option options[MOST_OPTIONS] = {{NULL, NULL}};
  size_t used = 0;
  const char *name = "";
  (void)report_error;
  if (skipped(F_tflite_plugin_create_delegate, &fault)) {
    return NULL;
  }
  for (size_t i = 0; i < count && used < MOST_OPTIONS; i++) {
    if (strcmp(keys[i], "device") == 0) {
      name = values[i];
    } else {
      options[used++] = (edgetpu_option){keys[i], values[i]};
    }
  }
  struct board board;
  return board_named(name, &board) ? delegate_make(board.type, board.path, options, used) : NULL;
}

EXPORT void tflite_plugin_destroy_delegate(TfLiteDelegate *delegate) {
  struct tape_fault fault;
  if (!skipped(F_tflite_plugin_destroy_delegate, &fault)) {
    delegate_free(delegate, F_tflite_plugin_destroy_delegate);
  }
}

/* Says what it is to whoever looks into the library. */
EXPORT const char *shoji_simulated(void) { return "Edge TPU runtime, simulated by Shoji: no device is there"; }

/* ---- Opening and closing. ---- */

static const char *function_name(int f) { return function_names[f]; }

static bool returns_status(int f) { return f >= F_DelegatePrepare; }

static const struct tape_subject subject = {
    .name = "edgetpu",
    .functions = FUNCTION_COUNT,
    .function_name = function_name,
    .returns_status = returns_status,
    .failure = kTfLiteError,
    .handle_kinds = KINDS,
    .handle_names = kind_names,
    .misuse_kinds = MISUSES,
    .misuse_names = misuse_names,
    .begin = usual,
    .line = own_line,
    .inside = function_names,
};

__attribute__((constructor)) static void opened(void) {
  usual();
  tape_open(&subject);
}

__attribute__((destructor)) static void closed(void) { tape_close(); }
