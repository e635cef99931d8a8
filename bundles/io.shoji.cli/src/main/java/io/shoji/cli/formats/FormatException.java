/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.formats;

/** A file that cannot be used. */
public final class FormatException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Code code;

  /** Why. */
  public enum Code {
    /** It cannot be read from the disk. */
    UNREADABLE,
    /** It is something else. */
    OTHER_FORMAT,
    /** It is cut off, changed or contradicts itself. */
    DAMAGED,
    /** It is of a version that this program does not know, or larger than any it reads. */
    UNSUPPORTED
  }

  /**
   * A refusal.
   *
   * @param message what was asked, what was found, what to do
   */
  public FormatException(Code code, String message) {
    super(message);
    this.code = code;
  }

  /** A refusal with its cause. */
  public FormatException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** Why. */
  public Code code() {
    return code;
  }
}
