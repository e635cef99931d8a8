/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */

#define _GNU_SOURCE
#include "tape.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST_RULES = 64, MOST_THREADS = 8, TAPE_BYTES = 64 * 1024 };
enum { MOST_FUNCTIONS = 256, MOST_KINDS = 32, LINE = 96 };

struct rule {
  int function;
  bool onwards;
  unsigned long number;
  unsigned long seen;
  struct tape_fault fault;
};

static struct {
  pthread_mutex_t lock;
  const struct tape_subject *subject;
  char library[PATH_MAX];
  char tape[PATH_MAX];
  char text[TAPE_BYTES];
  struct timespec changed;
  off_t size;
  ino_t inode;
  unsigned long serial;
  struct rule rules[MOST_RULES];
  int rule_count;
  char threads[MOST_THREADS][16];
  int thread_count;
  bool trace;
  bool strict;
  int trace_file;
  unsigned long calls;
  uint64_t random;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .trace_file = -1, .random = 0x9E3779B97F4A7C15u};

void tape_lock(void) { pthread_mutex_lock(&state.lock); }

void tape_unlock(void) { pthread_mutex_unlock(&state.lock); }

const char *tape_file(void) { return state.tape; }

/* ---- Record: a text file of lines of one length, mapped, so that it outlives a crash. ---- */

static struct {
  char *lines;
  size_t bytes;
  unsigned long calls[MOST_FUNCTIONS];
  unsigned long faults[MOST_FUNCTIONS];
  unsigned long made[MOST_KINDS];
  unsigned long released[MOST_KINDS];
  unsigned long twice[MOST_KINDS];
  unsigned long unknown[MOST_KINDS];
  unsigned long misuse[MOST_KINDS];
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
  record_line(f, "call %s count=%lu faults=%lu", state.subject->function_name(f), record.calls[f], record.faults[f]);
}

static void record_handle(int kind) {
  record_line(state.subject->functions + kind, "handle %s made=%lu released=%lu open=%ld twice=%lu unknown=%lu",
      state.subject->handle_names[kind], record.made[kind], record.released[kind],
      (long)(record.made[kind] - record.released[kind]), record.twice[kind], record.unknown[kind]);
}

static void record_misuse(int kind) {
  record_line(state.subject->functions + state.subject->handle_kinds + kind, "misuse %s count=%lu",
      state.subject->misuse_names[kind], record.misuse[kind]);
}

