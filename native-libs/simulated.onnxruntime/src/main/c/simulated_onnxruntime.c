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
 * Threads: any number of calls at once. One lock guards tape, record and handles; it is never held during a real call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "onnxruntime_facts.h"

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
enum { RESULT = -1, ARGUMENTS = 8, MOST_ENTRIES = 425 };
enum function {
#define FUNCTION(name, place, returns, makes, made_at, takes_back, taken_at, tells, told_at) F_##name,
  FUNCTIONS(FUNCTION)
#undef FUNCTION
  F_OrtGetApiBase,
  F_GetApi,
  F_GetVersionString,
  FUNCTION_COUNT,
  F_ANY = FUNCTION_COUNT
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

enum action { FAIL_STATUS, HANG, SLOW, SKIP, VALUE, NOT_A_NUMBER, NOISE, FLIP, SWAP, CRASH, ABORT };

enum { MOST_RULES = 64, TEXT_LENGTH = 256, MOST_THREADS = 8, TAPE_BYTES = 64 * 1024 };

struct rule {
  int function;
  bool onwards;
  unsigned long number;
  unsigned long seen;
  enum action action;
  double amount;
  char text[TEXT_LENGTH];
};

static struct {
  pthread_mutex_t lock;
  char library[PATH_MAX];
  char tape[PATH_MAX];
  char tape_text[TAPE_BYTES];
  struct timespec tape_changed;
  off_t tape_size;
  ino_t tape_inode;
  unsigned long tape_serial;
  struct rule rules[MOST_RULES];
  int rule_count;
  char threads[MOST_THREADS][16];
  int thread_count;
  bool trace;
  int trace_file;
  char runtime[PATH_MAX];
  void *real;
  const struct api_base *real_base;
  const entry *real_table;
  entry table[MOST_ENTRIES];
  char version[TEXT_LENGTH];
  unsigned long calls;
  uint64_t random;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .trace_file = -1, .random = 0x9E3779B97F4A7C15u};

/* ---- Record: a text file of lines of one length, mapped, so that it outlives a crash. ---- */

enum { LINE = 96, RECORD_LINES = FUNCTION_COUNT + HANDLE_KINDS };

static struct {
  char *lines;
  unsigned long calls[FUNCTION_COUNT];
  unsigned long faults[FUNCTION_COUNT];
  unsigned long made[HANDLE_KINDS];
  unsigned long released[HANDLE_KINDS];
  unsigned long twice[HANDLE_KINDS];
  unsigned long unknown[HANDLE_KINDS];
} record;

static void record_line(int line, const char *format, ...) {
  if (record.lines == NULL) {
    return;
  }
  char text[LINE + 1];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length >= LINE) {
    length = LINE - 1;
  }
  memset(text + length, ' ', (size_t)(LINE - 1 - length));
  text[LINE - 1] = '\n';
  memcpy(record.lines + (size_t)line * LINE, text, LINE);
}

static void record_function(int f) {
  record_line(f, "call %s count=%lu faults=%lu", facts[f].name, record.calls[f], record.faults[f]);
}

static void record_handle(int kind) {
  record_line(FUNCTION_COUNT + kind, "handle %s made=%lu released=%lu open=%ld twice=%lu unknown=%lu",
      handle_names[kind], record.made[kind], record.released[kind],
      (long)(record.made[kind] - record.released[kind]), record.twice[kind], record.unknown[kind]);
}

static void record_open(void) {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s.record", state.library);
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) {
    return;
  }
  size_t size = (size_t)RECORD_LINES * LINE;
  if (ftruncate(file, (off_t)size) == 0) {
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) {
      record.lines = mapped;
    }
  }
  close(file);
  for (int f = 0; f < FUNCTION_COUNT; f++) {
    record_function(f);
  }
  for (int kind = 0; kind < HANDLE_KINDS; kind++) {
    record_handle(kind);
  }
}

/* ---- Handles: how often each address is open, by open addressing. Entries stay, so that a second release is known. ---- */

