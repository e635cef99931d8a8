/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */

/* libsoroban, the library of a vendor who does not exist. A model is a matrix; the device multiplies it by a vector. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { SOROBAN_OK, SOROBAN_NO_MODEL, SOROBAN_TOO_LARGE, SOROBAN_NO_MEMORY };
enum { MOST = 1024, HEADER = 12 };

struct soroban_model {
  uint32_t inputs;
  uint32_t outputs;
  int8_t weights[];
};

EXPORT const char *soroban_version(void) { return "1.2.0"; }

/* "SRBN", the numbers of inputs and outputs, then a row of weights for each output. */
EXPORT int32_t soroban_load(const uint8_t *file, uint64_t bytes, struct soroban_model **model) {
  uint32_t sizes[2];
  if (bytes < HEADER || memcmp(file, "SRBN", 4) != 0) {
    return SOROBAN_NO_MODEL;
  }
  memcpy(sizes, file + 4, sizeof sizes);
  if (sizes[0] == 0 || sizes[1] == 0) {
    return SOROBAN_NO_MODEL;
  }
  if (sizes[0] > MOST || sizes[1] > MOST) {
    return SOROBAN_TOO_LARGE;
  }
  uint64_t weights = (uint64_t)sizes[0] * sizes[1];
  if (bytes != HEADER + weights) {
    return SOROBAN_NO_MODEL;
  }
  *model = malloc(sizeof **model + weights);
  if (*model == NULL) {
    return SOROBAN_NO_MEMORY;
  }
  (*model)->inputs = sizes[0];
  (*model)->outputs = sizes[1];
  memcpy((*model)->weights, file + HEADER, weights);
  return SOROBAN_OK;
}

EXPORT uint32_t soroban_inputs(const struct soroban_model *model) { return model->inputs; }

EXPORT uint32_t soroban_outputs(const struct soroban_model *model) { return model->outputs; }

/* Any number of threads at once. */
EXPORT int32_t soroban_run(const struct soroban_model *model, const int8_t *input, int32_t *output) {
  for (uint32_t row = 0; row < model->outputs; row++) {
    output[row] = 0;
    for (uint32_t column = 0; column < model->inputs; column++) {
      output[row] += model->weights[row * model->inputs + column] * input[column];
    }
  }
  return SOROBAN_OK;
}

EXPORT void soroban_free(struct soroban_model *model) { free(model); }
