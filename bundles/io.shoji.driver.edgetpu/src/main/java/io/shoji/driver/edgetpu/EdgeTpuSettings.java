/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

/**
 * What the configuration says of Edge TPUs.
 *
 * @param libraryPath of libedgetpu; empty for the system's
 * @param tensorFlow release that it was built against; empty if it is to be concluded
 * @param performance one of {@link EdgeTpu#PERFORMANCES}; empty for the library's own choice
 * @param lockFolder where the locks of devices lie; empty for the system's
 * @param pollMs how often devices are looked at
 */
record EdgeTpuSettings(
    String libraryPath, String tensorFlow, String performance, String lockFolder, int pollMs) {
  /** Least and most of {@code pollMs}. */
  static final int LEAST_POLL_MS = 10;

  static final int MOST_POLL_MS = 600_000;

  /** Configured for a performance that the library chooses. */
  static final String DEFAULT = "Default";

  /** Default of {@code pollMs}. */
  static final int POLL_MS = 2_000;
}