struct slot {
  uintptr_t address;
  int kind;
  unsigned open;
};

static struct {
  struct slot *slots;
  size_t size;
  size_t used;
} handles;

static struct slot *handle_slot(uintptr_t address, int kind) {
  size_t at = (size_t)((address >> 3) * 0x9E3779B97F4A7C15u + (unsigned)kind) & (handles.size - 1);
  while (handles.slots[at].address != 0 && (handles.slots[at].address != address || handles.slots[at].kind != kind)) {
    at = (at + 1) & (handles.size - 1);
  }
  return &handles.slots[at];
}

static bool handles_grow(void) {
  struct slot *old = handles.slots;
  size_t old_size = handles.size;
  size_t size = old_size == 0 ? 4096 : 2 * old_size;
  struct slot *slots = calloc(size, sizeof *slots);
  if (slots == NULL) {
    return false;
  }
  handles.slots = slots;
  handles.size = size;
  for (size_t i = 0; i < old_size; i++) {
    if (old[i].address != 0) {
      *handle_slot(old[i].address, old[i].kind) = old[i];
    }
  }
  free(old);
  return true;
}

static void handle_made(uintptr_t address, int kind) {
  if (address == 0 || (2 * handles.used >= handles.size && !handles_grow())) {
    return;
  }
  struct slot *slot = handle_slot(address, kind);
  if (slot->address == 0) {
    slot->address = address;
    slot->kind = kind;
    handles.used++;
  }
  slot->open++;
  record.made[kind]++;
  record_handle(kind);
}

/*
 * Whether the release may go on to the real library: not if that object was released before. What was never seen to be made
 * comes from a function that is not listed.
 */
static bool handle_released(uintptr_t address, int kind) {
  if (address == 0) {
    return true;
  }
  struct slot *slot = handles.size == 0 ? NULL : handle_slot(address, kind);
  bool known = slot != NULL && slot->address != 0;
  bool twice = known && slot->open == 0;
  if (twice) {
    record.twice[kind]++;
  } else if (known) {
    slot->open--;
    record.released[kind]++;
  } else {
    record.unknown[kind]++;
  }
  record_handle(kind);
  return !twice;
}

/* ---- Outputs that are bound: what RunWithBinding will write. ---- */

enum { MOST_BINDINGS = 256, MOST_OUTPUTS = 16 };

static struct {
  uintptr_t binding;
  uintptr_t values[MOST_OUTPUTS];
  int count;
} bound[MOST_BINDINGS];

static int bound_find(uintptr_t binding) {
  for (int i = 0; i < MOST_BINDINGS; i++) {
    if (bound[i].binding == binding) {
      return i;
    }
  }
  return -1;
}

static void bound_add(uintptr_t binding, uintptr_t value) {
  int at = bound_find(binding);
  if (at < 0) {
    at = bound_find(0);
    if (at < 0) {
      return;
    }
    bound[at].binding = binding;
    bound[at].count = 0;
  }
  if (bound[at].count < MOST_OUTPUTS) {
    bound[at].values[bound[at].count++] = value;
  }
}

static void bound_forget(uintptr_t binding) {
  int at = bound_find(binding);
  if (at >= 0) {
    bound[at].binding = 0;
  }
}

/* ---- Tape. ---- */

static int function_named(const char *name) {
  if (strcmp(name, "*") == 0) {
    return F_ANY;
  }
  for (int f = 0; f < FUNCTION_COUNT; f++) {
    if (strcmp(name, facts[f].name) == 0) {
      return f;
    }
  }
  return -1;
}

static void complain(const char *what, const char *line) {
  fprintf(stderr, "simulated onnxruntime: %s; the line is left out tape=%s line=%s\n", what, state.tape, line);
}

