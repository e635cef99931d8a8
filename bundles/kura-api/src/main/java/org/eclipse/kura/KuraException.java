/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura;

import org.osgi.annotation.versioning.ProviderType;

/** What Kura's services throw: a code and the arguments of its message. */
@ProviderType
public class KuraException extends Exception {
  private static final long serialVersionUID = 1;

  private final KuraErrorCode code;
  private final transient Object[] arguments;

  /** With nothing but a code. */
  public KuraException(KuraErrorCode code) {
    this.code = code;
    this.arguments = new Object[0];
  }

  /** With the arguments of the message. */
  public KuraException(KuraErrorCode code, Object... arguments) {
    this.code = code;
    this.arguments = arguments == null ? new Object[0] : arguments.clone();
  }

  /** With a cause, which may be null, and the arguments of the message. */
  public KuraException(KuraErrorCode code, Throwable cause, Object... arguments) {
    super(cause);
    this.code = code;
    this.arguments = arguments == null ? new Object[0] : arguments.clone();
  }

  /** An INTERNAL_ERROR with a message. */
  public static KuraException internalError(String message) {
    return new KuraException(KuraErrorCode.INTERNAL_ERROR, null, message);
  }

  /** An INTERNAL_ERROR with a cause. */
  public static KuraException internalError(Throwable cause) {
    return new KuraException(KuraErrorCode.INTERNAL_ERROR, cause, "");
  }

  /** An INTERNAL_ERROR with a cause and a message. */
  public static KuraException internalError(Throwable cause, String message) {
    return new KuraException(KuraErrorCode.INTERNAL_ERROR, cause, message);
  }

  /** What went wrong. */
  public KuraErrorCode getCode() {
    return code;
  }

  @Override
  public String getLocalizedMessage() {
    return getMessage();
  }

  @Override
  public String getMessage() {
    return ExceptionText.of(code, arguments == null ? new Object[0] : arguments);
  }
}
