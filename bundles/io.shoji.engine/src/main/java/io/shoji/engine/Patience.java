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

/**
 * How long a vendor's library may keep the engine waiting.
 *
 * @param guarding whose callers are let go at their deadlines whatever the library does
 * @param hangGraceMs how long after its deadline a call is taken to hang, milliseconds
 * @param callTimeoutMs what a call has that has no deadline of its own, as one that measures a
 *     model, milliseconds
 * @param loadTimeoutMs how long loading a model may take, milliseconds
 */
record Patience(Guarding guarding, int hangGraceMs, int callTimeoutMs, int loadTimeoutMs) {
  /** What holds where nothing is configured. */
  static final Patience DEFAULTS = new Patience(Guarding.AUTO, 2_000, 30_000, 900_000);

  /** Which requests run on threads of the engine, so that their callers need not stay. */
  enum Guarding {
    /** Those that a change of threads slows down little, and all of a device that once hung. */
    AUTO,
    /** All of them. */
    ALWAYS,
    /** None; only that a call hangs is noticed. */
    NEVER
  }
}
