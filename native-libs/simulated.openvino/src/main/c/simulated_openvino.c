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
 * OpenVINO simulated: a shared library with the exports of libopenvino_c for devices that are not there. README.md of
 * native-libs describes what a tape can say and the models that it runs: a part of OpenVINO's own IR and of ONNX.
 *
 * Which status the vendor's library gives in which case is told by the names of the codes only.
 *
 * Threads: any number of calls at once, one per infer request. Nothing here starts a thread: an inference is computed when it
 * is started, and told to be ready when the device would be.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "openvino_facts.h"
#include "tape.h"

#define EXPORT __attribute__((visibility("default")))

enum function {
#define FUNCTION(name) F_##name,
  COMPUTED(FUNCTION) REFUSED(FUNCTION) VOIDS(FUNCTION) TEXTS(FUNCTION) LATER_COMPUTED(FUNCTION) LATER_REFUSED(FUNCTION)
      LATER_VOIDS(FUNCTION)
#undef FUNCTION
          FUNCTION_COUNT
};

static const char *const function_names[] = {
#define FUNCTION(name) #name,
    COMPUTED(FUNCTION) REFUSED(FUNCTION) VOIDS(FUNCTION) TEXTS(FUNCTION) LATER_COMPUTED(FUNCTION) LATER_REFUSED(FUNCTION)
        LATER_VOIDS(FUNCTION)
#undef FUNCTION
};

enum kind { CORE, MODEL, COMPILED, REQUEST, TENSOR, CONST_PORT, SHAPE, PARTIAL_SHAPE, TEXT, DEVICES, KINDS };
static const char *const kind_names[] = {"core", "model", "compiledModel", "inferRequest", "tensor", "constPort", "shape",
    "partialShape", "text", "devices"};
enum misuse { BAD_HANDLE, TWICE, WRONG_SIZE, WRONG_THREAD, WRONG_ORDER, MISUSES };
static const char *const misuse_names[] = {"badHandle", "releasedTwice", "wrongSize", "wrongThread", "wrongOrder"};

enum { MOST_BOARDS = 8, MOST_NODES = 64, MOST_PORTS = 8, MOST_RANK = 6, NAME = 64, IDS = 256, MESSAGE = 512 };

/* ---- What the tape says is there. Guarded by the tape's lock. ---- */

struct board {
  char family[12];
  char id[24];
};

static struct {
  char version[64];
  int release;
  struct board boards[MOST_BOARDS];
  int count;
  double celsius;
  double reset_ms;
  unsigned long tape;
} world;

/* Until when a stick is absent, as now_ms. Guarded by the tape's lock too, but outlives a tape. */
static double away_until;

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static void add_board(const char *family, const char *id) {
  if (world.count < MOST_BOARDS) {
    struct board *board = &world.boards[world.count++];
    snprintf(board->family, sizeof board->family, "%s", family);
    snprintf(board->id, sizeof board->id, "%s", id);
  }
}

static void usual(void) {
  unsigned long tape = world.tape;
  memset(&world, 0, sizeof world);
  world.tape = tape + 1;
  world.release = RELEASE;
  world.celsius = 45.5;
#if RELEASE == 202203
  snprintf(world.version, sizeof world.version, "2022.3.2-0000-simulated");
  add_board("CPU", "");
  add_board("MYRIAD", "1.2-ma2480");
#elif RELEASE == 202406
  snprintf(world.version, sizeof world.version, "2024.6.0-0000-simulated");
  add_board("CPU", "");
  add_board("GPU", "0");
  add_board("NPU", "3720");
#else
  snprintf(world.version, sizeof world.version, "2026.1.0-0000-simulated");
  add_board("CPU", "");
  add_board("GPU", "0");
  add_board("NPU", "3720");
#endif
}

static bool fresh_boards;

static void begin(void) {
  usual();
  fresh_boards = true;
}

static bool is_family(const char *name) {
  return strcmp(name, "CPU") == 0 || strcmp(name, "GPU") == 0 || strcmp(name, "NPU") == 0 || strcmp(name, "MYRIAD") == 0;
}

static bool own_line(const char *line) {
  char first[12] = "";
  char second[24] = "";
  int year;
  int minor;
  double ms;
  if (strcmp(line, "no device") == 0) {
    world.count = 0;
    fresh_boards = false;
  } else if (sscanf(line, "version %d.%d", &year, &minor) == 2) {
    world.release = year * 100 + minor;
    snprintf(world.version, sizeof world.version, "%.40s-0000-simulated", line + 8);
  } else if (sscanf(line, "device %11s %23s", first, second) >= 1 && is_family(first)) {
    if (fresh_boards) {
      world.count = 0;
      fresh_boards = false;
    }
    if (world.count == MOST_BOARDS) {
      return false;
    }
    add_board(first, second);
  } else if (sscanf(line, "temperature %lf", &ms) == 1) {
    world.celsius = ms;
  } else if (sscanf(line, "reset %lf", &ms) == 1) {
    world.reset_ms = ms;
  } else if (sscanf(line, "away %lf", &ms) == 1) {
    away_until = now_ms() + ms;
  } else {
    return false;
  }
  return true;
}

/* Whether a plugin of that name belongs to the release. */
static bool has_plugin(const char *family) {
  if (strcmp(family, "MYRIAD") == 0) {
    return world.release <= 202203;
  }
  if (strcmp(family, "NPU") == 0) {
    return world.release >= 202302;
  }
  return is_family(family);
}

static bool board_is_there(const struct board *board) {
  return strcmp(board->family, "MYRIAD") != 0 || now_ms() >= away_until;
}

/* Whether a device is there, by its whole name or by its family's. */
static bool present(const char *device) {
  bool found = false;
  tape_lock();
  tape_refresh();
  for (int i = 0; i < world.count; i++) {
    const struct board *board = &world.boards[i];
    size_t family = strlen(board->family);
    found |= strncmp(device, board->family, family) == 0 && has_plugin(board->family) && board_is_there(board) &&
             (device[family] == '\0' || (device[family] == '.' && strcmp(device + family + 1, board->id) == 0));
  }
  tape_unlock();
  return found;
}

static unsigned long tape_now(void) {
  tape_lock();
  tape_refresh();
  unsigned long tape = world.tape;
  tape_unlock();
  return tape;
}

static int release_now(void) {
  tape_lock();
  int release = world.release;
  tape_unlock();
  return release;
}

/* ---- Element types. ---- */

static const uint8_t *elements(size_t *count) {
  int release = release_now();
#define TABLE(i)                          \
  do {                                    \
    *count = sizeof elements_##i;         \
    return elements_##i;                  \
  } while (false)
  if (release <= 202301) {
    TABLE(0);
  } else if (release == 202302 || release == 202303) {
    TABLE(1);
  } else if (release <= 202401) {
    TABLE(2);
  } else if (release <= 202403) {
    TABLE(3);
  } else if (release <= 202500) {
    TABLE(4);
  }
  TABLE(5);
#undef TABLE
}

static int element_of(uint32_t number) {
  size_t count;
  const uint8_t *table = elements(&count);
  return number < count ? table[number] : -1;
}

static uint32_t number_of(int element) {
  size_t count;
  const uint8_t *table = elements(&count);
  for (uint32_t i = 0; i < count; i++) {
    if (table[i] == element) {
      return i;
    }
  }
  return UINT32_MAX;
}

static size_t bits_of(int element) {
  switch (element) {
    case T_F64:
    case T_I64:
    case T_U64:
      return 64;
    case T_F32:
    case T_I32:
    case T_U32:
      return 32;
    case T_F16:
    case T_BF16:
    case T_I16:
    case T_U16:
      return 16;
    case T_BOOLEAN:
    case T_I8:
    case T_U8:
      return 8;
    case T_I4:
    case T_U4:
      return 4;
    case T_U1:
      return 1;
    default:
      return 0;
  }
}

static size_t bytes_of(int element, size_t count) { return (count * bits_of(element) + 7) / 8; }

static int element_named(const char *name) {
  static const struct {
    const char *name;
    int element;
  } known[] = {{"f32", T_F32}, {"f16", T_F16}, {"i8", T_I8}, {"u8", T_U8}, {"i32", T_I32}, {"i64", T_I64}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, name) == 0) {
      return known[i].element;
    }
  }
  return -1;
}

static float half_to_float(uint16_t half) {
  int exponent = half >> 10 & 31;
  int mantissa = half & 1023;
  double value = exponent == 31   ? (mantissa == 0 ? INFINITY : NAN)
                 : exponent == 0 ? ldexp(mantissa, -24)
                                 : ldexp(mantissa + 1024, exponent - 25);
  return (float)((half & 0x8000) != 0 ? -value : value);
}

/* Rounded to the nearest, ties to even. */
static uint16_t float_to_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000u;
  double magnitude = fabs((double)value);
  if (isnan(value)) {
    return (uint16_t)(sign | 0x7e00u);
  }
  if (magnitude >= 65520) {
    return (uint16_t)(sign | 0x7c00u);
  }
  int exponent;
  frexp(magnitude, &exponent);
  int scale = exponent - 11 < -24 ? -24 : exponent - 11;
  long units = lrint(ldexp(magnitude, -scale));
  uint32_t half = units < 1024 ? (uint32_t)units : (uint32_t)((scale + 25) << 10) + (uint32_t)(units - 1024);
  return (uint16_t)(sign | half);
}

static float get_element(const void *data, int element, size_t i) {
  switch (element) {
    case T_F32:
      return ((const float *)data)[i];
    case T_F16:
      return half_to_float(((const uint16_t *)data)[i]);
    case T_I8:
      return (float)((const int8_t *)data)[i];
    case T_U8:
      return (float)((const uint8_t *)data)[i];
    case T_I32:
      return (float)((const int32_t *)data)[i];
    default:
      return (float)((const int64_t *)data)[i];
  }
}

static double clamped(double value, double least, double most) {
  return isnan(value) ? 0 : value < least ? least : value > most ? most : nearbyint(value);
}

static void put_element(void *data, int element, size_t i, float value) {
  switch (element) {
    case T_F32:
      ((float *)data)[i] = value;
      break;
    case T_F16:
      ((uint16_t *)data)[i] = float_to_half(value);
      break;
    case T_I8:
      ((int8_t *)data)[i] = (int8_t)clamped((double)value, -128, 127);
      break;
    case T_U8:
      ((uint8_t *)data)[i] = (uint8_t)clamped((double)value, 0, 255);
      break;
    case T_I32:
      ((int32_t *)data)[i] = (int32_t)clamped((double)value, -2147483648.0, 2147483647.0);
      break;
    default:
      ((int64_t *)data)[i] = (int64_t)clamped((double)value, -9e18, 9e18);
      break;
  }
}

/* ---- Objects. ---- */

enum operation { PARAMETER, CONSTANT, MAT_MUL, ADD, MULTIPLY, RELU, CONVERT, IDENTITY, RESULT, FLATTEN };

