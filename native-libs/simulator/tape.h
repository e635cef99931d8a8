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
 * What simulators of vendors' libraries share: the tape that says which call fails and how, and the record of calls, handles
 * and misuse. README.md of native-libs describes both. Each simulator compiles tape.c into itself: one library, one tape.
 *
 * Threads: any number. One lock guards everything here; it is never held while a fault waits.
 */
#ifndef SHOJI_TAPE_H
#define SHOJI_TAPE_H

#include <stdbool.h>
#include <stdint.h>

enum { TAPE_TEXT = 256 };

/* What a tape can ask for. After a call: VALUE to SWAP. */
enum tape_action {
  TAPE_STATUS,
  TAPE_HANG,
  TAPE_SLOW,
  TAPE_SKIP,
  TAPE_VALUE,
  TAPE_NAN,
  TAPE_NOISE,
  TAPE_FLIP,
  TAPE_SWAP,
  TAPE_CRASH,
  TAPE_ABORT,
  TAPE_KILL,
  TAPE_EXIT,
  TAPE_DEVOUR,
  TAPE_DESCRIPTORS
};

/* What the tape has for one call. */
struct tape_fault {
  enum tape_action action;
  double amount;
  char text[TAPE_TEXT];
  /* The tape that it is of, for tape_hang. */
  unsigned long serial;
};

/* A library that plays tapes. All of it stays in place while the library is open. */
struct tape_subject {
  /* For messages. */
  const char *name;
  int functions;
  const char *(*function_name)(int function);
  bool (*returns_status)(int function);
  /* The code of a line "status" without one. */
  double failure;
  int handle_kinds;
  const char *const *handle_names;
  int misuse_kinds;
  const char *const *misuse_names;
  /* Called under the lock before the lines of a new tape are read; NULL for nothing. */
  void (*begin)(void);
  /* A line of the subject's own, under the lock: whether it was one. NULL for none. */
  bool (*line)(const char *line);
  /* An action of the subject's own: whether it was one. NULL for none. */
  bool (*action)(const char *name, struct tape_fault *fault);
  /* An address in the library, to find its file by. */
  const void *inside;
};

/* Opens the record; once, by the library's constructor. */
void tape_open(const struct tape_subject *subject);

/* Closes what was opened; by the destructor. */
void tape_close(void);

/* The lock, for what else the subject guards by it. */
void tape_lock(void);
void tape_unlock(void);

/* Reads the tape if it is another than before. Under the lock. */
void tape_refresh(void);

/* The tape's file. */
const char *tape_file(void);

/* Counts a call; whether the tape has something for it. */
bool tape_next(int function, struct tape_fault *fault);

/* Does what needs nothing of the subject: hangs, waits, crashes, aborts. */
void tape_play(const struct tape_fault *fault);

/* Until another tape is there, or for so long if that is more than 0 ms. */
void tape_hang(unsigned long serial, double ms);
void tape_pause(double ms);

/* In [-1, 1), the same on every run. */
double tape_noise(void);

/* A handle was made. NULL is none. */
void tape_made(uintptr_t address, int kind);

/*
 * A handle is to be released: whether it was not released before. One that was never seen to be made is counted as unknown,
 * and true.
 */
bool tape_released(uintptr_t address, int kind);

/* Whether a handle of that kind is open. */
bool tape_is_open(uintptr_t address, int kind);

/* How many of a kind are open. */
long tape_open_count(int kind);

/* The caller broke a rule: counted, told on standard error, and the end of the process if the tape says "strict". */
void tape_misuse(int kind, int function, const char *what);

#endif
