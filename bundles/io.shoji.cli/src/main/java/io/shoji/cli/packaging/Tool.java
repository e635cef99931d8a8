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

import io.shoji.cli.Shoji;

/** What figures are signed with. */
final class Tool {
  private Tool() {}

  /** Name and version, as {@code shoji 0.1.0}; the name alone where the command runs unpacked. */
  static String name() {
    String version = Shoji.class.getPackage().getImplementationVersion();
    return version == null ? "shoji" : "shoji " + version;
  }
}
