/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How a worker ended that was not asked to. Immutable; bounded in size.
 *
 * @param id number, growing over restarts of the gateway
 * @param time when its end was seen
 * @param driver symbolic name of the driver bundle
 * @param driverVersion its version
 * @param runtimes the vendor's runtimes with their versions, as the accelerators gave them; empty
 *     if it had none yet
 * @param cause what happened, for people, one line
 * @param exitCode of the process; 128 and the signal's number if a signal ended it
 * @param signal its name, as {@code SIGSEGV}; empty if none did
 * @param frame the frame where it happened, as the JVM names it; empty if unknown
 * @param nativeFrames the frames below, innermost first
 * @param vendorCall what was called in the vendor's library; empty if nothing was, or unknown
 * @param requests requests that were under way, with their shapes
 * @param upMs how long the process had lived
 * @param output the last lines that it wrote
 */
record CrashReport(
    long id,
    Instant time,
    String driver,
    String driverVersion,
    List<String> runtimes,
    String cause,
    int exitCode,
    String signal,
    String frame,
    List<String> nativeFrames,
    String vendorCall,
    List<String> requests,
    long upMs,
    List<String> output) {
  /** Most characters of a line. */
  static final int MOST_LINE = 400;

  /** Most lines of each list. */
  static final int MOST_LINES = 24;

  CrashReport {
    runtimes = bounded(runtimes);
    nativeFrames = bounded(nativeFrames);
    requests = bounded(requests);
    output = bounded(output);
    cause = bounded(cause);
    frame = bounded(frame);
    vendorCall = bounded(vendorCall);
  }

  private static List<String> bounded(List<String> lines) {
    return lines.stream().limit(MOST_LINES).map(CrashReport::bounded).toList();
  }

  static String bounded(String line) {
    String printable = line.replaceAll("\\p{Cntrl}", " ");
    return printable.length() <= MOST_LINE ? printable : printable.substring(0, MOST_LINE);
  }

  /** The facts for programs, each short. */
  Map<String, String> details() {
    Map<String, String> details = new TreeMap<>();
    details.put("crash", Long.toString(id));
    details.put("driver", driver);
    details.put("driver.version", driverVersion);
    details.put("runtimes", String.join(", ", runtimes));
    details.put("exit", Integer.toString(exitCode));
    details.put("signal", signal);
    details.put("frame", frame);
    details.put("vendor.call", vendorCall);
    details.put("requests", String.join("; ", requests));
    details.put("up.ms", Long.toString(upMs));
    details.values().removeIf(String::isEmpty);
    return details;
  }

  /** All of it, for people. */
  String text() {
    StringBuilder text = new StringBuilder();
    line(text, "crash", Long.toString(id));
    line(text, "time", time.toString());
    line(text, "driver", driver + " " + driverVersion);
    line(text, "runtimes", String.join(", ", runtimes));
    line(text, "cause", cause);
    line(text, "exit", exitCode + (signal.isEmpty() ? "" : " (" + signal + ")"));
    line(text, "up", upMs + " ms");
    line(text, "frame", frame);
    line(text, "vendor call", vendorCall);
    lines(text, "native frames", nativeFrames);
    lines(text, "requests under way", requests);
    lines(text, "last output", output);
    return text.toString();
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append(name).append(": ").append(value.isEmpty() ? "-" : value).append('\n');
  }

  private static void lines(StringBuilder text, String name, List<String> lines) {
    text.append(name).append(":\n");
    lines.forEach(line -> text.append("  ").append(line).append('\n'));
  }
}
