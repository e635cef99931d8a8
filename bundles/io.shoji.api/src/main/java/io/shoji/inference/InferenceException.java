/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import org.jspecify.annotations.Nullable;

/** A request ended without an answer; the code says why, the message says what to do. */
public final class InferenceException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Code {
    /** No installed package has that name, or none a version in the range. */
    UNKNOWN_MODEL,
    /**
     * The model is installed but no accelerator here can run it; the message lists what was asked
     * and offered.
     */
    NO_ACCELERATOR,
    /** The model is being loaded and did not become ready by the deadline. */
    NOT_READY,
    /** The inputs do not fit the model: number, element type, rank, shape or content. */
    INVALID_INPUT,
    /** This very input has brought a driver's process down before and is refused. */
    QUARANTINED,
    /** The queue is full; try later or with less. */
    OVERLOADED,
    /** The deadline passed while waiting or running. */
    DEADLINE_EXCEEDED,
    /** The caller cancelled it. */
    CANCELLED,
    /** The device went away during the call and no other could take over. */
    DEVICE_LOST,
    /** The accelerator failed; the cause tells. */
    FAILED,
    /** The engine stops. */
    SHUTTING_DOWN
  }

  private final Code code;

  /** An end without an answer. */
  public InferenceException(Code code, String message) {
    this(code, message, null);
  }

  /** An end without an answer, and its cause. */
  public InferenceException(Code code, String message, @Nullable Throwable cause) {
    super(code + ": " + message, cause);
    this.code = code;
  }

  /** Why. */
  public Code code() {
    return code;
  }
}
