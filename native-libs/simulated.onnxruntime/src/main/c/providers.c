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
#include "providers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tape.h"

enum { ORT_FAIL = 1, ORT_INVALID_ARGUMENT = 2, ORT_EP_FAIL = 11 };
enum { MOST_OPTIONS = 24, TEXT = 128, VALUE = 1024, MOST_SESSIONS = 256, MOST_LEFT = 64, MOST_UNKNOWN = 8 };

static const char *const names[PROVIDERS] = {"TensorrtExecutionProvider", "CUDAExecutionProvider"};
static const char *const libraries[PROVIDERS] = {"libonnxruntime_providers_tensorrt.so", "libonnxruntime_providers_cuda.so"};
static const char CPU[] = "CPUExecutionProvider";
static const char ENGINE[] = "simulated TensorRT engine";

/* The keys that TensorRT's provider has had since the C API has them by key and value, and later ones. */
static const char *const tensorrt_keys[] = {"device_id", "trt_max_partition_iterations", "trt_min_subgraph_size",
    "trt_max_workspace_size", "trt_fp16_enable", "trt_int8_enable", "trt_int8_calibration_table_name",
    "trt_int8_use_native_calibration_table", "trt_dla_enable", "trt_dla_core", "trt_dump_subgraphs",
    "trt_engine_cache_enable", "trt_engine_cache_path", "trt_force_sequential_engine_build", "trt_timing_cache_enable",
    "trt_timing_cache_path", NULL};
static const char *const cuda_keys[] = {"device_id", "gpu_mem_limit", "arena_extend_strategy", "cudnn_conv_algo_search",
    "do_copy_in_default_stream", NULL};

struct options {
  int count;
  char keys[MOST_OPTIONS][TEXT];
  char values[MOST_OPTIONS][VALUE];
};

static struct {
  bool has[PROVIDERS];
  bool broken[PROVIDERS];
  double build_ms;
  bool build_fails;
  bool forgets;
  int left;
  char version[TEXT];
  char chip[TEXT];
  char unknown[MOST_UNKNOWN][TEXT];
  int unknown_count;
} tape;

/* What session options and sessions were given. */
static struct given {
  uintptr_t of;
  bool has[PROVIDERS];
  struct options tensorrt;
} given_options[MOST_SESSIONS], given_sessions[MOST_SESSIONS];

static char **listed;

void providers_begin(void) {
  memset(&tape, 0, sizeof tape);
  snprintf(tape.version, sizeof tape.version, "8.5.2");
  snprintf(tape.chip, sizeof tape.chip, "sm87");
}

bool providers_line(const char *line) {
  for (int p = 0; p < PROVIDERS; p++) {
    const char *word = p == TENSORRT ? "provider tensorrt" : "provider cuda";
    size_t length = strlen(word);
    if (strncmp(line, word, length) == 0 && (line[length] == '\0' || strcmp(line + length, " broken") == 0)) {
      tape.has[p] = true;
      tape.broken[p] = line[length] != '\0';
      return true;
    }
  }
  if (strcmp(line, "build fails") == 0) {
    tape.build_fails = true;
  } else if (strncmp(line, "build ", 6) == 0) {
    tape.build_ms = strtod(line + 6, NULL);
  } else if (strncmp(line, "left ", 5) == 0) {
    tape.left = (int)strtol(line + 5, NULL, 10);
  } else if (strcmp(line, "engine forgotten") == 0) {
    tape.forgets = true;
  } else if (strncmp(line, "tensorrt ", 9) == 0) {
    snprintf(tape.version, sizeof tape.version, "%.100s", line + 9);
  } else if (strncmp(line, "chip ", 5) == 0) {
    snprintf(tape.chip, sizeof tape.chip, "%.100s", line + 5);
  } else if (strncmp(line, "no option ", 10) == 0 && tape.unknown_count < MOST_UNKNOWN) {
    snprintf(tape.unknown[tape.unknown_count++], TEXT, "%.100s", line + 10);
  } else {
    return false;
  }
  return true;
}

bool providers_have(enum provider provider) {
  tape_lock();
  tape_refresh();
  bool has = tape.has[provider];
  tape_unlock();
  return has;
}

bool providers_any(void) { return providers_have(TENSORRT) || providers_have(CUDA); }

char **providers_names(int *count) {
  char **all = calloc(PROVIDERS + 1, sizeof *all);
  if (all == NULL) {
    abort();
  }
  int n = 0;
  tape_lock();
  for (int p = 0; p < PROVIDERS; p++) {
    if (tape.has[p]) {
      all[n++] = (char *)(uintptr_t)names[p];
    }
  }
  listed = all;
  tape_unlock();
  all[n++] = (char *)(uintptr_t)CPU;
  *count = n;
  return all;
}

bool providers_own(const void *array) {
  tape_lock();
  bool own = array != NULL && array == listed;
  listed = own ? NULL : listed;
  tape_unlock();
  return own;
}

void *providers_options(void) { return calloc(1, sizeof(struct options)); }

static bool refuse(struct refusal *refusal, int code, const char *text, const char *what) {
  refusal->code = code;
  snprintf(refusal->text, sizeof refusal->text, "%s%.300s", text, what);
  return false;
}

