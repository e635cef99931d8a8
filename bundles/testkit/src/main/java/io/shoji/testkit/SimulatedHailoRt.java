/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The simulated HailoRT. */
public final class SimulatedHailoRt extends SimulatedLibrary {
  /** Releases that are compiled: one for each layout of structures, the oldest first. */
  public static final List<String> RELEASES = List.of("4.15.0", "4.20.1", "4.23.0");

  private SimulatedHailoRt(Path folder, String file) throws IOException {
    super(folder, file);
  }

  /**
   * Puts a copy into a folder, which is made if need be, with a tape that has no faults: one
   * Hailo-8 is there.
   *
   * @param release one of {@link #RELEASES}
   */
  public static SimulatedHailoRt in(Path folder, String release) throws IOException {
    return new SimulatedHailoRt(folder, "libhailort.so." + release);
  }
}
