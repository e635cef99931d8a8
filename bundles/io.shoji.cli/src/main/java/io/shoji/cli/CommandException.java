/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import io.shoji.quantizer.onnx.QuantizerException;

/** A command that cannot go on as a whole, and the exit code that says so. */
public final class CommandException extends Exception {
  private static final long serialVersionUID = 1L;

  private final ExitCode exit;
  private final String reason;

  /**
   * A failure.
   *
   * @param reason a word for programs, as {@code NO_SUCH_PROFILE}
   * @param message a sentence for people
   */
  public CommandException(ExitCode exit, String reason, String message) {
    super(message);
    this.exit = exit;
    this.reason = reason;
  }

  /** A failure with its cause. */
  public CommandException(ExitCode exit, String reason, String message, Throwable cause) {
    super(message, cause);
    this.exit = exit;
    this.reason = reason;
  }

  /** A failure of the quantizer, in the command's terms. */
  public static CommandException of(QuantizerException failure) {
    String code = failure.code().name();
    String message = String.valueOf(failure.getMessage());
    return new CommandException(
        switch (failure.code()) {
          case UNREADABLE,
              DAMAGED,
              TOO_LARGE,
              UNSUPPORTED,
              EXTERNAL_DATA,
              INVALID_OPTION,
              BAD_SAMPLES,
              TOO_FEW_SAMPLES ->
              ExitCode.USAGE;
          case BUDGET_MISSED -> ExitCode.REFUSED;
          case CANCELLED -> ExitCode.INTERRUPTED;
          case RUNTIME, UNWRITABLE -> ExitCode.FAILED;
        },
        code,
        message.startsWith(code + ": ") ? message.substring(code.length() + 2) : message,
        failure);
  }

  /** How the command ends. */
  public ExitCode exit() {
    return exit;
  }

  /** A word for programs. */
  public String reason() {
    return reason;
  }
}