static const char *option(const struct options *options, const char *key) {
  for (int i = 0; i < options->count; i++) {
    if (strcmp(options->keys[i], key) == 0) {
      return options->values[i];
    }
  }
  return "";
}

static bool is_on(const struct options *options, const char *key) {
  const char *value = option(options, key);
  return strcmp(value, "1") == 0 || strcmp(value, "True") == 0 || strcmp(value, "true") == 0;
}

static bool known(enum provider provider, const char *key) {
  for (int i = 0; i < tape.unknown_count; i++) {
    if (strcmp(tape.unknown[i], key) == 0) {
      return false;
    }
  }
  for (const char *const *each = provider == TENSORRT ? tensorrt_keys : cuda_keys; *each != NULL; each++) {
    if (strcmp(*each, key) == 0) {
      return true;
    }
  }
  return false;
}

/* As the vendor's: a call puts what it does not name back to the default. */
bool providers_update(void *object, enum provider provider, const char *const *keys, const char *const *values,
    size_t count, struct refusal *refusal) {
  struct options *options = object;
  memset(options, 0, sizeof *options);
  for (size_t i = 0; i < count; i++) {
    tape_lock();
    bool is_known = known(provider, keys[i]);
    tape_unlock();
    if (!is_known) {
      return refuse(refusal, ORT_FAIL, "Unknown provider option: ", keys[i]);
    }
    if (options->count == MOST_OPTIONS || strlen(values[i]) >= VALUE) {
      return refuse(refusal, ORT_INVALID_ARGUMENT, "Too long for the simulation: ", keys[i]);
    }
    snprintf(options->keys[options->count], TEXT, "%.100s", keys[i]);
    memcpy(options->values[options->count++], values[i], strlen(values[i]) + 1);
  }
  return true;
}

static struct given *find(struct given *table, uintptr_t of) {
  for (int i = 0; i < MOST_SESSIONS; i++) {
    if (table[i].of == of) {
      return &table[i];
    }
  }
  return NULL;
}

bool providers_append(uintptr_t session_options, enum provider provider, const void *options, struct refusal *refusal) {
  bool done = true;
  tape_lock();
  if (tape.broken[provider]) {
    done = refuse(refusal, ORT_FAIL, "Failed to load shared library: ", libraries[provider]);
  } else {
    struct given *entry = find(given_options, session_options);
    entry = entry == NULL ? find(given_options, 0) : entry;
    if (entry == NULL) {
      done = refuse(refusal, ORT_FAIL, "Too many session options for the simulation", "");
    } else {
      entry->of = session_options;
      entry->has[provider] = true;
      if (provider == TENSORRT) {
        entry->tensorrt = *(const struct options *)options;
      }
    }
  }
  tape_unlock();
  return done;
}

static void forget(struct given *table, uintptr_t of) {
  tape_lock();
  struct given *entry = of == 0 ? NULL : find(table, of);
  if (entry != NULL) {
    memset(entry, 0, sizeof *entry);
  }
  tape_unlock();
}

void providers_forget_options(uintptr_t session_options) { forget(given_options, session_options); }

void providers_forget_session(uintptr_t session) { forget(given_sessions, session); }

void providers_session(uintptr_t session_options, uintptr_t session) {
  tape_lock();
  struct given *from = find(given_options, session_options);
  struct given *to = from == NULL ? NULL : find(given_sessions, 0);
  if (to != NULL) {
    *to = *from;
    to->of = session;
  }
  tape_unlock();
}

static uint64_t digest(const char *file) {
  /* FNV-1a. */
  uint64_t hash = 14695981039346656037u;
  FILE *in = fopen(file, "rbe");
  if (in == NULL) {
    return 0;
  }
  for (int byte = fgetc(in); byte != EOF; byte = fgetc(in)) {
    hash = (hash ^ (uint64_t)byte) * 1099511628211u;
  }
  fclose(in);
  return hash;
}

/* As the vendor's, nobody is told when a file cannot be written, and no two builds give the same. */
static void write_file(const char *path, const char *first, const char *second) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  FILE *out = fopen(path, "wbe");
  if (out != NULL) {
    fprintf(out, "%s\n%s\n%lld %ld\n", first, second, (long long)now.tv_sec, now.tv_nsec);
    fclose(out);
  }
}