static void record_open(void) {
  char path[PATH_MAX + 16];
  char fresh[PATH_MAX + 48];
  snprintf(path, sizeof path, "%s.record", state.library);
  snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
  int file = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) {
    return;
  }
  const struct tape_subject *subject = state.subject;
  size_t size = (size_t)(subject->functions + subject->handle_kinds + subject->misuse_kinds) * LINE;
  if (ftruncate(file, (off_t)size) == 0) {
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) {
      record.lines = mapped;
      record.bytes = size;
    }
  }
  close(file);
  for (int f = 0; f < subject->functions; f++) {
    record_function(f);
  }
  for (int kind = 0; kind < subject->handle_kinds; kind++) {
    record_handle(kind);
  }
  for (int kind = 0; kind < subject->misuse_kinds; kind++) {
    record_misuse(kind);
  }
  /* Whole from the first moment. Another process may have the one before mapped: it keeps it, without a name. */
  if (rename(fresh, path) != 0) {
    unlink(fresh);
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

void tape_made(uintptr_t address, int kind) {
  tape_lock();
  if (address != 0 && (2 * handles.used < handles.size || handles_grow())) {
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
  tape_unlock();
}

bool tape_released(uintptr_t address, int kind) {
  if (address == 0) {
    return true;
  }
  tape_lock();
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
  tape_unlock();
  return !twice;
}

bool tape_is_open(uintptr_t address, int kind) {
  tape_lock();
  bool open = address != 0 && handles.size > 0 && handle_slot(address, kind)->open > 0;
  tape_unlock();
  return open;
}

long tape_open_count(int kind) {
  tape_lock();
  long count = (long)(record.made[kind] - record.released[kind]);
  tape_unlock();
  return count;
}

void tape_misuse(int kind, int function, const char *what) {
  tape_lock();
  record.misuse[kind]++;
  record_misuse(kind);
  bool strict = state.strict;
  tape_unlock();
  fprintf(stderr, "simulated %s: misuse=%s function=%s what=%s\n", state.subject->name, state.subject->misuse_names[kind],
      state.subject->function_name(function), what);
  if (strict) {
    abort();
  }
}

/* ---- Tape. ---- */

static int function_named(const char *name) {
  if (strcmp(name, "*") == 0) {
    return state.subject->functions;
  }
  for (int f = 0; f < state.subject->functions; f++) {
    if (strcmp(name, state.subject->function_name(f)) == 0) {
      return f;
    }
  }
  return -1;
}

static void complain(const char *what, const char *line) {
  fprintf(stderr, "simulated %s: %s; the line is left out tape=%s line=%s\n", state.subject->name, what, state.tape, line);
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
      "status", "hang", "slow", "skip", "value", "nan", "noise", "flip", "swap", "crash", "abort",
      "kill", "exit", "devour", "descriptors"};
  int found = -1;
  for (int i = 0; i < (int)(sizeof actions / sizeof *actions); i++) {
    found = strcmp(action, actions[i]) == 0 ? i : found;
  }
  if (found >= 0) {
    rule.fault.action = (enum tape_action)found;
    char *end = (char *)rest;
    rule.fault.amount = strtod(rest, &end);
    if (rule.fault.action == TAPE_STATUS) {
      if (end == rest) {
        rule.fault.amount = state.subject->failure;
      }
      rest = end + strspn(end, " ");
      snprintf(rule.fault.text, sizeof rule.fault.text, "%s", *rest == '\0' ? "as the tape says" : rest);
    } else {
      snprintf(rule.fault.text, sizeof rule.fault.text, "%s", rest);
    }
  } else if (state.subject->action == NULL || !state.subject->action(action, &rule.fault)) {
    complain("no such action", line);
    return;
  }
  if (rule.fault.action == TAPE_STATUS && rule.function != state.subject->functions &&
      !state.subject->returns_status(rule.function)) {
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
  if (strncmp(line, "at ", 3) == 0) {
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
  } else if (strcmp(line, "strict") == 0) {
    state.strict = true;
  } else if (state.subject->line == NULL || !state.subject->line(line)) {
    complain("not understood", line);
  }
}

/*
 * Times of files are coarse, so that a tape which has just been written is read and compared whatever its time says.
 */
void tape_refresh(void) {
  struct stat now;
  struct timespec clock;
  if (stat(state.tape, &now) != 0) {
    return;
  }
  clock_gettime(CLOCK_REALTIME, &clock);
  bool same = now.st_ino == state.inode && now.st_size == state.size && now.st_mtim.tv_sec == state.changed.tv_sec &&
              now.st_mtim.tv_nsec == state.changed.tv_nsec;
  double age = (double)(clock.tv_sec - now.st_mtim.tv_sec) + 1e-9 * (double)(clock.tv_nsec - now.st_mtim.tv_nsec);
  if (same && state.serial > 0 && (age > 0.1 || age < -0.1)) {
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
  state.inode = now.st_ino;
  state.size = now.st_size;
  state.changed = now.st_mtim;
  if (state.serial > 0 && strcmp(text, state.text) == 0) {
    return;
  }
  memcpy(state.text, text, (size_t)length + 1);
  state.serial++;
  state.rule_count = 0;
  state.thread_count = 0;
  state.trace = false;
  state.strict = false;
  if (state.subject->begin != NULL) {
    state.subject->begin();
  }
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
    dprintf(state.trace_file, "%lu %s %s\n", state.calls, state.subject->function_name(f), name);
  }
}

bool tape_next(int f, struct tape_fault *fault) {
  bool found = false;
  tape_lock();
  tape_refresh();
  record.calls[f]++;
  state.calls++;
  bool counts = thread_counts();
  if (state.trace && counts) {
    trace_call(f);
  }
  for (int i = 0; i < state.rule_count && counts; i++) {
    struct rule *rule = &state.rules[i];
    if (rule->function != f && rule->function != state.subject->functions) {
      continue;
    }
    rule->seen++;
    if (!found && (rule->seen == rule->number || (rule->onwards && rule->seen > rule->number))) {
      *fault = rule->fault;
      found = true;
    }
  }
  fault->serial = state.serial;
  if (found) {
    record.faults[f]++;
  }
  record_function(f);
  tape_unlock();
  return found;
}

/* ---- Faults. ---- */

void tape_pause(double ms) {
  long whole = (long)ms;
  struct timespec time = {whole / 1000, whole % 1000 * 1000000L + (long)((ms - (double)whole) * 1e6)};
  while (nanosleep(&time, &time) != 0) {
  }
}

void tape_hang(unsigned long serial, double ms) {
  struct timespec start;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (true) {
    tape_pause(1);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double waited = 1e3 * (double)(now.tv_sec - start.tv_sec) + 1e-6 * (double)(now.tv_nsec - start.tv_nsec);
    tape_lock();
    tape_refresh();
    bool over = state.serial != serial;
    tape_unlock();
    if (over || (ms > 0 && waited >= ms)) {
      return;
    }
  }
}

/* Takes memory for good, MiB, and touches it; the limit of the process or of its group ends it, or the last allocation does. */
static void devour(double mebibytes) {
  for (double taken = 0; mebibytes <= 0 || taken < mebibytes; taken++) {
    void *piece = malloc(1 << 20);
    if (piece == NULL) {
      abort();
    }
    memset(piece, 1, 1 << 20);
  }
}

/* Opens files until the process may open no more; they stay open. */
static void use_up_descriptors(void) {
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
  }
}

void tape_play(const struct tape_fault *fault) {
  switch (fault->action) {
    case TAPE_HANG:
      tape_hang(fault->serial, fault->amount);
      break;
    case TAPE_SLOW:
      tape_pause(fault->amount);
      break;
    case TAPE_CRASH:
      *(volatile int *)NULL = 0;
      break;
    case TAPE_ABORT:
      abort();
    case TAPE_KILL:
      raise(SIGKILL);
      break;
    case TAPE_EXIT:
      _exit((int)fault->amount);
    case TAPE_DEVOUR:
      devour(fault->amount);
      break;
    case TAPE_DESCRIPTORS:
      use_up_descriptors();
      break;
    default:
      break;
  }
}

double tape_noise(void) {
  /* Xorshift64, Marsaglia, Journal of Statistical Software 8(14), 2003: the same on every run. */
  tape_lock();
  state.random ^= state.random << 13;
  state.random ^= state.random >> 7;
  state.random ^= state.random << 17;
  double value = (double)(state.random >> 11) / 4503599627370496.0 - 1;
  tape_unlock();
  return value;
}

/* ---- Opening and closing. ---- */

void tape_open(const struct tape_subject *subject) {
  Dl_info here;
  state.subject = subject;
  if (subject->functions > MOST_FUNCTIONS || subject->handle_kinds > MOST_KINDS || subject->misuse_kinds > MOST_KINDS) {
    fprintf(stderr, "simulated %s: the tables of tape.c are too small\n", subject->name);
    abort();
  }
  if (dladdr(subject->inside, &here) == 0 || realpath(here.dli_fname, state.library) == NULL) {
    snprintf(state.library, sizeof state.library, "simulated_%s", subject->name);
  }
  const char *named = getenv("SHOJI_SIMULATED_TAPE");
  if (named != NULL) {
    snprintf(state.tape, sizeof state.tape, "%s", named);
  } else {
    snprintf(state.tape, sizeof state.tape, "%.*s.tape", PATH_MAX - 8, state.library);
  }
  record_open();
}

void tape_close(void) {
  if (state.trace_file >= 0) {
    close(state.trace_file);
  }
  if (record.lines != NULL) {
    munmap(record.lines, record.bytes);
  }
  free(handles.slots);
}