struct node {
  int operation;
  char id[24];
  char name[NAME];
  char tensor[NAME];
  int element;
  int inputs[3];
  int input_count;
  bool transposed;
  int rank;
  int64_t dims[MOST_RANK];
  float *constant;
};

struct graph {
  int references;
  char name[NAME];
  struct node nodes[MOST_NODES];
  int count;
  int parameters[MOST_PORTS];
  int parameter_count;
  int results[MOST_PORTS];
  int result_count;
  double delay_ms;
  uint64_t digest;
};

struct ov_core {
  bool opened_stick;
  /* Ids of the sticks that it has opened: listed as long as it lives, plugged in or not, as by the vendor's. */
  char opened[MOST_BOARDS][24];
  int opened_count;
};

struct ov_model {
  struct graph *graph;
};

struct compiled {
  int references;
  struct graph *graph;
  char device[40];
  int requests;
  bool from_cache;
};

struct handle {
  struct compiled *compiled;
};

struct buffer {
  int references;
  void *data;
  bool owned;
};

struct tensor {
  struct buffer *buffer;
  int element;
  int rank;
  int64_t dims[MOST_RANK];
};

struct request {
  struct compiled *compiled;
  struct tensor inputs[MOST_PORTS];
  struct tensor outputs[MOST_PORTS];
  bool running;
  int inside;
  int cancelled;
  unsigned long hanging;
  double ready;
  bool started;
  /* How the last inference ended, which each wait says again. */
  int outcome;
  /* What was computed, by output: in its tensor only when the device would be done. */
  uint8_t *staged[MOST_PORTS];
  size_t staged_bytes[MOST_PORTS];
};

struct port {
  char name[NAME];
  int element;
  int rank;
  int64_t dims[MOST_RANK];
};

/* References of graphs, compiled models and buffers. */
static pthread_mutex_t sharing = PTHREAD_MUTEX_INITIALIZER;

static char last_error[MESSAGE];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  pthread_mutex_lock(&sharing);
  vsnprintf(last_error, sizeof last_error, format, rest);
  pthread_mutex_unlock(&sharing);
  va_end(rest);
}

static int take(int *references) {
  pthread_mutex_lock(&sharing);
  int count = ++*references;
  pthread_mutex_unlock(&sharing);
  return count;
}

static int give(int *references) {
  pthread_mutex_lock(&sharing);
  int count = --*references;
  pthread_mutex_unlock(&sharing);
  return count;
}

static void give_graph(struct graph *graph) {
  if (graph != NULL && give(&graph->references) == 0) {
    for (int i = 0; i < graph->count; i++) {
      free(graph->nodes[i].constant);
    }
    free(graph);
  }
}

static void give_compiled(struct compiled *compiled) {
  if (give(&compiled->references) == 0) {
    give_graph(compiled->graph);
    free(compiled);
  }
}

static void give_buffer(struct buffer *buffer) {
  if (buffer != NULL && give(&buffer->references) == 0) {
    if (buffer->owned) {
      free(buffer->data);
    }
    free(buffer);
  }
}

static size_t count_of(int rank, const int64_t *dims) {
  size_t count = 1;
  for (int i = 0; i < rank; i++) {
    count *= (size_t)dims[i];
  }
  return count;
}

static bool is_dynamic(int rank, const int64_t *dims) {
  for (int i = 0; i < rank; i++) {
    if (dims[i] < 0) {
      return true;
    }
  }
  return false;
}

static struct buffer *new_buffer(size_t bytes, void *host) {
  struct buffer *buffer = calloc(1, sizeof *buffer);
  if (buffer != NULL) {
    buffer->references = 1;
    buffer->owned = host == NULL;
    buffer->data = host != NULL ? host : aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (buffer->data == NULL) {
      free(buffer);
      return NULL;
    }
    if (host == NULL) {
      memset(buffer->data, 0, bytes);
    }
  }
  return buffer;
}

/* ---- Beginning of each call. ---- */

/* Whether the call ends here, with status. */
static bool over(int f, struct tape_fault *fault, bool *faulty, int *status) {
  *faulty = tape_next(f, fault);
  if (*faulty) {
    if (fault->action == TAPE_STATUS) {
      say("%s", fault->text);
      *status = (int)fault->amount;
      return true;
    }
    if (fault->action == TAPE_SKIP) {
      *status = OV_OK;
      return true;
    }
    if (fault->action != TAPE_HANG || f != F_ov_infer_request_start_async) {
      tape_play(fault);
    }
  }
  return false;
}

#define BEGIN(f)                               \
  struct tape_fault fault;                     \
  bool faulty = false;                         \
  int status = OV_OK;                          \
  if (over(F_##f, &fault, &faulty, &status)) { \
    return status;                             \
  }

/* Of a function that frees: whether the handle is to be freed. */
static bool frees(int f, const void *handle, enum kind kind) {
  struct tape_fault fault;
  if (tape_next(f, &fault)) {
    if (fault.action == TAPE_SKIP) {
      return false;
    }
    tape_play(&fault);
  }
  if (handle == NULL) {
    return false;
  }
  if (!tape_released((uintptr_t)handle, (int)kind)) {
    tape_misuse(TWICE, f, kind_names[kind]);
    return false;
  }
  return true;
}

static bool usable(const void *handle, enum kind kind, int f) {
  if (tape_is_open((uintptr_t)handle, (int)kind)) {
    return true;
  }
  if (handle != NULL) {
    tape_misuse(BAD_HANDLE, f, kind_names[kind]);
  }
  say("a handle is not open: %s", kind_names[kind]);
  return false;
}

#define NEED(handle, kind, f)         \
  if (!usable(handle, kind, F_##f)) { \
    return OV_INVALID_C_PARAM;        \
  }
#define NEED_THAT(condition)           \
  if (!(condition)) {                  \
    say("a parameter makes no sense"); \
    return OV_INVALID_C_PARAM;         \
  }

static int give_text(const char *text, char **to) {
  *to = strdup(text);
  if (*to == NULL) {
    return OV_NOT_ALLOCATED;
  }
  tape_made((uintptr_t)*to, TEXT);
  return OV_OK;
}

/* ---- Library. ---- */

EXPORT const char *ov_get_error_info(int code) {
  struct tape_fault fault;
  if (tape_next(F_ov_get_error_info, &fault)) {
    tape_play(&fault);
  }
  return code == OV_OK ? "success" : code == OV_GENERAL_ERROR ? "general error" : "simulated status";
}

EXPORT void ov_free(const char *content) {
  if (frees(F_ov_free, content, TEXT)) {
    free((void *)(uintptr_t)content);
  }
}

EXPORT int ov_get_openvino_version(ov_version_t *version) {
  BEGIN(ov_get_openvino_version)
  NEED_THAT(version != NULL)
  char text[64];
  tape_lock();
  memcpy(text, world.version, sizeof text);
  tape_unlock();
  char *number;
  char *description;
  status = give_text(faulty && fault.action == TAPE_VALUE ? fault.text : text, &number);
  if (status == OV_OK) {
    status = give_text("OpenVINO Runtime, simulated", &description);
    version->buildNumber = number;
    version->description = description;
  }
  return status;
}

EXPORT void ov_version_free(ov_version_t *version) {
  if (version == NULL) {
    return;
  }
  if (frees(F_ov_version_free, version->buildNumber, TEXT)) {
    free((void *)(uintptr_t)version->buildNumber);
    tape_released((uintptr_t)version->description, TEXT);
    free((void *)(uintptr_t)version->description);
  }
  version->buildNumber = NULL;
  version->description = NULL;
}

#if RELEASE >= 202302
EXPORT const char *ov_get_last_err_msg(void) {
  struct tape_fault fault;
  if (tape_next(F_ov_get_last_err_msg, &fault)) {
    tape_play(&fault);
  }
  char text[MESSAGE];
  pthread_mutex_lock(&sharing);
  memcpy(text, last_error, sizeof text);
  pthread_mutex_unlock(&sharing);
  char *made = NULL;
  give_text(text, &made);
  return made;
}

EXPORT void ov_shutdown(void) {
  struct tape_fault fault;
  if (tape_next(F_ov_shutdown, &fault)) {
    tape_play(&fault);
  }
  for (int kind = CORE; kind <= TENSOR; kind++) {
    if (tape_open_count(kind) > 0) {
      tape_misuse(WRONG_ORDER, F_ov_shutdown, kind_names[kind]);
    }
  }
}
#endif

/* ---- Shapes. ---- */

static int make_shape(int rank, const int64_t *dims, ov_shape_t *shape) {
  shape->rank = rank;
  shape->dims = calloc((size_t)rank + 1, sizeof *shape->dims);
  if (shape->dims == NULL) {
    return OV_NOT_ALLOCATED;
  }
  for (int i = 0; i < rank; i++) {
    shape->dims[i] = dims[i];
  }
  tape_made((uintptr_t)shape->dims, SHAPE);
  return OV_OK;
}

EXPORT int ov_shape_create(const int64_t rank, const int64_t *dims, ov_shape_t *shape) {
  BEGIN(ov_shape_create)
  NEED_THAT(shape != NULL && rank >= 0 && rank <= MOST_RANK && (rank == 0 || dims != NULL))
  return make_shape((int)rank, dims, shape);
}

EXPORT int ov_shape_free(ov_shape_t *shape) {
  if (shape != NULL && frees(F_ov_shape_free, shape->dims, SHAPE)) {
    free(shape->dims);
    shape->dims = NULL;
    shape->rank = 0;
  }
  return OV_OK;
}

EXPORT void ov_partial_shape_free(ov_partial_shape_t *shape) {
  if (shape != NULL && frees(F_ov_partial_shape_free, shape->dims, PARTIAL_SHAPE)) {
    free(shape->dims);
    shape->dims = NULL;
  }
}

EXPORT bool ov_dimension_is_dynamic(ov_dimension_t dimension) { return dimension.min != dimension.max; }

EXPORT bool ov_rank_is_dynamic(ov_dimension_t rank) { return rank.min != rank.max; }

EXPORT bool ov_partial_shape_is_dynamic(ov_partial_shape_t shape) {
  bool dynamic = shape.rank.min != shape.rank.max;
  for (int64_t i = 0; !dynamic && i < shape.rank.max; i++) {
    dynamic |= shape.dims[i].min != shape.dims[i].max;
  }
  return dynamic;
}

/* ---- Models: OpenVINO's IR, of which a part is understood. ---- */

static bool attribute(const char *from, const char *to, const char *key, char *value, size_t room) {
  size_t length = strlen(key);
  for (const char *at = from; at + length + 2 < to; at++) {
    if ((at[0] == ' ' || at[0] == '\n' || at[0] == '\t') && strncmp(at + 1, key, length) == 0 &&
        strncmp(at + 1 + length, "=\"", 2) == 0) {
      at += length + 3;
      const char *end = memchr(at, '"', (size_t)(to - at));
      if (end == NULL || (size_t)(end - at) >= room) {
        return false;
      }
      memcpy(value, at, (size_t)(end - at));
      value[end - at] = '\0';
      return true;
    }
  }
  return false;
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return NULL;
  }
  char *text = NULL;
  if (fseek(file, 0, SEEK_END) == 0) {
    long size = ftell(file);
    rewind(file);
    if (size >= 0 && size < (1L << 28)) {
      text = malloc((size_t)size + 1);
    }
    if (text != NULL) {
      *length = fread(text, 1, (size_t)size, file);
      text[*length] = '\0';
    }
  }
  fclose(file);
  return text;
}

static int operation_of(const char *type) {
  static const char *const names[] = {"Parameter", "Const", "MatMul", "Add", "Multiply", "ReLU", "Convert", "Identity", "Result"};
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
    if (strcmp(type, names[i]) == 0) {
      return i;
    }
  }
  return -1;
}

