/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.deploy;

/** A package was not downloaded. For whoever asked for it. */
final class DownloadFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  DownloadFailedException(String message) {
    super(message);
  }

  DownloadFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}
