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
 * ONNX Runtime with faults on request: a shared library with ONNX Runtime's entry and function table that hands every call
 * on to a real libonnxruntime.so, so that models really compute, and fails where its tape says. README.md of native-libs
 * describes the tape and the record.
 *
 * All functions of the table take integers and addresses only, at most eight, and both the System V ABI of x86-64 and the
 * AAPCS64 pass these alike whatever their types: so one function of eight words stands for each of them. Words beyond the
 * ones that a function has are whatever the registers and the caller's stack hold, handed on and never looked at.
 *
 * Threads: any number of calls at once. The lock of tape.c also guards what is here; it is never held during a real call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnxruntime_facts.h"
#include "providers.h"
#include "tape.h"

#define EXPORT __attribute__((visibility("default")))

/* ---- What there is: functions and kinds of handles. ---- */

enum returns { STATUS, NOTHING, OTHER };
enum tells { NOTHING_TOLD, INT, LONG, DIMENSIONS };
enum handle_kind {
  NONE = -1,
#define HANDLE(name) name,
  HANDLES(HANDLE)
#undef HANDLE
  HANDLE_KINDS
};
enum { RESULT = -1, ARGUMENTS = 8, MOST_ENTRIES = 425, TEXT_LENGTH = 256 };
enum function {
#define FUNCTION(name, place, returns, makes, made_at, takes_back, taken_at, tells, told_at) F_##name,
  FUNCTIONS(FUNCTION)
#undef FUNCTION
  F_OrtGetApiBase,
  F_GetApi,
  F_GetVersionString,
  FUNCTION_COUNT
};

struct facts {
  const char *name;
  int place;
  enum returns returns;
  enum handle_kind makes;
  int made_at;
  enum handle_kind takes_back;
  int taken_at;
  enum tells tells;
  int told_at;
};

static const struct facts facts[FUNCTION_COUNT] = {
#define FUNCTION(name, place, returns, makes, made_at, takes_back, taken_at, tells, told_at) \
  [F_##name] = {#name, place, returns, makes, made_at, takes_back, taken_at, tells, told_at},
    FUNCTIONS(FUNCTION)
#undef FUNCTION
    [F_OrtGetApiBase] = {"OrtGetApiBase", -1, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0},
    [F_GetApi] = {"GetApi", -1, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0},
    [F_GetVersionString] = {"GetVersionString", -1, OTHER, NONE, 0, NONE, 0, NOTHING_TOLD, 0},
};

static const char *const handle_names[HANDLE_KINDS] = {
#define HANDLE(name) #name,
    HANDLES(HANDLE)
#undef HANDLE
};

typedef uintptr_t (*entry)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

struct api_base {
  const entry *(*get_api)(uint32_t);
  const char *(*get_version_string)(void);
};

/* OrtErrorCode, ONNXTensorElementDataType. */
enum { ORT_FAIL = 1, ORT_RUNTIME_EXCEPTION = 6 };
enum { ELEMENT_FLOAT = 1, ELEMENT_FLOAT16 = 10, ELEMENT_DOUBLE = 11, ELEMENT_BFLOAT16 = 16, ELEMENT_TYPES = 17 };
static const uint8_t element_bytes[ELEMENT_TYPES] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};

/* ---- State. ---- */

static struct {
  char runtime[PATH_MAX];
  void *real;
  const struct api_base *real_base;
  const entry *real_table;
  entry table[MOST_ENTRIES];
  char version[TEXT_LENGTH];
} state;

/* ---- What is bound: the outputs that RunWithBinding will write, and the last input. ---- */

static const char POISON[] = "poison";
static const float POISON_NUMBER = 666666;

enum { MOST_BINDINGS = 256, MOST_OUTPUTS = 16 };

static struct {
  uintptr_t binding;
  uintptr_t values[MOST_OUTPUTS];
  int count;
  uintptr_t input;
} bound[MOST_BINDINGS];

static int bound_find(uintptr_t binding) {
  for (int i = 0; i < MOST_BINDINGS; i++) {
    if (bound[i].binding == binding) {
      return i;
    }
  }
  return -1;
}

static int bound_place(uintptr_t binding) {
  int at = bound_find(binding);
  if (at < 0) {
    at = bound_find(0);
    if (at >= 0) {
      bound[at].binding = binding;
      bound[at].count = 0;
      bound[at].input = 0;
    }
  }
  return at;
}