static void tape_rule(const char *line, bool onwards, const char *rest) {
  if (state.rule_count == MOST_RULES) {
    complain("too many rules", line);
    return;
  }
  struct rule rule = {.onwards = onwards};
  char name[64];
  char action[16];
  int read = 0;
  if (sscanf(rest, "%63s %lu %15s%n", name, &rule.number, action, &read) != 3 || rule.number == 0) {
    complain("a rule is FUNCTION NUMBER ACTION, the number from 1", line);
    return;
  }
  rest += read;
  rest += strspn(rest, " ");
  rule.function = function_named(name);
  if (rule.function < 0) {
    complain("no such function", line);
    return;
  }
  static const char *const actions[] = {
      "status", "hang", "slow", "skip", "value", "nan", "noise", "flip", "swap", "crash", "abort"};
  int found = -1;
  for (int i = 0; i < (int)(sizeof actions / sizeof *actions); i++) {
    found = strcmp(action, actions[i]) == 0 ? i : found;
  }
  if (strcmp(action, "memory") == 0) {
    /* The words that the real runtime uses: it has no code for this. */
    rule.action = FAIL_STATUS;
    rule.amount = ORT_RUNTIME_EXCEPTION;
    snprintf(rule.text, sizeof rule.text, "Failed to allocate memory for requested buffer of size 1073741824");
  } else if (found < 0) {
    complain("no such action", line);
    return;
  } else {
    rule.action = (enum action)found;
    char *end = (char *)rest;
    rule.amount = strtod(rest, &end);
    if (rule.action == FAIL_STATUS) {
      if (end == rest) {
        rule.amount = ORT_FAIL;
      }
      rest = end + strspn(end, " ");
      snprintf(rule.text, sizeof rule.text, "%s", *rest == '\0' ? "as the tape says" : rest);
    } else {
      snprintf(rule.text, sizeof rule.text, "%s", rest);
    }
  }
  if (rule.action == FAIL_STATUS && rule.function != F_ANY && facts[rule.function].returns != STATUS) {
    complain("this function returns no status", line);
    return;
  }
  state.rules[state.rule_count++] = rule;
}

static void tape_line(char *line) {
  line += strspn(line, " \t");
  size_t length = strlen(line);
  while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) {
    line[--length] = '\0';
  }
  if (*line == '\0' || *line == '#') {
    return;
  }
  if (strncmp(line, "runtime ", 8) == 0) {
    snprintf(state.runtime, sizeof state.runtime, "%s", line + 8);
  } else if (strncmp(line, "at ", 3) == 0) {
    tape_rule(line, false, line + 3);
  } else if (strncmp(line, "from ", 5) == 0) {
    tape_rule(line, true, line + 5);
  } else if (strncmp(line, "thread ", 7) == 0) {
    if (state.thread_count < MOST_THREADS) {
      snprintf(state.threads[state.thread_count++], sizeof state.threads[0], "%s", line + 7);
    } else {
      complain("too many threads", line);
    }
  } else if (strcmp(line, "trace") == 0) {
    state.trace = true;
  } else {
    complain("not understood", line);
  }
}

/*
 * Reads the tape if it is another than before. Times of files are coarse, so that one which has just been written is read
 * and compared whatever its time says.
 */
static void tape_refresh(void) {
  struct stat now;
  struct timespec clock;
  if (stat(state.tape, &now) != 0) {
    return;
  }
  clock_gettime(CLOCK_REALTIME, &clock);
  bool same = now.st_ino == state.tape_inode && now.st_size == state.tape_size &&
              now.st_mtim.tv_sec == state.tape_changed.tv_sec && now.st_mtim.tv_nsec == state.tape_changed.tv_nsec;
  double age = (double)(clock.tv_sec - now.st_mtim.tv_sec) + 1e-9 * (double)(clock.tv_nsec - now.st_mtim.tv_nsec);
  if (same && state.tape_serial > 0 && (age > 0.1 || age < -0.1)) {
    return;
  }
  static char text[TAPE_BYTES];
  int file = open(state.tape, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return;
  }
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length < 0) {
    return;
  }
  text[length] = '\0';
  state.tape_inode = now.st_ino;
  state.tape_size = now.st_size;
  state.tape_changed = now.st_mtim;
  if (state.tape_serial > 0 && strcmp(text, state.tape_text) == 0) {
    return;
  }
  memcpy(state.tape_text, text, (size_t)length + 1);
  state.tape_serial++;
  state.rule_count = 0;
  state.thread_count = 0;
  state.trace = false;
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    tape_line(line);
  }
}

