/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import org.jspecify.annotations.Nullable;

/** A signature is missing, broken or of somebody who is not trusted; the message says why. */
public final class UntrustedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What is missing. */
  public enum Kind {
    /** There is no signature, and no trace of one. */
    UNSIGNED,
    /** Something was changed, added, removed, or the signature taken away. */
    INVALID,
    /** An algorithm or a key is too weak. */
    WEAK,
    /** As it was signed, by somebody whom no trust anchor vouches for, or for something else. */
    UNKNOWN_SIGNER,
    /** By somebody trusted, whose certificate has expired. */
    EXPIRED,
    /** By somebody trusted, whose certificate is not valid yet. */
    NOT_YET_VALID
  }

  private final Kind kind;

  UntrustedException(Kind kind, String message) {
    this(kind, message, null);
  }

  UntrustedException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** What is missing. */
  public Kind kind() {
    return kind;
  }
}