static void bound_add(uintptr_t binding, uintptr_t value) {
  int at = bound_place(binding);
  if (at >= 0 && bound[at].count < MOST_OUTPUTS) {
    bound[at].values[bound[at].count++] = value;
  }
}

static void bound_input(uintptr_t binding, uintptr_t value) {
  int at = bound_place(binding);
  if (at >= 0) {
    bound[at].input = value;
  }
}

static void bound_forget(uintptr_t binding) {
  int at = bound_find(binding);
  if (at >= 0) {
    bound[at].binding = 0;
  }
}

/* ---- Tape. ---- */

static const char *function_name(int f) { return facts[f].name; }

static bool returns_status(int f) { return facts[f].returns == STATUS; }

static bool own_line(const char *line) {
  if (strncmp(line, "runtime ", 8) != 0) {
    return providers_line(line);
  }
  snprintf(state.runtime, sizeof state.runtime, "%s", line + 8);
  return true;
}

static bool own_action(const char *name, struct tape_fault *fault) {
  if (strcmp(name, POISON) == 0) {
    fault->action = TAPE_CRASH;
    snprintf(fault->text, sizeof fault->text, "%s", POISON);
    return true;
  }
  if (strcmp(name, "memory") != 0) {
    return false;
  }
  /* The words that the real runtime uses: it has no code for this. */
  fault->action = TAPE_STATUS;
  fault->amount = ORT_RUNTIME_EXCEPTION;
  snprintf(fault->text, sizeof fault->text, "Failed to allocate memory for requested buffer of size 1073741824");
  return true;
}

/* ---- Faults. ---- */

