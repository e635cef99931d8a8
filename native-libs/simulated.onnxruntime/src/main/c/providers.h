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
 * Execution providers that the real runtime behind the simulation does not have: TensorRT and CUDA by name. What they are
 * asked for is checked and noted, engines are built (a pause and a file) and found again, and the profile says that nodes ran
 * on them; the real runtime's CPU provider computes. README.md of native-libs describes the lines of the tape.
 *
 * Threads: any number. The lock of tape.c guards what is here; it is not held while an engine is built.
 */
#ifndef SHOJI_PROVIDERS_H
#define SHOJI_PROVIDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum provider { TENSORRT, CUDA, PROVIDERS };
enum { PROVIDER_TEXT = 512 };

/* Why something is refused: an OrtErrorCode, and the words. */
struct refusal {
  int code;
  char text[PROVIDER_TEXT];
};

/* A new tape begins, and a line of it: whether it was one of these. Under the lock. */
void providers_begin(void);
bool providers_line(const char *line);

/* Whether the tape gives the runtime any provider, or that one. */
bool providers_any(void);
bool providers_have(enum provider provider);

/* The names of all, as GetAvailableProviders gives them; released by free. */
char **providers_names(int *count);
bool providers_own(const void *names);

/* Options of a provider; released by free. NULL without memory. */
void *providers_options(void);
bool providers_update(void *options, enum provider provider, const char *const *keys, const char *const *values,
    size_t count, struct refusal *refusal);

/* Session options are given a provider, are released, and a session is made with them; a session is released. */
bool providers_append(uintptr_t session_options, enum provider provider, const void *options, struct refusal *refusal);
void providers_forget_options(uintptr_t session_options);
bool providers_build(uintptr_t session_options, const char *model, struct refusal *refusal);
void providers_session(uintptr_t session_options, uintptr_t session);
void providers_forget_session(uintptr_t session);

/* Rewrites a session's profile, so that it says where nodes ran. */
void providers_profile(uintptr_t session, const char *file);

#endif