static bool thread_counts(void) {
  if (state.thread_count == 0) {
    return true;
  }
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  for (int i = 0; i < state.thread_count; i++) {
    if (strncmp(name, state.threads[i], strlen(state.threads[i])) == 0) {
      return true;
    }
  }
  return false;
}

static void trace_call(int f) {
  if (state.trace_file < 0) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s.trace", state.library);
    state.trace_file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  }
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  if (state.trace_file >= 0) {
    dprintf(state.trace_file, "%lu %s %s\n", state.calls, facts[f].name, name);
  }
}

/* What the tape has for this call. */
static bool next_fault(int f, struct rule *fault, unsigned long *serial) {
  bool found = false;
  tape_refresh();
  *serial = state.tape_serial;
  record.calls[f]++;
  state.calls++;
  bool counts = thread_counts();
  if (state.trace && counts) {
    trace_call(f);
  }
  for (int i = 0; i < state.rule_count && counts; i++) {
    struct rule *rule = &state.rules[i];
    if (rule->function != f && rule->function != F_ANY) {
      continue;
    }
    rule->seen++;
    if (!found && (rule->seen == rule->number || (rule->onwards && rule->seen > rule->number))) {
      *fault = *rule;
      found = true;
    }
  }
  if (found) {
    record.faults[f]++;
  }
  record_function(f);
  return found;
}

/* ---- Faults. ---- */

static void pause_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
  while (nanosleep(&time, &time) != 0) {
  }
}

/* Until another tape is there, or for so long if that is more than 0 ms. */
static void hang(unsigned long serial, double ms) {
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (true) {
    pause_ms(1);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double waited = 1e3 * (double)(now.tv_sec - start.tv_sec) + 1e-6 * (double)(now.tv_nsec - start.tv_nsec);
    pthread_mutex_lock(&state.lock);
    tape_refresh();
    bool over = state.tape_serial != serial;
    pthread_mutex_unlock(&state.lock);
    if (over || (ms > 0 && waited >= ms)) {
      return;
    }
  }
}

static uintptr_t real_call(int f, const uintptr_t *a) {
  return state.real_table[facts[f].place](a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
}

static uintptr_t real_call_of(int f, uintptr_t first, uintptr_t second, uintptr_t third) {
  uintptr_t arguments[ARGUMENTS] = {first, second, third};
  return real_call(f, arguments);
}

static uintptr_t failed(const struct rule *fault) {
  uintptr_t status = real_call_of(F_CreateStatus, (uintptr_t)(int)fault->amount, (uintptr_t)fault->text, 0);
  pthread_mutex_lock(&state.lock);
  handle_made(status, Status);
  pthread_mutex_unlock(&state.lock);
  return status;
}

static double noise(void) {
  /* Xorshift64, Marsaglia, Journal of Statistical Software 8(14), 2003: the same on every run. */
  pthread_mutex_lock(&state.lock);
  state.random ^= state.random << 13;
  state.random ^= state.random >> 7;
  state.random ^= state.random << 17;
  double value = (double)(state.random >> 11) / 4503599627370496.0 - 1;
  pthread_mutex_unlock(&state.lock);
  return value;
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

static void damage(uintptr_t value, const struct rule *fault) {
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
      case NOT_A_NUMBER:
        set_element(at, type, NAN);
        break;
      case VALUE:
        set_element(at, type, fault->amount);
        break;
      case NOISE:
        if (type == ELEMENT_FLOAT) {
          float number;
          memcpy(&number, at, sizeof number);
          set_element(at, type, (double)number + fault->amount * noise());
        } else {
          *at = (unsigned char)(*at + (int)(fault->amount * noise()));
        }
        break;
      case FLIP: {
        size_t bit = (size_t)fault->amount % (8 * bytes);
        at[bit / 8] ^= (unsigned char)(1u << bit % 8);
        break;
      }
      default:
        break;
    }
  }
  if (fault->action == SWAP) {
    for (size_t i = 0; i < count / 2; i++) {
      unsigned char kept[16];
      unsigned char *other = data + (count - 1 - i) * bytes;
      memcpy(kept, data + i * bytes, bytes);
      memcpy(data + i * bytes, other, bytes);
      memcpy(other, kept, bytes);
    }
  }
}

