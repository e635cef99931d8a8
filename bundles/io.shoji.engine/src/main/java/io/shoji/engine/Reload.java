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

import io.shoji.operations.OperationException;
import java.util.concurrent.CompletableFuture;

/** Somebody waits for a model to be loaded anew. Thread safe. */
final class Reload {
  /** Done when the new generation serves, or failed with an {@link OperationException}. */
  final CompletableFuture<Void> ended = new CompletableFuture<>();

  /** Nobody waits any more: what is being loaded for it is not taken into service. */
  volatile boolean cancelled;

  /** What was served before goes on. */
  void fail(OperationException.Code code, String reason) {
    ended.completeExceptionally(new OperationException(code, reason));
  }
}
