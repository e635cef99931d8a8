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

/** The simulated Edge TPU runtime. */
public final class SimulatedEdgeTpu extends SimulatedLibrary {
  /** As built against a TensorFlow whose structures TensorFlow Lite 2.21 has, too. */
  public static final String FITTING = "2.16.1";

  /** As built against the TensorFlow of the vendor's own packages. */
  public static final String LEGACY = "2.5.0";

  private SimulatedEdgeTpu(Path folder, String file) throws IOException {
    super(folder, file);
  }

  /**
   * Puts a copy into a folder, which is made if need be, with a tape that has no faults: one USB
   * device is there.
   *
   * @param tensorFlow {@link #FITTING} or {@link #LEGACY}
   */
  public static SimulatedEdgeTpu in(Path folder, String tensorFlow) throws IOException {
    return new SimulatedEdgeTpu(folder, "libedgetpu.so.1.0-tf" + tensorFlow);
  }
}
