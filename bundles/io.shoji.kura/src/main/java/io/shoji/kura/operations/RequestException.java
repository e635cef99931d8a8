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

import org.jspecify.annotations.Nullable;

/** A request was not carried out; nothing of it was done. The message is for people. */
public final class RequestException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  /** A refusal. */
  public RequestException(Reason reason, String message) {
    this(reason, message, null);
  }

  /** A refusal with its cause. */
  public RequestException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why, for programs. */
  public Reason reason() {
    return reason;
  }
}
