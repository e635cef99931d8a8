/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps ONNX Runtime from calling home. Microsoft's builds for Linux from 1.29.0 on report each
 * process, session and run to a server on the internet, and keep a device identifier and a database
 * in {@code ~/.cache/Microsoft/DeveloperTools/.onnxruntime}. {@code DisableTelemetryEvents} comes
 * too late for that, since it takes an environment, and creating one starts it all; the environment
 * variable is looked at before (onnxruntime pull request 29843).
 */
final class Telemetry {
  private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);
  private static final String VARIABLE = "ORT_DISABLE_TELEMETRY";

  private Telemetry() {}

  /**
   * Switches it off for this process, before an {@code OrtEnv} is created. The variable is set once
   * and stays: {@code setenv} is safe beside other threads' {@code getenv} as long as the table of
   * variables is replaced no second time (glibc's first replacement leaves the table before it in
   * place).
   */
  static synchronized void switchOff() {
    NativeLibrary process = NativeLibrary.getProcess();
    if (process.getFunction("getenv").invokePointer(new Object[] {VARIABLE}) == null) {
      process.getFunction("setenv").invokeInt(new Object[] {VARIABLE, "1", 1});
    }
  }

  /**
   * Removes the log that the runtime's telemetry makes in every process, used or not, as soon as
   * its library is mapped: empty, {@code mat-debug-PID.log} in {@code /tmp}. One would stay of each
   * start of the gateway.
   */
  static void removeLog() {
    Path log = Path.of("/tmp", "mat-debug-" + ProcessHandle.current().pid() + ".log");
    try {
      if (Files.isRegularFile(log, LinkOption.NOFOLLOW_LINKS) && Files.size(log) == 0) {
        Files.delete(log);
      }
    } catch (IOException e) {
      LOG.debug("an empty log of the runtime's telemetry cannot be removed file={}", log, e);
    }
  }
}
