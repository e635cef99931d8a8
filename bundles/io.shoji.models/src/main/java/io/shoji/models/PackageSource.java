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
import java.io.InputStream;
import java.util.Optional;

/** The files of one model package, as its bundle has them. Thread safe. */
interface PackageSource {
  /**
   * Opens a file.
   *
   * @param path relative to {@code SHOJI-INF/}
   * @return the bytes, for the caller to close; empty if there is no such file
   * @throws IOException if the package cannot be read, or is no longer there
   */
  Optional<InputStream> open(String path) throws IOException;
}
