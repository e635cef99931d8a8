/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An operation was not done; nothing of it was. The code says why, the message says what to do. */
public final class OperationException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Code {
    /** No model of that name is installed. */
    UNKNOWN_MODEL,
    /** The model has no such version here, neither installed nor retained. */
    UNKNOWN_VERSION,
    /** An argument or a policy is out of its range; every reason is given. */
    INVALID,
    /** It does not go with how things are now, as a rollback without an earlier version. */
    CONFLICT,
    /** The caller's {@link Progress} said so, or its thread was interrupted. */
    CANCELLED,
    /** It was tried and failed; what was served before goes on. */
    FAILED
  }

  private final Code code;
  private final transient List<String> reasons;

  /** With one reason. */
  public OperationException(Code code, String message) {
    this(code, List.of(message), null);
  }

  /** With one reason and its cause. */
  public OperationException(Code code, String message, @Nullable Throwable cause) {
    this(code, List.of(message), cause);
  }

  /**
   * With every reason.
   *
   * @param reasons at least one
   */
  public OperationException(Code code, List<String> reasons, @Nullable Throwable cause) {
    super(code + ": " + String.join("; ", reasons), cause);
    this.code = code;
    this.reasons = List.copyOf(reasons);
  }

  /** Why. */
  public Code code() {
    return code;
  }

  /** Every reason, without the code. */
  public List<String> reasons() {
    return reasons;
  }
}
