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
import io.shoji.cli.Environment;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** The time that is written into what is made, so that it can be made again bit for bit. */
final class SourceDate {
  private static final String VARIABLE = "SOURCE_DATE_EPOCH";

  private SourceDate() {}

  /** {@code SOURCE_DATE_EPOCH} (seconds since 1970) if it is set, else now. */
  static Instant of(Environment environment) throws CommandException {
    String seconds = environment.variables().get(VARIABLE);
    if (seconds == null || seconds.isBlank()) {
      return Instant.now().truncatedTo(ChronoUnit.SECONDS);
    }
    try {
      return Instant.ofEpochSecond(Long.parseLong(seconds.strip()));
    } catch (NumberFormatException | DateTimeException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE,
          "USAGE",
          VARIABLE + " is a number of seconds since 1970 found=" + seconds,
          e);
    }
  }
}
