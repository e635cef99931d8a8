/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

/**
 * How drift is watched, checked.
 *
 * @param share one request in so many is looked at; 0 for none. One a second is in any case
 * @param perSecond most requests of one model that are looked at in a second
 * @param window samples that are compared with the reference at a time
 * @param alarm population stability index from which a feature raises the alarm; 0 for never
 * @param labelAlarm the same for the shares of the classes that are answered
 */
record DriftSettings(int share, int perSecond, int window, double alarm, double labelAlarm) {
  /** What holds where nothing is configured. */
  static final DriftSettings DEFAULTS = new DriftSettings(16, 20, 512, 0.25, 0.25);

  /**
   * Checks every value.
   *
   * @throws IllegalArgumentException naming the first value that is out of its range, and the range
   */
  DriftSettings {
    check("driftShare", share, 0, 1_000_000);
    check("driftPerSecond", perSecond, 1, 10_000);
    check("driftWindow", window, 64, 1_000_000);
    check("driftAlarm", alarm, 0, 100);
    check("driftLabelAlarm", labelAlarm, 0, 100);
  }

  private static void check(String name, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw new IllegalArgumentException(
          "setting out of its range name="
              + name
              + " value="
              + value
              + " range=["
              + least
              + ", "
              + most
              + "]");
    }
  }
}