bool providers_build(uintptr_t session_options, const char *model, struct refusal *refusal) {
  static const char NO_TABLE[] = "Failed to read INT8 calibration table ";
  static const char NO_ENGINE[] = "TensorRT EP could not deserialize engine from cache: ";
  tape_lock();
  tape_refresh();
  struct given *entry = find(given_options, session_options);
  bool wanted = entry != NULL && entry->has[TENSORRT];
  struct options *options = NULL;
  if (wanted) {
    options = malloc(sizeof *options);
    if (options == NULL) {
      abort();
    }
    *options = entry->tensorrt;
  }
  double build_ms = tape.build_ms;
  bool fails = tape.build_fails;
  bool forgets = tape.forgets;
  char version[TEXT];
  char chip[TEXT];
  memcpy(version, tape.version, sizeof version);
  memcpy(chip, tape.chip, sizeof chip);
  tape_unlock();
  if (!wanted || access(model, R_OK) != 0) {
    return true;
  }
  bool done = true;
  bool cached = is_on(options, "trt_engine_cache_enable");
  const char *folder = option(options, "trt_engine_cache_path");
  char path[VALUE + 4 * TEXT + 64];
  char expected[2 * TEXT];
  snprintf(expected, sizeof expected, "TensorRT %.100s %.100s", version, chip);
  const char *table = option(options, "trt_int8_calibration_table_name");
  snprintf(path, sizeof path, "%s/%.200s", folder, table);
  if (is_on(options, "trt_int8_enable") && *table != '\0' && access(path, R_OK) != 0) {
    done = refuse(refusal, ORT_EP_FAIL, NO_TABLE, path);
  } else {
    snprintf(path, sizeof path, "%s/TensorrtExecutionProvider_TRTKernel_graph_%llu_0_0%s%s_%.100s.engine", folder,
        (unsigned long long)digest(model), is_on(options, "trt_fp16_enable") ? "_fp16" : "",
        is_on(options, "trt_int8_enable") ? "_int8" : "", chip);
    char first[2 * TEXT] = "";
    char second[2 * TEXT] = "";
    FILE *in = cached && !forgets ? fopen(path, "rbe") : NULL;
    if (in != NULL) {
      bool whole = fgets(first, sizeof first, in) != NULL && fgets(second, sizeof second, in) != NULL;
      fclose(in);
      first[strcspn(first, "\n")] = '\0';
      second[strcspn(second, "\n")] = '\0';
      if (!whole || strcmp(first, ENGINE) != 0 || strcmp(second, expected) != 0) {
        done = refuse(refusal, ORT_EP_FAIL, NO_ENGINE, path);
      }
    } else {
      tape_pause(build_ms);
      if (fails) {
        done = refuse(refusal, ORT_EP_FAIL, "TensorRT EP failed to create engine from network.", "");
      } else if (cached) {
        write_file(path, ENGINE, expected);
        if (is_on(options, "trt_timing_cache_enable")) {
          const char *timing = option(options, "trt_timing_cache_path");
          snprintf(path, sizeof path, "%s/TensorrtExecutionProvider_cache_%.100s.timing", *timing == '\0' ? folder : timing,
              chip);
          write_file(path, "simulated timing cache", expected);
        }
      }
    }
  }
  free(options);
  return done;
}

/* Where a text begins and how long it is, of the first "KEY" : "TEXT" in a line; false without one. */
static bool text_of(const char *line, const char *key, const char **text, size_t *length) {
  const char *at = strstr(line, key);
  if (at == NULL) {
    return false;
  }
  at += strlen(key);
  at += strspn(at, " :");
  if (*at != '"') {
    return false;
  }
  *text = at + 1;
  *length = strcspn(at + 1, "\"");
  return true;
}

static bool stays(char left[MOST_LEFT][TEXT], int *count, int most, const char *name, size_t length) {
  static const char *const endings[] = {"_kernel_time", "_fence_before", "_fence_after", NULL};
  char node[TEXT];
  snprintf(node, sizeof node, "%.*s", (int)(length < TEXT - 1 ? length : TEXT - 1), name);
  for (const char *const *ending = endings; *ending != NULL; ending++) {
    char *at = strstr(node, *ending);
    if (at != NULL) {
      *at = '\0';
    }
  }
  for (int i = 0; i < *count; i++) {
    if (strcmp(left[i], node) == 0) {
      return true;
    }
  }
  if (*count < most && *count < MOST_LEFT) {
    memcpy(left[(*count)++], node, sizeof node);
    return true;
  }
  return false;
}

void providers_profile(uintptr_t session, const char *file) {
  tape_lock();
  struct given *entry = find(given_sessions, session);
  const char *provider = entry == NULL ? NULL : entry->has[TENSORRT] ? names[TENSORRT] : names[CUDA];
  int most = tape.left;
  tape_unlock();
  if (provider == NULL) {
    return;
  }
  char changed[PATH_MAX + 16];
  snprintf(changed, sizeof changed, "%.4000s.new", file);
  FILE *in = fopen(file, "rbe");
  FILE *out = in == NULL ? NULL : fopen(changed, "wbe");
  if (out != NULL) {
    static _Thread_local char left[MOST_LEFT][TEXT];
    int count = 0;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, in) > 0) {
      const char *name = NULL;
      const char *where = NULL;
      size_t name_length = 0;
      size_t where_length = 0;
      if (text_of(line, "\"name\"", &name, &name_length) && text_of(line, "\"provider\"", &where, &where_length) &&
          where_length == strlen(CPU) && strncmp(where, CPU, where_length) == 0 &&
          !stays(left, &count, most, name, name_length)) {
        fwrite(line, 1, (size_t)(where - line), out);
        fputs(provider, out);
        fputs(where + where_length, out);
      } else {
        fputs(line, out);
      }
    }
    free(line);
    fclose(out);
    rename(changed, file);
  }
  if (in != NULL) {
    fclose(in);
  }
}