static uintptr_t real_call(int f, const uintptr_t *a) {
  return state.real_table[facts[f].place](a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
}

static uintptr_t real_call_of(int f, uintptr_t first, uintptr_t second, uintptr_t third) {
  uintptr_t arguments[ARGUMENTS] = {first, second, third};
  return real_call(f, arguments);
}

static uintptr_t failed(const struct tape_fault *fault) {
  uintptr_t status = real_call_of(F_CreateStatus, (uintptr_t)(int)fault->amount, (uintptr_t)fault->text, 0);
  tape_made(status, Status);
  return status;
}

static void set_element(unsigned char *at, int type, double value) {
  if (type == ELEMENT_FLOAT) {
    float number = (float)value;
    memcpy(at, &number, sizeof number);
  } else if (type == ELEMENT_DOUBLE) {
    memcpy(at, &value, sizeof value);
  } else if (isnan(value)) {
    /* All bits: a number that is none in both formats of 16 bits; in an integer -1 or the largest. */
    memset(at, 0xff, element_bytes[type]);
  } else {
    int64_t number = (int64_t)value;
    memcpy(at, &number, element_bytes[type]);
  }
}

static void damage(uintptr_t value, const struct tape_fault *fault) {
  uintptr_t info = 0;
  if (value == 0 || real_call_of(F_GetTensorTypeAndShape, value, (uintptr_t)&info, 0) != 0) {
    return;
  }
  int type = 0;
  size_t count = 0;
  unsigned char *data = NULL;
  real_call_of(F_GetTensorElementType, info, (uintptr_t)&type, 0);
  real_call_of(F_GetTensorShapeElementCount, info, (uintptr_t)&count, 0);
  real_call_of(F_GetTensorMutableData, value, (uintptr_t)&data, 0);
  real_call_of(F_ReleaseTensorTypeAndShapeInfo, info, 0, 0);
  if (data == NULL || type <= 0 || type >= ELEMENT_TYPES || element_bytes[type] == 0) {
    return;
  }
  size_t bytes = element_bytes[type];
  for (size_t i = 0; i < count; i++) {
    unsigned char *at = data + i * bytes;
    switch (fault->action) {
      case TAPE_NAN:
        set_element(at, type, NAN);
        break;
      case TAPE_VALUE:
        set_element(at, type, fault->amount);
        break;
      case TAPE_NOISE:
        if (type == ELEMENT_FLOAT) {
          float number;
          memcpy(&number, at, sizeof number);
          set_element(at, type, (double)number + fault->amount * tape_noise());
        } else {
          *at = (unsigned char)(*at + (int)(fault->amount * tape_noise()));
        }
        break;
      case TAPE_FLIP: {
        size_t bit = (size_t)fault->amount % (8 * bytes);
        at[bit / 8] ^= (unsigned char)(1u << bit % 8);
        break;
      }
      default:
        break;
    }
  }
  if (fault->action == TAPE_SWAP) {
    for (size_t i = 0; i < count / 2; i++) {
      unsigned char kept[16];
      unsigned char *other = data + (count - 1 - i) * bytes;
      memcpy(kept, data + i * bytes, bytes);
      memcpy(data + i * bytes, other, bytes);
      memcpy(other, kept, bytes);
    }
  }
}

static void damage_outputs(int f, const uintptr_t *a, const struct tape_fault *fault) {
  if (f == F_Run) {
    const uintptr_t *outputs = (const uintptr_t *)a[7];
    for (size_t i = 0; i < a[6]; i++) {
      damage(outputs[i], fault);
    }
  } else if (f == F_RunWithBinding) {
    uintptr_t values[MOST_OUTPUTS];
    int count = 0;
    tape_lock();
    int at = bound_find(a[2]);
    if (at >= 0) {
      count = bound[at].count;
      memcpy(values, bound[at].values, sizeof values);
    }
    tape_unlock();
    for (int i = 0; i < count; i++) {
      damage(values[i], fault);
    }
  }
}

static void tell_otherwise(int f, const uintptr_t *a, double amount) {
  void *told = (void *)a[facts[f].told_at];
  switch (facts[f].tells) {
    case INT:
      *(int32_t *)told = (int32_t)amount;
      break;
    case LONG:
      *(int64_t *)told = (int64_t)amount;
      break;
    case DIMENSIONS:
      for (size_t i = 0; i < a[facts[f].told_at + 1]; i++) {
        ((int64_t *)told)[i] = (int64_t)amount;
      }
      break;
    case NOTHING_TOLD:
      break;
  }
}

/* Outputs of Run that the caller gives itself are not made by the call: it says so by addresses that are not null. */
static void outputs_before(int f, const uintptr_t *a, uintptr_t *given) {
  if (f == F_Run) {
    memcpy(given, (const void *)a[7], (a[6] < MOST_OUTPUTS ? a[6] : MOST_OUTPUTS) * sizeof *given);
  }
}

static void keep_account(int f, const uintptr_t *a, uintptr_t result, const uintptr_t *given) {
  const struct facts *fact = &facts[f];
  if (fact->returns == STATUS && result != 0) {
    tape_made(result, Status);
  } else if (f == F_Run) {
    const uintptr_t *outputs = (const uintptr_t *)a[7];
    for (size_t i = 0; i < a[6] && i < MOST_OUTPUTS; i++) {
      tape_made(given[i] == 0 ? outputs[i] : 0, Value);
    }
  } else if (fact->makes != NONE) {
    tape_made(fact->made_at == RESULT ? result : *(const uintptr_t *)a[fact->made_at], fact->makes);
  }
  tape_lock();
  if (f == F_BindOutput && result == 0) {
    bound_add(a[0], a[2]);
  } else if (f == F_BindInput && result == 0) {
    bound_input(a[0], a[2]);
  } else if (f == F_ReleaseIoBinding || f == F_ClearBoundOutputs) {
    bound_forget(a[0]);
  }
  tape_unlock();
}

/* Whether a run is to read an input that begins with the number that stands for poison. */
static bool poisoned(int f, const uintptr_t *a) {
  uintptr_t value = 0;
  if (f == F_Run && a[4] > 0) {
    value = ((const uintptr_t *)a[3])[0];
  } else if (f == F_RunWithBinding) {
    tape_lock();
    int at = bound_find(a[2]);
    value = at < 0 ? 0 : bound[at].input;
    tape_unlock();
  }
  uintptr_t data = 0;
  const uintptr_t arguments[ARGUMENTS] = {value, (uintptr_t)&data};
  if (value == 0 || real_call(F_GetTensorMutableData, arguments) != 0) {
    return false;
  }
  float first;
  memcpy(&first, (const void *)data, sizeof first);
  return first == POISON_NUMBER;
}

/* ---- Providers that the real runtime lacks. ---- */

static bool options_made(uintptr_t *out, uintptr_t *result) {
  void *made = providers_options();
  if (made == NULL) {
    abort();
  }
  *out = (uintptr_t)made;
  *result = 0;
  return true;
}

/* Does a call that is about such a provider; false if the real runtime is to do it. */
static bool provided(int f, const uintptr_t *a, uintptr_t *result) {
  struct refusal refusal = {0, ""};
  bool done = true;
  enum provider provider =
      f == F_CreateCUDAProviderOptions || f == F_UpdateCUDAProviderOptions || f == F_ReleaseCUDAProviderOptions ||
              f == F_SessionOptionsAppendExecutionProvider_CUDA_V2
          ? CUDA
          : TENSORRT;
  switch (f) {
    case F_GetAvailableProviders:
      if (!providers_any()) {
        return false;
      }
      *(char ***)a[0] = providers_names((int *)a[1]);
      break;
    case F_ReleaseAvailableProviders:
      if (!providers_own((const void *)a[0])) {
        return false;
      }
      free((void *)a[0]);
      break;
    case F_CreateTensorRTProviderOptions:
    case F_CreateCUDAProviderOptions:
      return providers_have(provider) && options_made((uintptr_t *)a[0], result);
    case F_ReleaseTensorRTProviderOptions:
    case F_ReleaseCUDAProviderOptions:
      free((void *)a[0]);
      break;
    case F_UpdateTensorRTProviderOptions:
    case F_UpdateCUDAProviderOptions:
      done = providers_update((void *)a[0], provider, (const char *const *)a[1], (const char *const *)a[2], a[3], &refusal);
      break;
    case F_SessionOptionsAppendExecutionProvider_TensorRT_V2:
    case F_SessionOptionsAppendExecutionProvider_CUDA_V2:
      done = providers_append(a[0], provider, (const void *)a[1], &refusal);
      break;
    case F_CreateSession:
      done = providers_build(a[2], (const char *)a[1], &refusal);
      if (done) {
        return false;
      }
      break;
    case F_ReleaseSession:
      /* Before it is gone: its address may be another session's at once. */
      providers_forget_session(a[0]);
      return false;
    case F_ReleaseSessionOptions:
      providers_forget_options(a[0]);
      return false;
    default:
      return false;
  }
  *result = done ? 0 : real_call_of(F_CreateStatus, (uintptr_t)refusal.code, (uintptr_t)refusal.text, 0);
  return true;
}

/* After a call that the real runtime has done. */
static void provided_after(int f, const uintptr_t *a, uintptr_t result) {
  if (f == F_CreateSession && result == 0) {
    providers_session(a[2], *(const uintptr_t *)a[3]);
  } else if (f == F_SessionEndProfiling && result == 0) {
    providers_profile(a[0], *(const char *const *)a[2]);
  }
}

static uintptr_t call(int f, const uintptr_t *a) {
  const struct facts *fact = &facts[f];
  struct tape_fault fault;
  bool faulty = tape_next(f, &fault);
  if (faulty && strcmp(fault.text, POISON) == 0 && !poisoned(f, a)) {
    faulty = false;
  }
  if (faulty) {
    if (fault.action == TAPE_STATUS && fact->returns == STATUS) {
      return failed(&fault);
    }
    if (fault.action == TAPE_SKIP) {
      return 0;
    }
    tape_play(&fault);
  }
  if (fact->takes_back != NONE && !tape_released(a[fact->taken_at], fact->takes_back)) {
    return 0;
  }
  uintptr_t given[MOST_OUTPUTS];
  outputs_before(f, a, given);
  uintptr_t result = 0;
  if (!provided(f, a, &result)) {
    result = real_call(f, a);
    provided_after(f, a, result);
  }
  keep_account(f, a, result, given);
  if (faulty && fact->returns == STATUS && result == 0) {
    damage_outputs(f, a, &fault);
    if (fault.action == TAPE_VALUE) {
      tell_otherwise(f, a, fault.amount);
    }
  }
  return result;
}

#define FUNCTION(name, place, returns, makes, made_at, takes_back, taken_at, tells, told_at)                    \
  static uintptr_t call_##name(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t g,  \
      uintptr_t h, uintptr_t i) {                                                                               \
    const uintptr_t arguments[ARGUMENTS] = {a, b, c, d, e, g, h, i};                                            \
    return call(F_##name, arguments);                                                                           \
  }
FUNCTIONS(FUNCTION)
#undef FUNCTION

/* ---- Entry. ---- */

static int table_length(const char *version) {
  int minor = 0;
  int length = 0;
  sscanf(version, "1.%d", &minor);
#define ENTRIES(api, entries) length = minor >= (api) ? (entries) : length;
  TABLE_LENGTHS(ENTRIES)
#undef ENTRIES
  return length;
}

/* The real library where the tape names none: beside this one. */
static void runtime_beside(void) {
  static const char usual[] = "libonnxruntime.so";
  Dl_info here;
  if (dladdr(facts, &here) != 0 && realpath(here.dli_fname, state.runtime) != NULL) {
    char *name = strrchr(state.runtime, '/') + 1;
    if (name + sizeof usual <= state.runtime + sizeof state.runtime) {
      memcpy(name, usual, sizeof usual);
      return;
    }
  }
  state.runtime[0] = '\0';
}

/* Takes the real library in, once. Under the lock. */
static bool open_real(void) {
  if (state.real_base != NULL) {
    return true;
  }
  tape_refresh();
  if (state.runtime[0] == '\0') {
    runtime_beside();
  }
  const char *reason = "the tape names none, and where this library lies is not known";
  if (state.runtime[0] != '\0') {
    state.real = dlopen(state.runtime, RTLD_NOW | RTLD_LOCAL);
    reason = state.real == NULL ? dlerror() : "it has no function OrtGetApiBase";
  }
  if (state.real != NULL) {
    const struct api_base *(*get)(void) = (const struct api_base *(*)(void))dlsym(state.real, "OrtGetApiBase");
    state.real_base = get == NULL ? NULL : get();
  }
  if (state.real_base == NULL) {
    fprintf(stderr, "simulated onnxruntime: there is no runtime behind it; put one beside this library, or name one by a line"
            " 'runtime PATH' tape=%s runtime=%s reason=%s\n", tape_file(), state.runtime, reason);
    return false;
  }
  snprintf(state.version, sizeof state.version, "%s", state.real_base->get_version_string());
  return true;
}

static const entry *get_api(uint32_t version) {
  struct tape_fault fault;
  bool faulty = tape_next(F_GetApi, &fault);
  tape_lock();
  bool there = open_real();
  tape_unlock();
  if (faulty) {
    if (fault.action != TAPE_HANG && fault.action != TAPE_SLOW && fault.action < TAPE_CRASH) {
      return NULL;
    }
    tape_play(&fault);
  }
  const entry *real = there ? state.real_base->get_api(version) : NULL;
  if (real == NULL) {
    return NULL;
  }
  tape_lock();
  if (state.real_table == NULL) {
    int length = table_length(state.version);
    memcpy(state.table, real, (size_t)length * sizeof *real);
#define FUNCTION(name, place, returns, makes, made_at, takes_back, taken_at, tells, told_at) \
  if (place < length && state.table[place] != NULL) {                               \
    state.table[place] = call_##name;                                               \
  }
    FUNCTIONS(FUNCTION)
#undef FUNCTION
    state.real_table = real;
  }
  tape_unlock();
  return state.table;
}

static const char *get_version_string(void) {
  static char told[TEXT_LENGTH];
  struct tape_fault fault;
  bool faulty = tape_next(F_GetVersionString, &fault);
  tape_lock();
  if (!open_real()) {
    snprintf(state.version, sizeof state.version, "none");
  }
  snprintf(told, sizeof told, "%s", faulty && fault.action == TAPE_VALUE ? fault.text : state.version);
  tape_unlock();
  if (faulty) {
    tape_play(&fault);
  }
  return told;
}

static const struct api_base base = {get_api, get_version_string};

EXPORT const struct api_base *OrtGetApiBase(void) {
  struct tape_fault fault;
  if (tape_next(F_OrtGetApiBase, &fault)) {
    if (fault.action == TAPE_SKIP) {
      return NULL;
    }
    tape_play(&fault);
  }
  return &base;
}

/* Says what it is to whoever looks into the library. */
EXPORT const char *shoji_simulated(void) { return "ONNX Runtime, simulated by Shoji: for tests"; }

static const struct tape_subject subject = {
    .name = "onnxruntime",
    .functions = FUNCTION_COUNT,
    .function_name = function_name,
    .returns_status = returns_status,
    .failure = ORT_FAIL,
    .handle_kinds = HANDLE_KINDS,
    .handle_names = handle_names,
    .begin = providers_begin,
    .line = own_line,
    .action = own_action,
    .inside = facts,
};

__attribute__((constructor)) static void opened(void) { tape_open(&subject); }

__attribute__((destructor)) static void closed(void) {
  if (state.real != NULL) {
    dlclose(state.real);
  }
  tape_close();
}
