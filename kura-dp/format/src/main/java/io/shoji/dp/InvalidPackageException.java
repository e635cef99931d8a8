/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.dp;

/**
 * A file is not a deployment package that can be installed; the message says why and what to do.
 */
public final class InvalidPackageException extends Exception {
  private static final long serialVersionUID = 1L;

  /** A refusal. */
  public InvalidPackageException(String message) {
    super(message);
  }

  /** A refusal, and what failed underneath. */
  public InvalidPackageException(String message, Throwable cause) {
    super(message, cause);
  }
}
