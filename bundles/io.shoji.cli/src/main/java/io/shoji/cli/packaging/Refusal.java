/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Why a package is not made, or not taken. */
final class Refusal {
  private Refusal() {}

  /** The command line, or a file that it names, cannot be used. */
  static CommandException usage(String message) {
    return new CommandException(ExitCode.USAGE, "USAGE", message);
  }

  /** What was given is not as it must be. */
  static CommandException of(String reason, String message) {
    return new CommandException(ExitCode.FAILED, reason, message);
  }

  /** What was given is not as it must be. */
  static CommandException of(String reason, String message, Throwable cause) {
    return new CommandException(ExitCode.FAILED, reason, message, cause);
  }

  /**
   * A file cannot be read or written.
   *
   * @param what was tried, as {@code the package cannot be written}
   */
  static CommandException io(String what, Object file, IOException cause) {
    return new CommandException(
        ExitCode.FAILED,
        "IO",
        what + ": " + explain(cause) + " file=" + file + "; nothing was left behind",
        cause);
  }

  /** In words; some exceptions of Java say no more than a path. */
  static String explain(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "there is no such file or folder";
    }
    if (e instanceof AccessDeniedException) {
      return "access is denied";
    }
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    return String.valueOf(e.getMessage());
  }
}
