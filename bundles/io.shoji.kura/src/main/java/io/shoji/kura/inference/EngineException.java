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

import io.shoji.inference.InferenceException;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.jspecify.annotations.Nullable;

/**
 * A {@link KuraException} whose message is what happened. Kura's own makes the message from a text
 * per code, and several of these ({@code NOT_FOUND}, {@code TIMED_OUT}) have no place for a reason.
 */
final class EngineException extends KuraException {
  private static final long serialVersionUID = 1L;

  private final String message;

  private EngineException(KuraErrorCode code, String message, @Nullable Throwable cause) {
    super(code, cause, message);
    this.message = message;
  }

  /** Something asked for that cannot be. */
  static KuraException of(KuraErrorCode code, String message) {
    return new EngineException(code, message, null);
  }

  /** The end of a request without an answer, in Kura's codes. */
  static KuraException of(InferenceException failure) {
    String message = failure.getMessage();
    return new EngineException(
        code(failure.code()), message == null ? failure.toString() : message, failure);
  }

  private static KuraErrorCode code(InferenceException.Code code) {
    return switch (code) {
      case UNKNOWN_MODEL -> KuraErrorCode.NOT_FOUND;
      case NO_ACCELERATOR, DEVICE_LOST -> KuraErrorCode.UNAVAILABLE_DEVICE;
      case NOT_READY, SHUTTING_DOWN, CANCELLED -> KuraErrorCode.SERVICE_UNAVAILABLE;
      case INVALID_INPUT, QUARANTINED -> KuraErrorCode.INVALID_PARAMETER;
      case OVERLOADED -> KuraErrorCode.TOO_MANY_INFLIGHT_MESSAGES;
      case DEADLINE_EXCEEDED -> KuraErrorCode.TIMED_OUT;
      case FAILED -> KuraErrorCode.IO_ERROR;
    };
  }

  @Override
  public String getMessage() {
    return message;
  }

  @Override
  public String getLocalizedMessage() {
    return message;
  }
}