static bool parse_dims(const char *text, struct node *node) {
  node->rank = 0;
  while (*text != '\0') {
    if (node->rank == MOST_RANK) {
      return false;
    }
    text += strspn(text, " ,");
    if (*text == '?') {
      node->dims[node->rank++] = -1;
      text++;
    } else {
      char *end;
      node->dims[node->rank++] = strtoll(text, &end, 10);
      if (end == text) {
        return false;
      }
      text = end;
    }
    text += strspn(text, " ");
  }
  return true;
}

static int node_with(const struct graph *graph, const char *id) {
  for (int i = 0; i < graph->count; i++) {
    if (strcmp(graph->nodes[i].id, id) == 0) {
      return i;
    }
  }
  return -1;
}

static bool take_constant(struct node *node, const char *bytes, size_t size, const char *offset, const char *length) {
  size_t at = strtoull(offset, NULL, 10);
  size_t count = count_of(node->rank, node->dims);
  size_t asked = bytes_of(node->element, count);
  if (strtoull(length, NULL, 10) != asked || at + asked > size) {
    say("Incorrect weights in bin file!");
    return false;
  }
  char *aligned = malloc(asked + 1);
  node->constant = calloc(count + 1, sizeof *node->constant);
  if (aligned != NULL && node->constant != NULL) {
    memcpy(aligned, bytes + at, asked);
    for (size_t i = 0; i < count; i++) {
      node->constant[i] = get_element(aligned, node->element, i);
    }
  }
  free(aligned);
  return node->constant != NULL;
}

static bool read_layer(
    struct graph *graph, const char *from, const char *tag_end, const char *to, const char *weights, size_t weights_size) {
  char type[32];
  char opset[16] = "";
  if (graph->count == MOST_NODES) {
    say("simulated: too many layers");
    return false;
  }
  struct node *node = &graph->nodes[graph->count++];
  memset(node, 0, sizeof *node);
  node->element = T_F32;
  node->inputs[0] = node->inputs[1] = node->inputs[2] = -1;
  if (!attribute(from, tag_end, "id", node->id, sizeof node->id) || !attribute(from, tag_end, "type", type, sizeof type) ||
      !attribute(from, tag_end, "name", node->name, sizeof node->name)) {
    say("a layer has no id, name or type");
    return false;
  }
  attribute(from, tag_end, "version", opset, sizeof opset);
  int release = release_now();
  int newest = release <= 202203 ? 10 : release < 202500 ? 15 : 16;
  node->operation = operation_of(type);
  if (strncmp(opset, "opset", 5) != 0 || atoi(opset + 5) > newest) {
    say("Cannot create %s layer %s id:%s from unsupported opset: %s", type, node->name, node->id, opset);
    return false;
  }
  if (node->operation < 0) {
    say("Opset %s doesn't contain the operation with type: %s", opset, type);
    return false;
  }
  char text[NAME];
  char offset[24];
  char length[24];
  const char *data = strstr(from, "<data ");
  if (data != NULL && data < to) {
    const char *end = strchr(data, '>');
    if (end == NULL) {
      return false;
    }
    if (attribute(data, end, "element_type", text, sizeof text) ||
        attribute(data, end, "destination_type", text, sizeof text)) {
      node->element = element_named(text);
      if (node->element < 0) {
        say("simulated: no such element type: %s", text);
        return false;
      }
    }
    if (attribute(data, end, "shape", text, sizeof text) && !parse_dims(text, node)) {
      say("a shape cannot be read: %s", text);
      return false;
    }
    if (attribute(data, end, "transpose_b", text, sizeof text)) {
      node->transposed = strcmp(text, "true") == 0;
    }
    if (node->operation == CONSTANT &&
        (!attribute(data, end, "offset", offset, sizeof offset) || !attribute(data, end, "size", length, sizeof length) ||
            !take_constant(node, weights, weights_size, offset, length))) {
      return false;
    }
  }
  attribute(from, to, "names", node->tensor, sizeof node->tensor);
  return true;
}

static bool read_edges(struct graph *graph, const char *text) {
  char from[24];
  char to[24];
  char to_port[24];
  for (const char *edge = strstr(text, "<edge "); edge != NULL; edge = strstr(edge + 1, "<edge ")) {
    const char *end = strchr(edge, '>');
    if (end == NULL || !attribute(edge, end, "from-layer", from, sizeof from) ||
        !attribute(edge, end, "to-layer", to, sizeof to) || !attribute(edge, end, "to-port", to_port, sizeof to_port)) {
      say("an edge cannot be read");
      return false;
    }
    int source = node_with(graph, from);
    int target = node_with(graph, to);
    int port = atoi(to_port);
    if (source < 0 || target < 0 || port < 0 || port > 2) {
      say("an edge leads nowhere");
      return false;
    }
    graph->nodes[target].inputs[port] = source;
  }
  return true;
}

/* Ports, and that every node has its inputs, which come before it. */
static bool finish(struct graph *graph) {
  static const int asked[] = {0, 0, 2, 2, 2, 1, 1, 1, 1, 1};
  for (int i = 0; i < graph->count; i++) {
    struct node *node = &graph->nodes[i];
    node->input_count = asked[node->operation];
    for (int k = 0; k < node->input_count; k++) {
      if (node->inputs[k] < 0 || node->inputs[k] >= i) {
        say("a layer lacks an input: %s", node->name);
        return false;
      }
    }
    if (node->operation != PARAMETER && node->operation != CONSTANT && node->operation != CONVERT) {
      node->element = graph->nodes[node->inputs[0]].element;
    }
    if (node->operation == PARAMETER && graph->parameter_count < MOST_PORTS) {
      graph->parameters[graph->parameter_count++] = i;
    }
    if (node->operation == RESULT && graph->result_count < MOST_PORTS) {
      memcpy(node->tensor, graph->nodes[node->inputs[0]].tensor, sizeof node->tensor);
      graph->results[graph->result_count++] = i;
    }
  }
  if (graph->parameter_count == 0 || graph->result_count == 0) {
    say("a model without inputs or outputs");
    return false;
  }
  return true;
}

static uint64_t digest_of(const char *bytes, size_t length, uint64_t digest) {
  /* FNV-1a, 64 bits. */
  for (size_t i = 0; i < length; i++) {
    digest = (digest ^ (uint8_t)bytes[i]) * 0x100000001b3u;
  }
  return digest;
}

static bool read_ir(struct graph *graph, const char *text, const char *weights, size_t weights_size) {
  char version[16] = "";
  char delay[16];
  const char *net = strstr(text, "<net ");
  const char *end = net == NULL ? NULL : strchr(net, '>');
  if (end == NULL || !attribute(net, end, "version", version, sizeof version) || (atoi(version) != 10 && atoi(version) != 11)) {
    say("Unable to read the model: please check that model format: xml is supported and the model is correct.");
    return false;
  }
  attribute(net, end, "name", graph->name, sizeof graph->name);
  for (const char *layer = strstr(text, "<layer "); layer != NULL;) {
    const char *tag_end = strchr(layer, '>');
    const char *next = strstr(layer + 1, "<layer ");
    const char *to = next != NULL ? next : text + strlen(text);
    if (tag_end == NULL || !read_layer(graph, layer, tag_end, to, weights, weights_size)) {
      return false;
    }
    layer = next;
  }
  const char *simulated = strstr(text, "<shoji_delay_ms ");
  if (simulated != NULL) {
    const char *tag_end = strchr(simulated, '>');
    if (tag_end != NULL && attribute(simulated, tag_end, "value", delay, sizeof delay)) {
      graph->delay_ms = strtod(delay, NULL);
    }
  }
  return read_edges(graph, text) && finish(graph);
}

/* ---- Models: ONNX, of which a part is understood. ---- */

struct bytes {
  const uint8_t *at;
  const uint8_t *end;
};

static bool varint(struct bytes *from, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 64 && from->at < from->end; shift += 7) {
    uint8_t next = *from->at++;
    *value |= (uint64_t)(next & 0x7f) << shift;
    if (next < 0x80) {
      return true;
    }
  }
  return false;
}

/* The next field: a number in value, or bytes in content. */
static bool field(struct bytes *from, uint64_t *number, uint64_t *value, struct bytes *content) {
  uint64_t tag;
  if (from->at >= from->end || !varint(from, &tag)) {
    return false;
  }
  *number = tag >> 3;
  *value = 0;
  content->at = content->end = from->at;
  uint64_t length = 0;
  switch (tag & 7) {
    case 0:
      return varint(from, value);
    case 1:
      length = 8;
      break;
    case 2:
      if (!varint(from, &length)) {
        return false;
      }
      break;
    case 5:
      length = 4;
      break;
    default:
      return false;
  }
  if (length > (uint64_t)(from->end - from->at)) {
    return false;
  }
  content->at = from->at;
  content->end = from->at + length;
  from->at += length;
  return true;
}

static void text_of(struct bytes content, char *to, size_t room) {
  size_t length = (size_t)(content.end - content.at);
  length = length < room ? length : room - 1;
  memcpy(to, content.at, length);
  to[length] = '\0';
}

static struct node *new_node(struct graph *graph, int operation) {
  if (graph->count == MOST_NODES) {
    say("simulated: too many operators");
    return NULL;
  }
  struct node *node = &graph->nodes[graph->count++];
  memset(node, 0, sizeof *node);
  node->operation = operation;
  node->element = T_F32;
  node->inputs[0] = node->inputs[1] = node->inputs[2] = -1;
  return node;
}

static int node_named(const struct graph *graph, const char *tensor) {
  for (int i = graph->count - 1; i >= 0; i--) {
    if (graph->nodes[i].operation != RESULT && strcmp(graph->nodes[i].tensor, tensor) == 0) {
      return i;
    }
  }
  return -1;
}

