/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

/** A payload cannot be read. The message says why and, where it is a limit, both figures. */
public final class PayloadException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why a payload cannot be read. */
  public enum Code {
    /** It is cut off, or is no payload at all. */
    MALFORMED,
    /** It is larger than the reader allows, before or after it is inflated. */
    TOO_LARGE,
    /** A metric that is asked for is not there. */
    MISSING,
    /** A metric has another type than the one that is asked for. */
    WRONG_TYPE
  }

  private final Code code;

  PayloadException(Code code, String message) {
    super(message);
    this.code = code;
  }

  PayloadException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** Why. */
  public Code code() {
    return code;
  }
}
