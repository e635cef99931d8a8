/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.local;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What the drivers report as an error, for whom a device is missed. Thread safe. */
final class DriverErrors extends Handler implements AutoCloseable {
  private static final int MOST = 100;

  // Held, or the logger and its handlers would be collected.
  private final Logger logger = Logger.getLogger("io.shoji");
  private final List<LogRecord> errors = new ArrayList<>();

  DriverErrors() {
    setLevel(Level.SEVERE);
    logger.addHandler(this);
  }

  @Override
  public void publish(LogRecord entry) {
    if (isLoggable(entry)) {
      synchronized (errors) {
        if (errors.size() < MOST) {
          errors.add(entry);
        }
      }
    }
  }

  /** The last error of a bundle, with its causes; empty if there was none. */
  Optional<String> of(String bundle) {
    synchronized (errors) {
      for (int i = errors.size() - 1; i >= 0; i--) {
        LogRecord entry = errors.get(i);
        if (entry.getLoggerName() != null && entry.getLoggerName().startsWith(bundle)) {
          return Optional.of(text(entry));
        }
      }
    }
    return Optional.empty();
  }

  private static String text(LogRecord entry) {
    StringBuilder text = new StringBuilder(String.valueOf(entry.getMessage()));
    for (Throwable t = entry.getThrown(); t != null; t = t.getCause()) {
      text.append(": ").append(t.getMessage() == null ? t.toString() : t.getMessage());
    }
    return text.toString();
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    logger.removeHandler(this);
  }
}