static bool onnx_constant(struct graph *graph, struct bytes tensor) {
  struct node *node = new_node(graph, CONSTANT);
  struct bytes raw = {NULL, NULL};
  struct bytes content;
  uint64_t number;
  uint64_t value;
  uint64_t type = 0;
  if (node == NULL) {
    return false;
  }
  while (field(&tensor, &number, &value, &content)) {
    if (number == 1 && content.at < content.end) {
      while (content.at < content.end && node->rank < MOST_RANK && varint(&content, &value)) {
        node->dims[node->rank++] = (int64_t)value;
      }
    } else if (number == 1 && node->rank < MOST_RANK) {
      node->dims[node->rank++] = (int64_t)value;
    } else if (number == 2) {
      type = value;
    } else if (number == 8) {
      text_of(content, node->tensor, sizeof node->tensor);
      text_of(content, node->name, sizeof node->name);
    } else if (number == 9 || number == 4) {
      raw = content;
    }
  }
  size_t count = count_of(node->rank, node->dims);
  if (type != 1 || (size_t)(raw.end - raw.at) != count * sizeof(float)) {
    say("simulated: only constants of FLOAT32 are read: %s", node->name);
    return false;
  }
  node->constant = calloc(count + 1, sizeof *node->constant);
  if (node->constant == NULL) {
    return false;
  }
  memcpy(node->constant, raw.at, count * sizeof(float));
  return true;
}

static bool onnx_input(struct graph *graph, struct bytes info) {
  char name[NAME] = "";
  struct node shape = {0};
  struct bytes content;
  uint64_t number;
  uint64_t value;
  uint64_t type = 1;
  while (field(&info, &number, &value, &content)) {
    if (number == 1) {
      text_of(content, name, sizeof name);
    }
    if (number != 2) {
      continue;
    }
    struct bytes tensor;
    while (field(&content, &number, &value, &tensor)) {
      struct bytes inner;
      while (number == 1 && field(&tensor, &number, &value, &inner)) {
        struct bytes dim;
        if (number == 1) {
          type = value;
        }
        bool is_shape = number == 2;
        while (is_shape && field(&inner, &number, &value, &dim) && shape.rank < MOST_RANK) {
          struct bytes ignored;
          int64_t size = -1;
          while (field(&dim, &number, &value, &ignored)) {
            size = number == 1 ? (int64_t)value : size;
          }
          shape.dims[shape.rank++] = size;
        }
        number = 1;
      }
    }
  }
  if (node_named(graph, name) >= 0) {
    /* An initializer that is listed as an input. */
    return true;
  }
  struct node *node = type == 1 ? new_node(graph, PARAMETER) : NULL;
  if (node == NULL) {
    say("simulated: only inputs of FLOAT32 are read: %s", name);
    return false;
  }
  memcpy(node->tensor, name, sizeof node->tensor);
  node->rank = shape.rank;
  memcpy(node->dims, shape.dims, sizeof node->dims);
  return true;
}

static bool onnx_node(struct graph *graph, struct bytes from) {
  char inputs[3][NAME] = {"", "", ""};
  char output[NAME] = "";
  char type[32] = "";
  int count = 0;
  bool transposed = false;
  uint64_t axis = 1;
  struct bytes content;
  uint64_t number;
  uint64_t value;
  while (field(&from, &number, &value, &content)) {
    if (number == 1 && count < 3) {
      text_of(content, inputs[count++], NAME);
    } else if (number == 2) {
      text_of(content, output, sizeof output);
    } else if (number == 4) {
      text_of(content, type, sizeof type);
    } else if (number == 5) {
      char name[16] = "";
      uint64_t set = 0;
      struct bytes ignored;
      while (field(&content, &number, &value, &ignored)) {
        if (number == 1) {
          text_of(ignored, name, sizeof name);
        } else if (number == 3) {
          set = value;
        }
      }
      transposed |= strcmp(name, "transB") == 0 && set != 0;
      axis = strcmp(name, "axis") == 0 ? set : axis;
    }
  }
  bool gemm = strcmp(type, "Gemm") == 0;
  int operation = gemm || strcmp(type, "MatMul") == 0 ? MAT_MUL
                  : strcmp(type, "Relu") == 0        ? RELU
                  : strcmp(type, "Flatten") == 0     ? FLATTEN
                                                     : operation_of(type);
  if (operation != MAT_MUL && operation != RELU && operation != ADD && operation != IDENTITY &&
      (operation != FLATTEN || axis != 1)) {
    say("OpenVINO does not support the following ONNX operations: %s", type);
    return false;
  }
  int sources[3] = {-1, -1, -1};
  for (int i = 0; i < count; i++) {
    sources[i] = node_named(graph, inputs[i]);
  }
  struct node *node = new_node(graph, operation);
  if (node == NULL) {
    return false;
  }
  for (int i = 0; i < 2 && i < count; i++) {
    node->inputs[i] = sources[i];
  }
  node->transposed = transposed;
  if (gemm && count == 3) {
    int product = graph->count - 1;
    node = new_node(graph, ADD);
    if (node == NULL) {
      return false;
    }
    node->inputs[0] = product;
    node->inputs[1] = sources[2];
  }
  memcpy(node->tensor, output, sizeof node->tensor);
  memcpy(node->name, output, sizeof node->name);
  return true;
}

/* Fields of GraphProto with a number, each by what reads it. */
static bool onnx_each(struct graph *graph, struct bytes from, uint64_t asked, bool (*read)(struct graph *, struct bytes)) {
  struct bytes content;
  uint64_t number;
  uint64_t value;
  while (from.at < from.end) {
    if (!field(&from, &number, &value, &content)) {
      say("the ONNX file is damaged");
      return false;
    }
    if (number == asked && !read(graph, content)) {
      return false;
    }
  }
  return true;
}

static bool onnx_output(struct graph *graph, struct bytes info) {
  char name[NAME] = "";
  struct bytes content;
  uint64_t number;
  uint64_t value;
  while (field(&info, &number, &value, &content)) {
    if (number == 1) {
      text_of(content, name, sizeof name);
    }
  }
  int source = node_named(graph, name);
  struct node *node = source < 0 ? NULL : new_node(graph, RESULT);
  if (node == NULL) {
    say("an output that no operator gives: %s", name);
    return false;
  }
  node->inputs[0] = source;
  return true;
}

static bool read_onnx(struct graph *graph, const char *text, size_t length) {
  struct bytes from = {(const uint8_t *)text, (const uint8_t *)text + length};
  struct bytes content;
  struct bytes main_graph = {NULL, NULL};
  uint64_t number;
  uint64_t value;
  while (from.at < from.end) {
    if (!field(&from, &number, &value, &content)) {
      say("the ONNX file is damaged");
      return false;
    }
    if (number == 7) {
      main_graph = content;
    }
  }
  if (main_graph.at == NULL) {
    say("the ONNX file has no graph");
    return false;
  }
  return onnx_each(graph, main_graph, 5, onnx_constant) && onnx_each(graph, main_graph, 11, onnx_input) &&
         onnx_each(graph, main_graph, 1, onnx_node) && onnx_each(graph, main_graph, 12, onnx_output) && finish(graph);
}

/* ---- Core. ---- */

EXPORT int ov_core_create(struct ov_core **core) {
  BEGIN(ov_core_create)
  NEED_THAT(core != NULL)
  *core = calloc(1, sizeof **core);
  if (*core == NULL) {
    return OV_NOT_ALLOCATED;
  }
  tape_made((uintptr_t)*core, CORE);
  return OV_OK;
}

EXPORT void ov_core_free(struct ov_core *core) {
  if (frees(F_ov_core_free, core, CORE)) {
    if (core->opened_stick) {
      tape_lock();
      away_until = now_ms() + world.reset_ms;
      tape_unlock();
    }
    free(core);
  }
}

/* What is read of a file: the weights are beside it, or at the given path. */
static struct graph *read_model(const char *path, const char *bin) {
  size_t length = 0;
  size_t weights_size = 0;
  char *text = read_file(path, &length);
  struct graph *graph = text == NULL ? NULL : calloc(1, sizeof *graph);
  if (graph == NULL) {
    say("Model file %s cannot be opened!", path);
    free(text);
    return NULL;
  }
  graph->references = 1;
  size_t name = strlen(path);
  bool onnx = name > 5 && strcmp(path + name - 5, ".onnx") == 0;
  bool xml = name > 4 && strcmp(path + name - 4, ".xml") == 0;
  char *weights = NULL;
  char beside[4096];
  if (xml) {
    snprintf(beside, sizeof beside, "%.*s.bin", (int)(name - 4), path);
    weights = read_file(bin != NULL && *bin != '\0' ? bin : beside, &weights_size);
  }
  bool good = onnx ? read_onnx(graph, text, length) : xml && weights != NULL && read_ir(graph, text, weights, weights_size);
  if (!onnx && (!xml || weights == NULL)) {
    say("Unable to read the model: %s Please check that model format is supported and the model is correct.", path);
  }
  graph->digest = digest_of(text, length, 0xcbf29ce484222325u);
  if (weights != NULL) {
    graph->digest = digest_of(weights, weights_size, graph->digest);
  }
  free(text);
  free(weights);
  if (!good) {
    give_graph(graph);
    return NULL;
  }
  return graph;
}

EXPORT int ov_core_read_model(const struct ov_core *core, const char *path, const char *bin, struct ov_model **model) {
  BEGIN(ov_core_read_model)
  NEED(core, CORE, ov_core_read_model)
  NEED_THAT(path != NULL && model != NULL)
  struct graph *graph = read_model(path, bin);
  if (graph == NULL) {
    return OV_GENERAL_ERROR;
  }
  *model = calloc(1, sizeof **model);
  if (*model == NULL) {
    give_graph(graph);
    return OV_NOT_ALLOCATED;
  }
  (*model)->graph = graph;
  tape_made((uintptr_t)*model, MODEL);
  return OV_OK;
}

EXPORT void ov_model_free(struct ov_model *model) {
  if (frees(F_ov_model_free, model, MODEL)) {
    give_graph(model->graph);
    free(model);
  }
}

/* A stick that a core has opened is in its list from now on. */
static void remember_opened(struct ov_core *core, const char *device) {
  tape_lock();
  for (int i = 0; i < world.count; i++) {
    const struct board *board = &world.boards[i];
    if (strcmp(board->family, "MYRIAD") == 0 && (device[6] == '\0' || strcmp(device + 7, board->id) == 0)) {
      bool known = false;
      for (int k = 0; k < core->opened_count; k++) {
        known |= strcmp(core->opened[k], board->id) == 0;
      }
      if (!known && core->opened_count < MOST_BOARDS) {
        snprintf(core->opened[core->opened_count++], sizeof *core->opened, "%s", board->id);
      }
      break;
    }
  }
  tape_unlock();
}

