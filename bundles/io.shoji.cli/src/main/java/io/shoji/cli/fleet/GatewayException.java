/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;

/** One gateway did not do what it was asked for. The others go on. */
final class GatewayException extends Exception {
  private static final long serialVersionUID = 1L;

  /** No reply came. */
  static final String TIMEOUT = "TIMEOUT";

  /** It answers, but has no Shoji. */
  static final String NO_SHOJI = "NO_SHOJI";

  /** What came is no reply. */
  static final String MALFORMED_REPLY = "MALFORMED_REPLY";

  /** It speaks a newer version of the protocol. */
  static final String UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION";

  /** A job ended without success, or is not known any more. */
  static final String JOB_FAILED = "JOB_FAILED";

  /** Somebody cancelled the job. */
  static final String JOB_CANCELLED = "JOB_CANCELLED";

  /** The model does not do what its package promises. */
  static final String NOT_PASSED = "NOT_PASSED";

  /** The gateway forgot the job: it was restarted. */
  static final String JOB_FORGOTTEN = "JOB_FORGOTTEN";

  /** The package did not arrive there. */
  static final String DOWNLOAD_FAILED = "DOWNLOAD_FAILED";

  /** The package was refused by the gateway. */
  static final String INSTALL_FAILED = "INSTALL_FAILED";

  /** The package would not go. */
  static final String UNINSTALL_FAILED = "UNINSTALL_FAILED";

  /** It said done, and it is not so. */
  static final String NOT_VERIFIED = "NOT_VERIFIED";

  /** An argument does not fit what is there. */
  static final String BAD_ARGUMENT = "BAD_ARGUMENT";

  /** Not there. */
  static final String NOT_FOUND = "NOT_FOUND";

  private final String reason;
  private final transient @Nullable JsonObject answer;

  /**
   * A failure.
   *
   * @param reason a word for programs: one of the constants, or the gateway's own
   * @param message a sentence for people
   */
  GatewayException(String reason, String message) {
    super(message);
    this.reason = reason;
    this.answer = null;
  }

  /** A failure that the gateway found, with all that it found. */
  GatewayException(String reason, String message, JsonObject answer) {
    super(message);
    this.reason = reason;
    this.answer = answer;
  }

  GatewayException(String reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.answer = null;
  }

  /** A word for programs. */
  String reason() {
    return reason;
  }

  /** What the gateway found; null if it says no more than the message. */
  @Nullable JsonObject answer() {
    return answer;
  }
}
