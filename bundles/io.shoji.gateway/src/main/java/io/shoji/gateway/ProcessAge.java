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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How long this process has run, from the kernel's own clock. What {@link ProcessHandle} says is
 * off by up to a second: it adds ticks since boot to a boot time in whole seconds.
 */
final class ProcessAge {
  /**
   * Ticks per second in /proc, USER_HZ: 100 on every architecture that this runs on (proc(5),
   * time(7)).
   */
  private static final int TICKS_PER_SECOND = 100;

  /**
   * Fields after the command's name up to the start time: fields 3 to 22 of /proc/PID/stat
   * (proc(5)).
   */
  private static final int START_TIME = 22 - 3;

  private ProcessAge() {}

  /** Milliseconds since the process was started, to 10 ms. */
  static long millis() {
    try {
      String uptime = Files.readString(Path.of("/proc/uptime"));
      String stat = Files.readString(Path.of("/proc/self/stat"));
      double now = Double.parseDouble(uptime.substring(0, uptime.indexOf(' ')));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      double started = Double.parseDouble(fields[START_TIME]) / TICKS_PER_SECOND;
      return Math.round((now - started) * 1000);
    } catch (IOException e) {
      throw new UncheckedIOException("this needs Linux with /proc", e);
    }
  }
}
