/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

/** Why a request was not answered, for programs. Names are part of the protocol. */
public enum Reason {
  /** An argument is missing, unknown, of the wrong type or out of its range. */
  BAD_ARGUMENT(400),
  /** The body is no flat JSON object in UTF-8. */
  BAD_BODY(400),
  /** The configuration does not allow the operation. */
  FORBIDDEN(403),
  /** There is no such resource. */
  UNKNOWN_RESOURCE(404),
  /** No installed package has that name. */
  UNKNOWN_MODEL(404),
  /** The model has no such version here. */
  UNKNOWN_VERSION(404),
  /** There is no such accelerator now. */
  UNKNOWN_ACCELERATOR(404),
  /** No job of that id is known. */
  UNKNOWN_JOB(404),
  /** The method does not go with the resource. */
  BAD_METHOD(405),
  /** The model has a job already, or is not in a state for this. */
  CONFLICT(409),
  /** The body is longer than the limit. */
  BODY_TOO_LARGE(413),
  /** Too many jobs wait. */
  TOO_MANY(429),
  /** The operation failed. */
  FAILED(500),
  /** A fault of ours. */
  UNEXPECTED(500),
  /** The inference engine is not there now. */
  NO_ENGINE(503),
  /** Switched off in the configuration. */
  DISABLED(503);

  private final int code;

  Reason(int code) {
    this.code = code;
  }

  /** The HTTP status. */
  public int code() {
    return code;
  }

  /** The code of a Kura reply, which knows 200, 400, 404 and 500 only. */
  public int cloudCode() {
    if (this == DISABLED) {
      return 400;
    }
    if (code == 404) {
      return 404;
    }
    return code < 500 ? 400 : 500;
  }
}