static void damage_outputs(int f, const uintptr_t *a, const struct rule *fault) {
  if (f == F_Run) {
    const uintptr_t *outputs = (const uintptr_t *)a[7];
    for (size_t i = 0; i < a[6]; i++) {
      damage(outputs[i], fault);
    }
  } else if (f == F_RunWithBinding) {
    uintptr_t values[MOST_OUTPUTS];
    int count = 0;
    pthread_mutex_lock(&state.lock);
    int at = bound_find(a[2]);
    if (at >= 0) {
      count = bound[at].count;
      memcpy(values, bound[at].values, sizeof values);
    }
    pthread_mutex_unlock(&state.lock);
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
  pthread_mutex_lock(&state.lock);
  if (fact->returns == STATUS && result != 0) {
    handle_made(result, Status);
  } else if (f == F_Run) {
    const uintptr_t *outputs = (const uintptr_t *)a[7];
    for (size_t i = 0; i < a[6] && i < MOST_OUTPUTS; i++) {
      handle_made(given[i] == 0 ? outputs[i] : 0, Value);
    }
  } else if (fact->makes != NONE) {
    handle_made(fact->made_at == RESULT ? result : *(const uintptr_t *)a[fact->made_at], fact->makes);
  }
  if (f == F_BindOutput && result == 0) {
    bound_add(a[0], a[2]);
  } else if (f == F_ReleaseIoBinding || f == F_ClearBoundOutputs) {
    bound_forget(a[0]);
  }
  pthread_mutex_unlock(&state.lock);
}

static uintptr_t call(int f, const uintptr_t *a) {
  const struct facts *fact = &facts[f];
  struct rule fault = {.function = -1};
  unsigned long serial = 0;
  pthread_mutex_lock(&state.lock);
  bool faulty = next_fault(f, &fault, &serial);
  pthread_mutex_unlock(&state.lock);
  if (faulty) {
    switch (fault.action) {
      case FAIL_STATUS:
        if (fact->returns == STATUS) {
          return failed(&fault);
        }
        break;
      case HANG:
        hang(serial, fault.amount);
        break;
      case SLOW:
        pause_ms((long)fault.amount);
        break;
      case SKIP:
        return 0;
      case CRASH:
        *(volatile int *)NULL = 0;
        break;
      case ABORT:
        abort();
      default:
        break;
    }
  }
  if (fact->takes_back != NONE) {
    pthread_mutex_lock(&state.lock);
    bool known = handle_released(a[fact->taken_at], fact->takes_back);
    pthread_mutex_unlock(&state.lock);
    if (!known) {
      return 0;
    }
  }
  uintptr_t given[MOST_OUTPUTS];
  outputs_before(f, a, given);
  uintptr_t result = real_call(f, a);
  keep_account(f, a, result, given);
  if (faulty && fact->returns == STATUS && result == 0) {
    damage_outputs(f, a, &fault);
    if (fault.action == VALUE) {
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

/* Takes the real library in, once. Under the lock. */
static bool open_real(void) {
  if (state.real_base != NULL) {
    return true;
  }
  tape_refresh();
  const char *reason = "the tape names none";
  if (state.runtime[0] != '\0') {
    state.real = dlopen(state.runtime, RTLD_NOW | RTLD_LOCAL);
    reason = state.real == NULL ? dlerror() : "it has no function OrtGetApiBase";
  }
  if (state.real != NULL) {
    const struct api_base *(*get)(void) = (const struct api_base *(*)(void))dlsym(state.real, "OrtGetApiBase");
    state.real_base = get == NULL ? NULL : get();
  }
  if (state.real_base == NULL) {
    fprintf(stderr, "simulated onnxruntime: there is no runtime behind it; name one by a line 'runtime PATH' tape=%s"
            " runtime=%s reason=%s\n", state.tape, state.runtime, reason);
    return false;
  }
  snprintf(state.version, sizeof state.version, "%s", state.real_base->get_version_string());
  return true;
}

static const entry *get_api(uint32_t version) {
  struct rule fault = {.function = -1};
  unsigned long serial = 0;
  pthread_mutex_lock(&state.lock);
  bool faulty = next_fault(F_GetApi, &fault, &serial);
  bool there = open_real();
  pthread_mutex_unlock(&state.lock);
  if (faulty && (fault.action == HANG || fault.action == SLOW)) {
    hang(serial, fault.amount);
  } else if (faulty && fault.action == CRASH) {
    *(volatile int *)NULL = 0;
  } else if (faulty && fault.action == ABORT) {
    abort();
  } else if (faulty) {
    return NULL;
  }
  const entry *real = there ? state.real_base->get_api(version) : NULL;
  if (real == NULL) {
    return NULL;
  }
  pthread_mutex_lock(&state.lock);
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
  pthread_mutex_unlock(&state.lock);
  return state.table;
}

static const char *get_version_string(void) {
  static char told[TEXT_LENGTH];
  struct rule fault = {.function = -1};
  unsigned long serial = 0;
  pthread_mutex_lock(&state.lock);
  bool faulty = next_fault(F_GetVersionString, &fault, &serial);
  if (!open_real()) {
    snprintf(state.version, sizeof state.version, "none");
  }
  snprintf(told, sizeof told, "%s", faulty && fault.action == VALUE ? fault.text : state.version);
  pthread_mutex_unlock(&state.lock);
  if (faulty && (fault.action == HANG || fault.action == SLOW)) {
    hang(serial, fault.amount);
  }
  return told;
}

static const struct api_base base = {get_api, get_version_string};

EXPORT const struct api_base *OrtGetApiBase(void) {
  struct rule fault = {.function = -1};
  unsigned long serial = 0;
  pthread_mutex_lock(&state.lock);
  bool faulty = next_fault(F_OrtGetApiBase, &fault, &serial);
  pthread_mutex_unlock(&state.lock);
  if (faulty && (fault.action == HANG || fault.action == SLOW)) {
    hang(serial, fault.amount);
  }
  return &base;
}

/* Says what it is to whoever looks into the library. */
EXPORT const char *shoji_simulated(void) { return "ONNX Runtime, simulated by Shoji: for tests"; }

__attribute__((constructor)) static void opened(void) {
  Dl_info here;
  if (dladdr((const void *)OrtGetApiBase, &here) == 0 || realpath(here.dli_fname, state.library) == NULL) {
    snprintf(state.library, sizeof state.library, "simulated_onnxruntime");
  }
  const char *named = getenv("SHOJI_SIMULATED_TAPE");
  if (named != NULL) {
    snprintf(state.tape, sizeof state.tape, "%s", named);
  } else {
    snprintf(state.tape, sizeof state.tape, "%.*s.tape", PATH_MAX - 8, state.library);
  }
  record_open();
}

__attribute__((destructor)) static void closed(void) {
  if (state.real != NULL) {
    dlclose(state.real);
  }
  if (state.trace_file >= 0) {
    close(state.trace_file);
  }
  if (record.lines != NULL) {
    munmap(record.lines, (size_t)RECORD_LINES * LINE);
  }
  free(handles.slots);
}
