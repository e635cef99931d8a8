/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a driver threw, on its way to the gateway. A cause does not travel; it is named in the
 * worker's log.
 *
 * @param kind what was thrown
 * @param code of an accelerator's exception; FAILED else
 * @param status that the vendor gave, if it did
 * @param message without what the exception adds of itself
 */
record Failure(Kind kind, Code code, @Nullable Long status, String message) {
  /** What was thrown; the order is that of the numbers in frames. */
  enum Kind {
    /** {@link AcceleratorException}. */
    ACCELERATOR,
    /** {@link IllegalArgumentException}. */
    ILLEGAL_ARGUMENT,
    /** {@link IllegalStateException}. */
    ILLEGAL_STATE,
    /** {@link InterruptedException}. */
    INTERRUPTED
  }

  /** In the order of their numbers in frames. */
  static final List<Kind> KINDS = List.of(Kind.values());

  /** Describes what a driver threw. */
  static Failure of(Throwable thrown) {
    if (thrown instanceof AcceleratorException e) {
      String message = String.valueOf(e.getMessage());
      String before = e.code() + ": ";
      if (message.startsWith(before)) {
        message = message.substring(before.length());
      }
      Long status = e.nativeStatus().isPresent() ? e.nativeStatus().getAsLong() : null;
      String after = " nativeStatus=" + status;
      if (status != null && message.endsWith(after)) {
        message = message.substring(0, message.length() - after.length());
      }
      return new Failure(Kind.ACCELERATOR, e.code(), status, bounded(message));
    }
    if (thrown instanceof IllegalArgumentException) {
      return new Failure(Kind.ILLEGAL_ARGUMENT, Code.FAILED, null, message(thrown));
    }
    if (thrown instanceof IllegalStateException) {
      return new Failure(Kind.ILLEGAL_STATE, Code.FAILED, null, message(thrown));
    }
    if (thrown instanceof InterruptedException) {
      return new Failure(Kind.INTERRUPTED, Code.FAILED, null, message(thrown));
    }
    return new Failure(
        Kind.ACCELERATOR,
        thrown instanceof OutOfMemoryError ? Code.OUT_OF_MEMORY : Code.FAILED,
        null,
        bounded("the driver failed in a way that is none of its contract: " + thrown));
  }

  /** A failure of the link's own. */
  static Failure of(Code code, String message) {
    return new Failure(Kind.ACCELERATOR, code, null, bounded(message));
  }

  private static String message(Throwable thrown) {
    return bounded(String.valueOf(thrown.getMessage()));
  }

  private static String bounded(String text) {
    if (text.getBytes(StandardCharsets.UTF_8).length <= Limits.FAILURE_BYTES) {
      return text;
    }
    // No character takes more than three bytes for each char of a Java string.
    return text.substring(0, Limits.FAILURE_BYTES / 3 - 1) + "…";
  }

  /**
   * Throws it as the driver did.
   *
   * @return nothing, so that a caller can say throw
   */
  AcceleratorException thrown() throws InterruptedException {
    return switch (kind) {
      case ACCELERATOR ->
          status == null
              ? new AcceleratorException(code, message)
              : AcceleratorException.withStatus(code, message, status);
      case ILLEGAL_ARGUMENT -> throw new IllegalArgumentException(message);
      case ILLEGAL_STATE -> throw new IllegalStateException(message);
      case INTERRUPTED -> throw new InterruptedException(message);
    };
  }

  /** As {@link #thrown}, where nothing can be interrupted. */
  AcceleratorException thrownByRun() {
    try {
      return thrown();
    } catch (InterruptedException e) {
      return new AcceleratorException(Code.FAILED, "the worker's call was interrupted", e);
    }
  }
}