static int list_ids(const struct ov_core *core, const char *family, char ids[IDS]) {
  bool there = false;
  bool known;
  ids[0] = '\0';
  tape_lock();
  tape_refresh();
  known = has_plugin(family);
  for (int i = 0; known && i < world.count; i++) {
    bool opened = false;
    for (int k = 0; strcmp(family, "MYRIAD") == 0 && k < core->opened_count; k++) {
      opened |= strcmp(core->opened[k], world.boards[i].id) == 0;
    }
    if (strcmp(world.boards[i].family, family) == 0 && board_is_there(&world.boards[i]) && !opened) {
      size_t used = strlen(ids);
      snprintf(ids + used, IDS - used, "%s%s", used > 0 ? " " : "", world.boards[i].id);
      there = true;
    }
  }
  for (int k = 0; known && strcmp(family, "MYRIAD") == 0 && k < core->opened_count; k++) {
    size_t used = strlen(ids);
    snprintf(ids + used, IDS - used, "%s%s", used > 0 ? " " : "", core->opened[k]);
    there = true;
  }
  tape_unlock();
  if (!known) {
    say("Device with \"%s\" name is not registered in the OpenVINO Runtime", family);
    return OV_GENERAL_ERROR;
  }
  if (!there && strcmp(family, "CPU") == 0) {
    say("Device with \"CPU\" name is not there");
    return OV_GENERAL_ERROR;
  }
  return OV_OK;
}

EXPORT int ov_core_get_property(const struct ov_core *core, const char *device, const char *key, char **value) {
  BEGIN(ov_core_get_property)
  NEED(core, CORE, ov_core_get_property)
  NEED_THAT(device != NULL && key != NULL && value != NULL)
  char text[IDS] = "";
  if (strcmp(key, "AVAILABLE_DEVICES") == 0) {
    status = list_ids(core, device, text);
    return status == OV_OK ? give_text(text, value) : status;
  }
  if (!present(device)) {
    say("Can not find device \"%s\"", device);
    return OV_GENERAL_ERROR;
  }
  bool myriad = strncmp(device, "MYRIAD", 6) == 0;
  if (strcmp(key, "SUPPORTED_PROPERTIES") == 0) {
    snprintf(text, sizeof text, "SUPPORTED_PROPERTIES FULL_DEVICE_NAME OPTIMIZATION_CAPABILITIES CACHE_DIR PERFORMANCE_HINT%s%s",
        myriad ? " DEVICE_THERMAL" : "", release_now() >= 202301 ? " INFERENCE_PRECISION_HINT" : "");
  } else if (strcmp(key, "FULL_DEVICE_NAME") == 0) {
    snprintf(text, sizeof text, "%s, simulated", myriad ? "Movidius Myriad X" : device);
  } else if (strcmp(key, "OPTIMIZATION_CAPABILITIES") == 0) {
    snprintf(text, sizeof text, "%s", myriad ? "FP16" : strncmp(device, "NPU", 3) == 0 ? "FP16 INT8" : "FP32 FP16 INT8 BIN");
  } else if (myriad && strcmp(key, "DEVICE_THERMAL") == 0) {
    tape_lock();
    double celsius = world.celsius;
    tape_unlock();
    if (core->opened_stick) {
      snprintf(text, sizeof text, "%g", faulty && fault.action == TAPE_VALUE ? fault.amount : celsius);
    }
  } else {
    say("Unsupported property %s by %s plugin", key, device);
    return OV_GENERAL_ERROR;
  }
  return give_text(text, value);
}

EXPORT int ov_core_get_available_devices(const struct ov_core *core, ov_available_devices_t *devices) {
  BEGIN(ov_core_get_available_devices)
  NEED(core, CORE, ov_core_get_available_devices)
  NEED_THAT(devices != NULL)
  devices->devices = calloc(MOST_BOARDS, sizeof *devices->devices);
  devices->size = 0;
  if (devices->devices == NULL) {
    return OV_NOT_ALLOCATED;
  }
  tape_lock();
  for (int i = 0; i < world.count; i++) {
    const struct board *board = &world.boards[i];
    char name[48];
    int alike = 0;
    for (int k = 0; k < world.count; k++) {
      alike += strcmp(world.boards[k].family, board->family) == 0;
    }
    if (has_plugin(board->family) && board_is_there(board)) {
      snprintf(name, sizeof name, "%s%s%s", board->family, alike > 1 ? "." : "", alike > 1 ? board->id : "");
      devices->devices[devices->size++] = strdup(name);
    }
  }
  tape_unlock();
  tape_made((uintptr_t)devices->devices, DEVICES);
  return OV_OK;
}

EXPORT void ov_available_devices_free(ov_available_devices_t *devices) {
  if (devices != NULL && frees(F_ov_available_devices_free, devices->devices, DEVICES)) {
    for (size_t i = 0; i < devices->size; i++) {
      free(devices->devices[i]);
    }
    free(devices->devices);
    devices->devices = NULL;
    devices->size = 0;
  }
}

/* ---- What a model has. ---- */

EXPORT bool ov_model_is_dynamic(const struct ov_model *model) {
  struct tape_fault fault;
  if (tape_next(F_ov_model_is_dynamic, &fault)) {
    tape_play(&fault);
  }
  if (!usable(model, MODEL, F_ov_model_is_dynamic)) {
    return false;
  }
  for (int i = 0; i < model->graph->parameter_count; i++) {
    const struct node *node = &model->graph->nodes[model->graph->parameters[i]];
    if (is_dynamic(node->rank, node->dims)) {
      return true;
    }
  }
  return false;
}

EXPORT int ov_model_inputs_size(const struct ov_model *model, size_t *size) {
  BEGIN(ov_model_inputs_size)
  NEED(model, MODEL, ov_model_inputs_size)
  NEED_THAT(size != NULL)
  *size = (size_t)model->graph->parameter_count;
  return OV_OK;
}

EXPORT int ov_model_outputs_size(const struct ov_model *model, size_t *size) {
  BEGIN(ov_model_outputs_size)
  NEED(model, MODEL, ov_model_outputs_size)
  NEED_THAT(size != NULL)
  *size = (size_t)model->graph->result_count;
  return OV_OK;
}

EXPORT int ov_model_get_friendly_name(const struct ov_model *model, char **name) {
  BEGIN(ov_model_get_friendly_name)
  NEED(model, MODEL, ov_model_get_friendly_name)
  NEED_THAT(name != NULL)
  return give_text(model->graph->name, name);
}

/* ONNX's Flatten of axis 1: everything behind the first dimension in one, which must be known. */
static bool flatten(int *rank, int64_t *dims) {
  int64_t rest = 1;
  for (int i = 1; i < *rank; i++) {
    if (dims[i] < 0) {
      return false;
    }
    rest *= dims[i];
  }
  if (*rank < 1) {
    return false;
  }
  *rank = 2;
  dims[1] = rest;
  return true;
}

/* The shape that a node gives, of inputs whose shapes are known; -1 for what is not. */
static bool infer_shape(const struct graph *graph, int at, int *rank, int64_t *dims) {
  const struct node *node = &graph->nodes[at];
  if (node->operation == PARAMETER || node->operation == CONSTANT) {
    *rank = node->rank;
    memcpy(dims, node->dims, sizeof node->dims);
    return true;
  }
  if (!infer_shape(graph, node->inputs[0], rank, dims)) {
    return false;
  }
  if (node->operation == MAT_MUL) {
    int right;
    int64_t other[MOST_RANK];
    if (!infer_shape(graph, node->inputs[1], &right, other) || right != 2 || *rank < 1 ||
        (dims[*rank - 1] >= 0 && dims[*rank - 1] != other[node->transposed ? 1 : 0])) {
      return false;
    }
    dims[*rank - 1] = other[node->transposed ? 0 : 1];
  } else if (node->operation == FLATTEN) {
    return flatten(rank, dims);
  } else if (node->operation == MULTIPLY || node->operation == ADD) {
    int right;
    int64_t other[MOST_RANK];
    if (!infer_shape(graph, node->inputs[1], &right, other)) {
      return false;
    }
    if (right > *rank) {
      *rank = right;
      memcpy(dims, other, sizeof other);
    }
  }
  return true;
}

static int make_port(const struct graph *graph, bool input, size_t index, struct port **to) {
  if (index >= (size_t)(input ? graph->parameter_count : graph->result_count)) {
    say("no such port");
    return OV_OUT_OF_BOUNDS;
  }
  int at = input ? graph->parameters[index] : graph->results[index];
  const struct node *node = &graph->nodes[at];
  struct port *port = calloc(1, sizeof *port);
  if (port == NULL) {
    return OV_NOT_ALLOCATED;
  }
  memcpy(port->name, node->tensor, sizeof port->name);
  port->element = node->element;
  if (!infer_shape(graph, at, &port->rank, port->dims)) {
    free(port);
    say("the shapes of the layers do not fit");
    return OV_GENERAL_ERROR;
  }
  *to = port;
  tape_made((uintptr_t)port, CONST_PORT);
  return OV_OK;
}

EXPORT int ov_model_const_input_by_index(const struct ov_model *model, size_t index, struct port **port) {
  BEGIN(ov_model_const_input_by_index)
  NEED(model, MODEL, ov_model_const_input_by_index)
  NEED_THAT(port != NULL)
  return make_port(model->graph, true, index, port);
}

EXPORT int ov_model_const_output_by_index(const struct ov_model *model, size_t index, struct port **port) {
  BEGIN(ov_model_const_output_by_index)
  NEED(model, MODEL, ov_model_const_output_by_index)
  NEED_THAT(port != NULL)
  return make_port(model->graph, false, index, port);
}

EXPORT int ov_model_reshape_by_port_indexes(
    const struct ov_model *model, const size_t *indexes, const ov_partial_shape_t *shapes, size_t size) {
  BEGIN(ov_model_reshape_by_port_indexes)
  NEED(model, MODEL, ov_model_reshape_by_port_indexes)
  NEED_THAT(indexes != NULL && shapes != NULL && size <= MOST_PORTS)
  struct graph *graph = model->graph;
  for (size_t i = 0; i < size; i++) {
    NEED_THAT(indexes[i] < (size_t)graph->parameter_count)
    struct node *node = &graph->nodes[graph->parameters[indexes[i]]];
    const ov_partial_shape_t *shape = &shapes[i];
    NEED_THAT(shape->rank.min == shape->rank.max && shape->rank.max == node->rank)
    for (int k = 0; k < node->rank; k++) {
      int64_t dim = shape->dims[k].min == shape->dims[k].max ? shape->dims[k].max : -1;
      if (node->dims[k] >= 0 && node->dims[k] != dim) {
        say("the model cannot be reshaped so");
        return OV_PARAMETER_MISMATCH;
      }
      node->dims[k] = dim;
    }
  }
  return OV_OK;
}

