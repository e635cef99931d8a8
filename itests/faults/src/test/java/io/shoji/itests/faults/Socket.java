/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a device is plugged in and out, by the tape of its vendor's simulated library. Keeps the
 * times, to tell whether an answer can have come from it.
 */
final class Socket {
  /** Writes a tape. */
  interface Tape {
    void write(String... lines) throws IOException;
  }

  final Forms.Form form;

  /** Whether the driver sees it go although nothing runs on it. */
  final boolean watched;

  private final Tape tape;
  private final List<String> calls;
  private final List<String> present;
  private final List<String> absent;

  /** When it was plugged in and out, in turn. */
  private final List<Long> times = new ArrayList<>();

  private double ms;

  /**
   * A socket without a device.
   *
   * @param form what the device runs
   * @param watched whether the driver sees it go although nothing runs on it
   * @param calls functions of the library that take the device's time
   * @param present lines of the tape while the device is there
   * @param absent lines of the tape while it is not
   */
  Socket(
      Forms.Form form,
      boolean watched,
      Tape tape,
      List<String> calls,
      List<String> present,
      List<String> absent) {
    this.form = form;
    this.watched = watched;
    this.tape = tape;
    this.calls = calls;
    this.present = present;
    this.absent = absent;
  }

  /** Plugs the device in, which takes so long for an inference. */
  synchronized void plug(double inferenceMs) throws IOException {
    if (isPlugged()) {
      throw new IllegalStateException("it is plugged in already form=" + form);
    }
    ms = inferenceMs;
    times.add(System.nanoTime());
    List<String> lines = new ArrayList<>(present);
    calls.forEach(call -> lines.add("from " + call + " 1 slow " + inferenceMs));
    tape.write(lines.toArray(new String[0]));
  }

  /** Plugs the device out. */
  synchronized void unplug() throws IOException {
    if (!isPlugged()) {
      throw new IllegalStateException("it is not plugged in form=" + form);
    }
    tape.write(absent.toArray(new String[0]));
    times.add(System.nanoTime());
  }

  synchronized boolean isPlugged() {
    return times.size() % 2 == 1;
  }

  /** What an inference takes at least, as it was said last. */
  synchronized double ms() {
    return ms;
  }

  /** Whether it was plugged in at any time between these two. */
  synchronized boolean wasPlugged(long fromNanos, long toNanos) {
    for (int i = 0; i < times.size(); i += 2) {
      boolean before = times.get(i) - toNanos <= 0;
      boolean after = i + 1 == times.size() || times.get(i + 1) - fromNanos >= 0;
      if (before && after) {
        return true;
      }
    }
    return false;
  }
}
