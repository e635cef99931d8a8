/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.inference.InferenceException;

/** Why a request ended before an accelerator took it. */
record Ending(InferenceException.Code code, String message) {
  InferenceException exception() {
    return new InferenceException(code, message);
  }
}