EXPORT int ov_port_get_any_name(const struct port *port, char **name) {
  BEGIN(ov_port_get_any_name)
  NEED(port, CONST_PORT, ov_port_get_any_name)
  NEED_THAT(name != NULL)
  if (port->name[0] == '\0') {
    say("Attempt to get a name for a Tensor without names");
    return OV_GENERAL_ERROR;
  }
  return give_text(port->name, name);
}

EXPORT int ov_port_get_element_type(const struct port *port, uint32_t *type) {
  BEGIN(ov_port_get_element_type)
  NEED(port, CONST_PORT, ov_port_get_element_type)
  NEED_THAT(type != NULL)
  *type = faulty && fault.action == TAPE_VALUE ? (uint32_t)fault.amount : number_of(port->element);
  return OV_OK;
}

EXPORT int ov_port_get_partial_shape(const struct port *port, ov_partial_shape_t *shape) {
  BEGIN(ov_port_get_partial_shape)
  NEED(port, CONST_PORT, ov_port_get_partial_shape)
  NEED_THAT(shape != NULL)
  shape->rank = (ov_dimension_t){port->rank, port->rank};
  shape->dims = calloc((size_t)port->rank + 1, sizeof *shape->dims);
  if (shape->dims == NULL) {
    return OV_NOT_ALLOCATED;
  }
  for (int i = 0; i < port->rank; i++) {
    shape->dims[i] = port->dims[i] < 0 ? (ov_dimension_t){0, -1} : (ov_dimension_t){port->dims[i], port->dims[i]};
  }
  tape_made((uintptr_t)shape->dims, PARTIAL_SHAPE);
  return OV_OK;
}

EXPORT int ov_const_port_get_shape(const struct port *port, ov_shape_t *shape) {
  BEGIN(ov_const_port_get_shape)
  NEED(port, CONST_PORT, ov_const_port_get_shape)
  NEED_THAT(shape != NULL)
  if (is_dynamic(port->rank, port->dims)) {
    say("get_shape was called on a dynamic shape");
    return OV_GENERAL_ERROR;
  }
  return make_shape(port->rank, port->dims, shape);
}

EXPORT void ov_output_const_port_free(struct port *port) {
  if (frees(F_ov_output_const_port_free, port, CONST_PORT)) {
    free(port);
  }
}

/* ---- Compiled models. ---- */

/* A file per model, device and release, as the real cache has. Whether it was there. */
static bool cached(const char *folder, const struct graph *graph, const char *device) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%016llx.blob", folder,
      (unsigned long long)digest_of(device, strlen(device), graph->digest + (uint64_t)release_now()));
  struct stat there;
  if (stat(path, &there) == 0) {
    return true;
  }
  mkdir(folder, 0777);
  FILE *file = fopen(path, "wb");
  if (file != NULL) {
    fputs("simulated\n", file);
    fclose(file);
  }
  return false;
}

/* Reads key and value pairs; whether all are known. */
static bool take_properties(va_list arguments, size_t count, struct compiled *compiled) {
  for (size_t i = 0; i < count; i += 2) {
    const char *key = va_arg(arguments, const char *);
    const char *value = va_arg(arguments, const char *);
    if (key == NULL || value == NULL) {
      say("a property is missing");
      return false;
    }
    if (strcmp(key, "CACHE_DIR") == 0) {
      compiled->from_cache = cached(value, compiled->graph, compiled->device);
    } else if (strcmp(key, "PERFORMANCE_HINT") == 0) {
      bool throughput = strcmp(value, "THROUGHPUT") == 0;
      if (!throughput && strcmp(value, "LATENCY") != 0 && strcmp(value, "CUMULATIVE_THROUGHPUT") != 0) {
        say("Wrong value %s for property key PERFORMANCE_HINT", value);
        return false;
      }
      compiled->requests = throughput ? 4 : compiled->requests;
    } else if (strcmp(key, "INFERENCE_PRECISION_HINT") == 0) {
      if (strncmp(compiled->device, "MYRIAD", 6) == 0 || (strcmp(value, "f32") != 0 && strcmp(value, "f16") != 0)) {
        say("Unsupported property INFERENCE_PRECISION_HINT=%s", value);
        return false;
      }
    } else {
      say("Unsupported property %s", key);
      return false;
    }
  }
  return true;
}

EXPORT int ov_core_compile_model(struct ov_core *core, const struct ov_model *model, const char *device, size_t count,
    struct handle **compiled, ...) {
  BEGIN(ov_core_compile_model)
  NEED(core, CORE, ov_core_compile_model)
  NEED(model, MODEL, ov_core_compile_model)
  NEED_THAT(device != NULL && compiled != NULL)
  if (count % 2 != 0) {
    tape_misuse(WRONG_SIZE, F_ov_core_compile_model, "arguments come in pairs");
    return OV_INVALID_C_PARAM;
  }
  bool myriad = strncmp(device, "MYRIAD", 6) == 0;
  if (!present(device)) {
    say("%s", myriad ? "Failed to allocate graph: MYRIAD device is not opened." : "Can not find the device");
    return OV_GENERAL_ERROR;
  }
  if (myriad && !core->opened_stick) {
    tape_lock();
    double reset = world.reset_ms;
    away_until = now_ms() + reset;
    tape_unlock();
    tape_pause(reset);
    core->opened_stick = true;
  }
  if ((myriad || strncmp(device, "NPU", 3) == 0) && ov_model_is_dynamic(model)) {
    say("simulated: dynamic shapes are not supported by %s", device);
    return OV_GENERAL_ERROR;
  }
  struct compiled *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return OV_NOT_ALLOCATED;
  }
  made->references = 1;
  made->graph = model->graph;
  take(&made->graph->references);
  made->requests = myriad ? 4 : 1;
  snprintf(made->device, sizeof made->device, "%s", device);
  va_list rest;
  va_start(rest, compiled);
  bool good = take_properties(rest, count, made);
  va_end(rest);
  struct handle *handle = good ? calloc(1, sizeof *handle) : NULL;
  if (handle == NULL) {
    give_compiled(made);
    return good ? OV_NOT_ALLOCATED : OV_GENERAL_ERROR;
  }
  handle->compiled = made;
  if (myriad) {
    remember_opened(core, device);
  }
  *compiled = handle;
  tape_made((uintptr_t)handle, COMPILED);
  return OV_OK;
}

EXPORT void ov_compiled_model_free(struct handle *handle) {
  if (frees(F_ov_compiled_model_free, handle, COMPILED)) {
    give_compiled(handle->compiled);
    free(handle);
  }
}

EXPORT int ov_compiled_model_inputs_size(const struct handle *handle, size_t *size) {
  BEGIN(ov_compiled_model_inputs_size)
  NEED(handle, COMPILED, ov_compiled_model_inputs_size)
  NEED_THAT(size != NULL)
  *size = (size_t)handle->compiled->graph->parameter_count;
  return OV_OK;
}

EXPORT int ov_compiled_model_outputs_size(const struct handle *handle, size_t *size) {
  BEGIN(ov_compiled_model_outputs_size)
  NEED(handle, COMPILED, ov_compiled_model_outputs_size)
  NEED_THAT(size != NULL)
  *size = (size_t)handle->compiled->graph->result_count;
  return OV_OK;
}

EXPORT int ov_compiled_model_input_by_index(const struct handle *handle, size_t index, struct port **port) {
  BEGIN(ov_compiled_model_input_by_index)
  NEED(handle, COMPILED, ov_compiled_model_input_by_index)
  NEED_THAT(port != NULL)
  return make_port(handle->compiled->graph, true, index, port);
}

EXPORT int ov_compiled_model_output_by_index(const struct handle *handle, size_t index, struct port **port) {
  BEGIN(ov_compiled_model_output_by_index)
  NEED(handle, COMPILED, ov_compiled_model_output_by_index)
  NEED_THAT(port != NULL)
  return make_port(handle->compiled->graph, false, index, port);
}

EXPORT int ov_compiled_model_get_property(const struct handle *handle, const char *key, char **value) {
  BEGIN(ov_compiled_model_get_property)
  NEED(handle, COMPILED, ov_compiled_model_get_property)
  NEED_THAT(key != NULL && value != NULL)
  char text[16];
  if (strcmp(key, "OPTIMAL_NUMBER_OF_INFER_REQUESTS") == 0) {
    snprintf(text, sizeof text, "%d", handle->compiled->requests);
    return give_text(text, value);
  }
  if (strcmp(key, "NETWORK_NAME") == 0) {
    return give_text(handle->compiled->graph->name, value);
  }
  if (strcmp(key, "LOADED_FROM_CACHE") == 0 && release_now() >= 202301) {
    return give_text(handle->compiled->from_cache ? "YES" : "NO", value);
  }
  say("Unsupported property %s", key);
  return OV_GENERAL_ERROR;
}

/* ---- Tensors. ---- */

static struct tensor *make_tensor(struct buffer *buffer, int element, int rank, const int64_t *dims) {
  struct tensor *tensor = calloc(1, sizeof *tensor);
  if (tensor != NULL) {
    tensor->buffer = buffer;
    tensor->element = element;
    tensor->rank = rank;
    memcpy(tensor->dims, dims, (size_t)rank * sizeof *dims);
    tape_made((uintptr_t)tensor, TENSOR);
  }
  return tensor;
}

static int create_tensor(uint32_t type, ov_shape_t shape, void *host, struct tensor **tensor) {
  NEED_THAT(tensor != NULL && shape.rank >= 0 && shape.rank <= MOST_RANK && (shape.rank == 0 || shape.dims != NULL))
  int element = element_of(type);
  if (element < 0 || bits_of(element) == 0 || is_dynamic((int)shape.rank, shape.dims)) {
    say("no tensor can be made of element type %u", type);
    return OV_INVALID_C_PARAM;
  }
  struct buffer *buffer = new_buffer(bytes_of(element, count_of((int)shape.rank, shape.dims)), host);
  *tensor = buffer == NULL ? NULL : make_tensor(buffer, element, (int)shape.rank, shape.dims);
  return *tensor == NULL ? OV_NOT_ALLOCATED : OV_OK;
}

EXPORT int ov_tensor_create(uint32_t type, ov_shape_t shape, struct tensor **tensor) {
  BEGIN(ov_tensor_create)
  return create_tensor(type, shape, NULL, tensor);
}

EXPORT int ov_tensor_create_from_host_ptr(uint32_t type, ov_shape_t shape, void *host, struct tensor **tensor) {
  BEGIN(ov_tensor_create_from_host_ptr)
  NEED_THAT(host != NULL)
  return create_tensor(type, shape, host, tensor);
}

EXPORT int ov_tensor_get_shape(const struct tensor *tensor, ov_shape_t *shape) {
  BEGIN(ov_tensor_get_shape)
  NEED(tensor, TENSOR, ov_tensor_get_shape)
  NEED_THAT(shape != NULL)
  return make_shape(tensor->rank, tensor->dims, shape);
}

