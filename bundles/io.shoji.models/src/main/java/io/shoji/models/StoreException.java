/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import java.io.IOException;
import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/**
 * The store's folder cannot be used: full, read-only, in use by another process, gone. The store is
 * as consistent as before; the same call may succeed once the cause is removed.
 */
final class StoreException extends Exception {
  private static final long serialVersionUID = 1L;

  StoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** With the file system's own words. */
  static StoreException of(String what, IOException cause) {
    String reason =
        cause instanceof FileSystemException e && e.getReason() != null
            ? e.getReason()
            : cause.getClass().getSimpleName() + " " + cause.getMessage();
    return new StoreException(what + " cause=" + Reasons.quote(String.valueOf(reason)), cause);
  }
}
