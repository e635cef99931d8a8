/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationException.Code;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.VersionRange;

/**
 * Runs something on the generation that serves as requests do, in turn with them, without being
 * counted as one. Thread safe.
 */
final class Guest {
  private static final long LIMIT_MS = 30_000;
  private static final long PAUSE_NANOS = 20_000_000;

  private final Engine engine;
  private final Family family;
  private final ModelRef ref;
  private final String contentSha256;

  Guest(Engine engine, Generation generation) {
    this.engine = engine;
    this.family = generation.model.family;
    this.ref =
        new ModelRef(
            family.name,
            Optional.of(
                new VersionRange(
                    VersionRange.LEFT_CLOSED,
                    generation.version,
                    generation.version,
                    VersionRange.RIGHT_CLOSED)));
    this.contentSha256 = generation.contentSha256;
  }

  /** A deadline for one run. */
  static long deadline() {
    return InferenceService.deadlineIn(LIMIT_MS);
  }

  /**
   * A generation with a lease and a place on its device; waits longer than a request does when too
   * many wait already.
   *
   * @throws OperationException CONFLICT if it is of another package by now, else FAILED
   */
  Generation enter() throws OperationException {
    long deadline = deadline();
    while (true) {
      Generation generation = tryEnter(deadline);
      if (generation != null) {
        return generation;
      }
      if (deadline - System.nanoTime() <= 0) {
        throw new OperationException(
            Code.FAILED,
            "the accelerator had no place in time model=" + ref + " waitedMs=" + LIMIT_MS);
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  /**
   * A generation as {@link #enter}, or null if there is none by the deadline.
   *
   * @throws OperationException CONFLICT if it is of another package by now, else FAILED
   */
  @Nullable Generation tryEnter(long deadlineNanos) throws OperationException {
    Generation generation;
    try {
      generation = engine.enter(family, ref, System.nanoTime(), deadlineNanos, null);
    } catch (InferenceException e) {
      return switch (e.code()) {
        case OVERLOADED, DEADLINE_EXCEEDED, NOT_READY -> null;
        default -> throw failed(e);
      };
    }
    if (generation.contentSha256.equals(contentSha256)) {
      return generation;
    }
    engine.leave(generation, false);
    throw replaced();
  }

  OperationException replaced() {
    return new OperationException(
        Code.CONFLICT, "another generation took over meanwhile; try again model=" + ref);
  }

  static OperationException failed(InferenceException e) {
    return switch (e.code()) {
      case CANCELLED -> new OperationException(Code.CANCELLED, "the thread was interrupted", e);
      case UNKNOWN_MODEL, SHUTTING_DOWN ->
          new OperationException(Code.CONFLICT, String.valueOf(e.getMessage()), e);
      default -> new OperationException(Code.FAILED, String.valueOf(e.getMessage()), e);
    };
  }
}