EXPORT int ov_tensor_get_element_type(const struct tensor *tensor, uint32_t *type) {
  BEGIN(ov_tensor_get_element_type)
  NEED(tensor, TENSOR, ov_tensor_get_element_type)
  NEED_THAT(type != NULL)
  *type = number_of(tensor->element);
  return OV_OK;
}

EXPORT int ov_tensor_get_size(const struct tensor *tensor, size_t *size) {
  BEGIN(ov_tensor_get_size)
  NEED(tensor, TENSOR, ov_tensor_get_size)
  NEED_THAT(size != NULL)
  *size = count_of(tensor->rank, tensor->dims);
  return OV_OK;
}

EXPORT int ov_tensor_get_byte_size(const struct tensor *tensor, size_t *size) {
  BEGIN(ov_tensor_get_byte_size)
  NEED(tensor, TENSOR, ov_tensor_get_byte_size)
  NEED_THAT(size != NULL)
  *size = bytes_of(tensor->element, count_of(tensor->rank, tensor->dims));
  return OV_OK;
}

EXPORT int ov_tensor_data(const struct tensor *tensor, void **data) {
  BEGIN(ov_tensor_data)
  NEED(tensor, TENSOR, ov_tensor_data)
  NEED_THAT(data != NULL)
  *data = tensor->buffer->data;
  return OV_OK;
}

EXPORT void ov_tensor_free(struct tensor *tensor) {
  if (frees(F_ov_tensor_free, tensor, TENSOR)) {
    give_buffer(tensor->buffer);
    free(tensor);
  }
}

/* ---- Infer requests. ---- */

/* What a port of fixed shape has from the beginning. */
static bool fill_port(const struct graph *graph, int at, struct tensor *tensor) {
  tensor->element = graph->nodes[at].element;
  if (!infer_shape(graph, at, &tensor->rank, tensor->dims)) {
    return false;
  }
  if (!is_dynamic(tensor->rank, tensor->dims)) {
    tensor->buffer = new_buffer(bytes_of(tensor->element, count_of(tensor->rank, tensor->dims)), NULL);
    return tensor->buffer != NULL;
  }
  return true;
}

EXPORT int ov_compiled_model_create_infer_request(const struct handle *handle, struct request **request) {
  BEGIN(ov_compiled_model_create_infer_request)
  NEED(handle, COMPILED, ov_compiled_model_create_infer_request)
  NEED_THAT(request != NULL)
  struct request *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return OV_NOT_ALLOCATED;
  }
  const struct graph *graph = handle->compiled->graph;
  bool good = true;
  for (int i = 0; i < graph->parameter_count; i++) {
    good &= fill_port(graph, graph->parameters[i], &made->inputs[i]);
  }
  for (int i = 0; i < graph->result_count; i++) {
    good &= fill_port(graph, graph->results[i], &made->outputs[i]);
  }
  made->compiled = handle->compiled;
  take(&made->compiled->references);
  *request = made;
  tape_made((uintptr_t)made, REQUEST);
  if (!good) {
    say("the shapes of the layers do not fit");
  }
  return good ? OV_OK : OV_GENERAL_ERROR;
}

static void unstage(struct request *request, bool done);
static bool is_busy(struct request *request);

EXPORT void ov_infer_request_free(struct request *request) {
  if (!frees(F_ov_infer_request_free, request, REQUEST)) {
    return;
  }
  if (request->running) {
    tape_misuse(WRONG_ORDER, F_ov_infer_request_free, "it runs, and nobody has waited for it");
  }
  unstage(request, false);
  for (int i = 0; i < MOST_PORTS; i++) {
    give_buffer(request->inputs[i].buffer);
    give_buffer(request->outputs[i].buffer);
  }
  give_compiled(request->compiled);
  free(request);
}

/* A request is for one thread at a time. */
static bool enter(struct request *request, int f) {
  if (__atomic_exchange_n(&request->inside, 1, __ATOMIC_ACQ_REL) != 0) {
    tape_misuse(WRONG_THREAD, f, "one thread per infer request");
    say("Infer Request is busy");
    return false;
  }
  return true;
}

static void leave(struct request *request) { __atomic_store_n(&request->inside, 0, __ATOMIC_RELEASE); }

EXPORT int ov_infer_request_set_input_tensor_by_index(struct request *request, size_t index, const struct tensor *tensor) {
  BEGIN(ov_infer_request_set_input_tensor_by_index)
  NEED(request, REQUEST, ov_infer_request_set_input_tensor_by_index)
  NEED(tensor, TENSOR, ov_infer_request_set_input_tensor_by_index)
  const struct graph *graph = request->compiled->graph;
  NEED_THAT(index < (size_t)graph->parameter_count)
  if (request->running) {
    say("Infer Request is busy");
    return OV_REQUEST_BUSY;
  }
  const struct node *node = &graph->nodes[graph->parameters[index]];
  bool fits = node->element == tensor->element && node->rank == tensor->rank;
  for (int i = 0; fits && i < node->rank; i++) {
    fits = node->dims[i] < 0 || node->dims[i] == tensor->dims[i];
  }
  if (!fits) {
    say("The tensor does not fit input %zu", index);
    return OV_PARAMETER_MISMATCH;
  }
  give_buffer(request->inputs[index].buffer);
  request->inputs[index] = *tensor;
  take(&tensor->buffer->references);
  return OV_OK;
}

static int tensor_of(const struct tensor *from, struct tensor **to) {
  if (from->buffer == NULL) {
    /* Of a dynamic port before the first inference: empty, as the real one. */
    int64_t none[MOST_RANK] = {0};
    struct buffer *empty = new_buffer(0, NULL);
    *to = empty == NULL ? NULL : make_tensor(empty, from->element, from->rank, none);
  } else {
    take(&from->buffer->references);
    *to = make_tensor(from->buffer, from->element, from->rank, from->dims);
  }
  return *to == NULL ? OV_NOT_ALLOCATED : OV_OK;
}

EXPORT int ov_infer_request_get_input_tensor_by_index(struct request *request, size_t index, struct tensor **tensor) {
  BEGIN(ov_infer_request_get_input_tensor_by_index)
  NEED(request, REQUEST, ov_infer_request_get_input_tensor_by_index)
  NEED_THAT(tensor != NULL && index < (size_t)request->compiled->graph->parameter_count)
  if (is_busy(request)) {
    say("Infer Request is busy");
    return OV_REQUEST_BUSY;
  }
  return tensor_of(&request->inputs[index], tensor);
}

EXPORT int ov_infer_request_get_output_tensor_by_index(struct request *request, size_t index, struct tensor **tensor) {
  BEGIN(ov_infer_request_get_output_tensor_by_index)
  NEED(request, REQUEST, ov_infer_request_get_output_tensor_by_index)
  NEED_THAT(tensor != NULL && index < (size_t)request->compiled->graph->result_count)
  if (is_busy(request)) {
    say("Infer Request is busy");
    return OV_REQUEST_BUSY;
  }
  return tensor_of(&request->outputs[index], tensor);
}

struct values {
  int rank;
  int64_t dims[MOST_RANK];
  float *cells;
};

static bool compute_node(const struct graph *graph, int at, struct values *all) {
  const struct node *node = &graph->nodes[at];
  struct values *out = &all[at];
  const struct values *left = &all[node->inputs[0]];
  *out = (struct values){.rank = left->rank};
  memcpy(out->dims, left->dims, sizeof out->dims);
  const struct values *right = node->input_count > 1 ? &all[node->inputs[1]] : NULL;
  if (node->operation == MAT_MUL) {
    int64_t depth = left->dims[left->rank - 1];
    int64_t width = right->dims[node->transposed ? 0 : 1];
    if (right->rank != 2 || right->dims[node->transposed ? 1 : 0] != depth || depth == 0) {
      return false;
    }
    out->dims[out->rank - 1] = width;
    out->cells = calloc(count_of(out->rank, out->dims) + 1, sizeof *out->cells);
    if (out->cells == NULL) {
      return false;
    }
    size_t rows = count_of(left->rank, left->dims) / (size_t)depth;
    for (size_t row = 0; row < rows; row++) {
      for (int64_t column = 0; column < width; column++) {
        double sum = 0;
        for (int64_t k = 0; k < depth; k++) {
          int64_t cell = node->transposed ? column * depth + k : k * width + column;
          sum += (double)left->cells[row * (size_t)depth + (size_t)k] * (double)right->cells[cell];
        }
        out->cells[row * (size_t)width + (size_t)column] = (float)sum;
      }
    }
    return true;
  }
  if (node->operation == FLATTEN && !flatten(&out->rank, out->dims)) {
    return false;
  }
  if (right != NULL && right->rank > left->rank) {
    out->rank = right->rank;
    memcpy(out->dims, right->dims, sizeof out->dims);
  }
  size_t count = count_of(out->rank, out->dims);
  size_t own = count_of(left->rank, left->dims);
  size_t other = right == NULL ? 1 : count_of(right->rank, right->dims);
  out->cells = calloc(count + 1, sizeof *out->cells);
  if (out->cells == NULL || own == 0 || other == 0) {
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    float value = left->cells[i % own];
    if (node->operation == RELU) {
      value = value > 0 ? value : 0;
    } else if (node->operation == ADD) {
      value += right->cells[i % other];
    } else if (node->operation == MULTIPLY) {
      value *= right->cells[i % other];
    }
    out->cells[i] = value;
  }
  return true;
}

static void damage(struct tensor *tensor, const struct tape_fault *fault) {
  size_t count = count_of(tensor->rank, tensor->dims);
  size_t bytes = bits_of(tensor->element) / 8;
  uint8_t *cells = tensor->buffer->data;
  for (size_t i = 0; i < count; i++) {
    float value = get_element(cells, tensor->element, i);
    switch (fault->action) {
      case TAPE_NAN:
        memset(cells + i * bytes, 0xff, bytes);
        break;
      case TAPE_VALUE:
        put_element(cells, tensor->element, i, (float)fault->amount);
        break;
      case TAPE_NOISE:
        put_element(cells, tensor->element, i, value + (float)(fault->amount * tape_noise()));
        break;
      case TAPE_FLIP: {
        size_t bit = (size_t)fault->amount % (8 * bytes);
        cells[i * bytes + bit / 8] ^= (uint8_t)(1u << bit % 8);
        break;
      }
      case TAPE_SWAP:
        if (i < count / 2) {
          float last = get_element(cells, tensor->element, count - 1 - i);
          put_element(cells, tensor->element, count - 1 - i, value);
          put_element(cells, tensor->element, i, last);
        }
        break;
      default:
        break;
    }
  }
}

