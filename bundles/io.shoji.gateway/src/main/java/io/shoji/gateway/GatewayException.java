/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

/** The gateway, or something that it was asked to do, cannot go on; the message is for its user. */
final class GatewayException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What a process ends with. */
  enum Exit {
    /** Done. */
    OK(0),
    /** The demonstration was not as right as the packages promise, or could not run. */
    FAILED(1),
    /** The command line is wrong. */
    USAGE(2),
    /** Another gateway works in that folder. */
    FOLDER_IN_USE(3),
    /** The gateway could not start. */
    NOT_STARTED(4);

    private final int code;

    Exit(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  private final Exit exit;

  GatewayException(Exit exit, String message) {
    super(message);
    this.exit = exit;
  }

  GatewayException(Exit exit, String message, Throwable cause) {
    super(message, cause);
    this.exit = exit;
  }

  Exit exit() {
    return exit;
  }
}
