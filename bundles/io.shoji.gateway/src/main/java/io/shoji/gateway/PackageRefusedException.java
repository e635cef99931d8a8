/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

/** A package was not installed or uninstalled; everything is as it was before. For its user. */
final class PackageRefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  PackageRefusedException(String message) {
    super(message);
  }

  PackageRefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