static int compute(struct request *request, const struct tape_fault *fault) {
  const struct graph *graph = request->compiled->graph;
  struct values all[MOST_NODES];
  memset(all, 0, sizeof all);
  int status = OV_OK;
  for (int i = 0; i < graph->parameter_count; i++) {
    const struct tensor *input = &request->inputs[i];
    struct values *value = &all[graph->parameters[i]];
    if (input->buffer == NULL) {
      say("Input data was not allocated. Input name: %s", graph->nodes[graph->parameters[i]].tensor);
      status = OV_NOT_ALLOCATED;
      break;
    }
    size_t count = count_of(input->rank, input->dims);
    value->rank = input->rank;
    memcpy(value->dims, input->dims, sizeof value->dims);
    value->cells = calloc(count + 1, sizeof *value->cells);
    for (size_t k = 0; value->cells != NULL && k < count; k++) {
      value->cells[k] = get_element(input->buffer->data, input->element, k);
    }
  }
  for (int i = 0; status == OV_OK && i < graph->count; i++) {
    const struct node *node = &graph->nodes[i];
    if (node->operation == CONSTANT) {
      size_t count = count_of(node->rank, node->dims);
      all[i].rank = node->rank;
      memcpy(all[i].dims, node->dims, sizeof all[i].dims);
      all[i].cells = malloc((count + 1) * sizeof *all[i].cells);
      if (all[i].cells != NULL) {
        memcpy(all[i].cells, node->constant, count * sizeof *node->constant);
      }
    } else if (node->operation != PARAMETER && !compute_node(graph, i, all)) {
      say("simulated: shapes do not fit at layer %s", node->name);
      status = OV_PARAMETER_MISMATCH;
    }
  }
  for (int i = 0; status == OV_OK && i < graph->result_count; i++) {
    const struct values *value = &all[graph->results[i]];
    struct tensor *output = &request->outputs[i];
    size_t count = count_of(value->rank, value->dims);
    if (output->buffer == NULL || output->rank != value->rank || memcmp(output->dims, value->dims, sizeof output->dims) != 0) {
      give_buffer(output->buffer);
      output->rank = value->rank;
      memcpy(output->dims, value->dims, sizeof output->dims);
      output->buffer = new_buffer(bytes_of(output->element, count), NULL);
      if (output->buffer == NULL) {
        status = OV_NOT_ALLOCATED;
        break;
      }
    }
    for (size_t k = 0; k < count; k++) {
      put_element(output->buffer->data, output->element, k, value->cells[k]);
    }
    if (fault != NULL) {
      damage(output, fault);
    }
  }
  for (int i = 0; i < graph->count; i++) {
    free(all[i].cells);
  }
  return status;
}

/* Hides what was computed until the device is done. */
static bool stage(struct request *request) {
  for (int i = 0; i < request->compiled->graph->result_count; i++) {
    struct tensor *output = &request->outputs[i];
    size_t bytes = bytes_of(output->element, count_of(output->rank, output->dims));
    request->staged[i] = malloc(bytes + 1);
    if (request->staged[i] == NULL) {
      return false;
    }
    request->staged_bytes[i] = bytes;
    memcpy(request->staged[i], output->buffer->data, bytes);
    memset(output->buffer->data, 0xee, bytes);
  }
  return true;
}

static void unstage(struct request *request, bool done) {
  for (int i = 0; i < MOST_PORTS; i++) {
    if (done && request->staged[i] != NULL) {
      memcpy(request->outputs[i].buffer->data, request->staged[i], request->staged_bytes[i]);
    }
    free(request->staged[i]);
    request->staged[i] = NULL;
  }
}

static int start(struct request *request, const struct tape_fault *fault) {
  if (request->running) {
    say("Infer Request is busy");
    return OV_REQUEST_BUSY;
  }
  if (!present(request->compiled->device)) {
    say("the device is gone: %s", request->compiled->device);
    return OV_GENERAL_ERROR;
  }
  int status = compute(request, fault);
  if (status == OV_OK && !stage(request)) {
    unstage(request, false);
    status = OV_NOT_ALLOCATED;
  }
  if (status == OV_OK) {
    __atomic_store_n(&request->cancelled, 0, __ATOMIC_RELEASE);
    request->hanging = fault != NULL && fault->action == TAPE_HANG ? tape_now() : 0;
    request->ready = now_ms() + request->compiled->graph->delay_ms;
    request->running = true;
    request->started = true;
  }
  return status;
}

/* Whether the device is at it still: another thing than whether somebody has waited for it. */
static bool is_busy(struct request *request) {
  return request->running && __atomic_load_n(&request->cancelled, __ATOMIC_ACQUIRE) == 0 &&
         present(request->compiled->device) &&
         ((request->hanging != 0 && tape_now() == request->hanging) || now_ms() < request->ready);
}

static int ended(struct request *request, int outcome) {
  request->running = false;
  request->outcome = outcome;
  unstage(request, outcome == OV_OK);
  return outcome;
}

/* Waits until it is ready, or for so long; -1 for ever. */
static int await_ready(struct request *request, double ms) {
  if (!request->started) {
    say("Inference was not started");
    return OV_INFER_NOT_STARTED;
  }
  if (!request->running) {
    return request->outcome;
  }
  double began = now_ms();
  while (true) {
    if (__atomic_load_n(&request->cancelled, __ATOMIC_ACQUIRE) != 0) {
      say("Infer Request was canceled");
      return ended(request, OV_INFER_CANCELLED);
    }
    if (!present(request->compiled->device)) {
      say("the device is gone: %s", request->compiled->device);
      return ended(request, OV_GENERAL_ERROR);
    }
    bool hanging = request->hanging != 0 && tape_now() == request->hanging;
    double now = now_ms();
    if (!hanging && now >= request->ready) {
      return ended(request, OV_OK);
    }
    if (ms >= 0 && now - began >= ms) {
      return OV_RESULT_NOT_READY;
    }
    double pause = hanging ? 5 : fmin(5, request->ready - now);
    pause = ms < 0 ? pause : fmin(pause, began + ms - now);
    tape_pause(fmax(pause, 0.02));
  }
}

EXPORT int ov_infer_request_start_async(struct request *request) {
  BEGIN(ov_infer_request_start_async)
  NEED(request, REQUEST, ov_infer_request_start_async)
  if (!enter(request, F_ov_infer_request_start_async)) {
    return OV_REQUEST_BUSY;
  }
  status = start(request, faulty ? &fault : NULL);
  leave(request);
  return status;
}

EXPORT int ov_infer_request_wait(struct request *request) {
  BEGIN(ov_infer_request_wait)
  NEED(request, REQUEST, ov_infer_request_wait)
  if (!enter(request, F_ov_infer_request_wait)) {
    return OV_REQUEST_BUSY;
  }
  status = await_ready(request, -1);
  leave(request);
  return status;
}

EXPORT int ov_infer_request_wait_for(struct request *request, const int64_t timeout) {
  BEGIN(ov_infer_request_wait_for)
  NEED(request, REQUEST, ov_infer_request_wait_for)
  if (!enter(request, F_ov_infer_request_wait_for)) {
    return OV_REQUEST_BUSY;
  }
  status = await_ready(request, timeout < 0 ? -1 : (double)timeout);
  leave(request);
  /* Before 2024.0 the vendor's says OK when the time has passed, too. */
  return status == OV_RESULT_NOT_READY && release_now() <= 202303 ? OV_OK : status;
}

EXPORT int ov_infer_request_infer(struct request *request) {
  BEGIN(ov_infer_request_infer)
  NEED(request, REQUEST, ov_infer_request_infer)
  if (!enter(request, F_ov_infer_request_infer)) {
    return OV_REQUEST_BUSY;
  }
  status = start(request, faulty ? &fault : NULL);
  if (status == OV_OK) {
    status = await_ready(request, -1);
  }
  leave(request);
  return status;
}

EXPORT int ov_infer_request_cancel(struct request *request) {
  BEGIN(ov_infer_request_cancel)
  NEED(request, REQUEST, ov_infer_request_cancel)
  if (strcmp(request->compiled->device, "CPU") != 0) {
    say("this device cannot cancel");
    return OV_NOT_IMPLEMENTED;
  }
  __atomic_store_n(&request->cancelled, 1, __ATOMIC_RELEASE);
  return OV_OK;
}

/* ---- What is there by name only. ---- */

static int refused(int f) {
  struct tape_fault fault;
  if (tape_next(f, &fault)) {
    if (fault.action == TAPE_STATUS) {
      say("%s", fault.text);
      return (int)fault.amount;
    }
    tape_play(&fault);
  }
  say("simulated: not there: %s", function_names[f]);
  return OV_NOT_IMPLEMENTED;
}

#define FUNCTION(name) \
  EXPORT int name(void) { return refused(F_##name); }
REFUSED(FUNCTION)
LATER_REFUSED(FUNCTION)
#undef FUNCTION
#define FUNCTION(name) \
  EXPORT void name(void) { refused(F_##name); }
VOIDS(FUNCTION)
LATER_VOIDS(FUNCTION)
#undef FUNCTION
#define FUNCTION(name)            \
  EXPORT const char *name(void) { \
    refused(F_##name);            \
    return NULL;                  \
  }
TEXTS(FUNCTION)
#undef FUNCTION

/* Says what it is to whoever looks into the library. */
EXPORT const char *shoji_simulated(void) { return "OpenVINO, simulated by Shoji: no device is there"; }

/* ---- Opening and closing. ---- */

static const char *function_name(int f) { return function_names[f]; }

static bool returns_status(int f) {
  switch (f) {
#define FUNCTION(name) case F_##name:
    VOIDS(FUNCTION) TEXTS(FUNCTION) LATER_VOIDS(FUNCTION)
#undef FUNCTION
    case F_ov_get_error_info:
    case F_ov_free:
    case F_ov_version_free:
    case F_ov_shape_free:
    case F_ov_partial_shape_free:
    case F_ov_dimension_is_dynamic:
    case F_ov_rank_is_dynamic:
    case F_ov_partial_shape_is_dynamic:
    case F_ov_output_const_port_free:
    case F_ov_tensor_free:
    case F_ov_infer_request_free:
    case F_ov_model_free:
    case F_ov_model_is_dynamic:
    case F_ov_compiled_model_free:
    case F_ov_core_free:
    case F_ov_available_devices_free:
#if RELEASE >= 202302
    case F_ov_get_last_err_msg:
    case F_ov_shutdown:
#endif
      return false;
    default:
      return true;
  }
}

static const struct tape_subject subject = {
    .name = "openvino",
    .functions = FUNCTION_COUNT,
    .function_name = function_name,
    .returns_status = returns_status,
    .failure = OV_GENERAL_ERROR,
    .handle_kinds = KINDS,
    .handle_names = kind_names,
    .misuse_kinds = MISUSES,
    .misuse_names = misuse_names,
    .begin = begin,
    .line = own_line,
    .inside = function_names,
};

__attribute__((constructor)) static void opened(void) {
  usual();
  fresh_boards = true;
  tape_open(&subject);
}

__attribute__((destructor)) static void closed(void) { tape_close(); }
