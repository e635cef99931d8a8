/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.kura.operations.FormValues;

/**
 * Settings of the inference engine, checked.
 *
 * @param deadlineMs most time that a request takes, milliseconds
 * @param outputs how outputs of more than one element are listed
 * @param preparedCalls most prepared calls that are kept
 * @param bufferMegabytes most memory of buffers for inputs that is kept, MiB
 */
record EngineSettings(int deadlineMs, Outputs outputs, int preparedCalls, int bufferMegabytes) {
  static final int DEADLINE_MS = 5_000;
  static final int PREPARED_CALLS = 8;
  static final int BUFFER_MEGABYTES = 32;

  static final EngineSettings DEFAULTS =
      new EngineSettings(DEADLINE_MS, Outputs.VALUES, PREPARED_CALLS, BUFFER_MEGABYTES);

  /** How outputs of more than one element are listed. */
  enum Outputs {
    /** As their values. */
    VALUES,
    /** As bytes, which Kura's AI wire component passes on. */
    BYTES
  }

  /** Reads a form; what is wrong is noted there. */
  static EngineSettings of(FormValues form) {
    return new EngineSettings(
        form.integer("deadlineMs", DEADLINE_MS, 1, 600_000),
        form.choice("outputs", Outputs.VALUES),
        form.integer("preparedCalls", PREPARED_CALLS, 0, 256),
        form.integer("bufferMegabytes", BUFFER_MEGABYTES, 0, 1_024));
  }
}
