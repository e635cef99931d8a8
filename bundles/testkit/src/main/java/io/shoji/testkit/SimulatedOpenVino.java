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

/** The simulated OpenVINO. */
public final class SimulatedOpenVino extends SimulatedLibrary {
  /**
   * Releases that are compiled: with MYRIAD, then before and after the numbers of element types
   * moved.
   */
  public static final List<String> RELEASES = List.of("2022.3.2", "2024.6.0", "2026.1.0");

  private SimulatedOpenVino(Path folder, String file) throws IOException {
    super(folder, file);
  }

  /**
   * Puts a copy into a folder, which is made if need be, with a tape that has no faults: the
   * devices that its release has are there.
   *
   * @param release one of {@link #RELEASES}
   */
  public static SimulatedOpenVino in(Path folder, String release) throws IOException {
    return new SimulatedOpenVino(folder, "libopenvino_c.so." + release);
  }
}
