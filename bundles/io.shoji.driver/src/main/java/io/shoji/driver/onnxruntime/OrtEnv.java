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

/** {@code OrtEnv}: one per library, released last. */
public final class OrtEnv extends OrtHandle {
  private OrtEnv(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseEnv, address);
  }

  /**
   * Starts the runtime, without telemetry.
   *
   * @param severity {@code OrtLoggingLevel}, 0 (verbose) to 4 (fatal): what it writes to stderr
   */
  public static OrtEnv create(OrtApi api, int severity) throws OrtException {
    Telemetry.switchOff();
    NativeMemory name = NativeMemory.ofString("shoji");
    OrtEnv env = new OrtEnv(api, api.create(OrtFunction.CreateEnv, severity, name));
    try {
      api.call(OrtFunction.DisableTelemetryEvents, env.address());
      Telemetry.removeLog();
      return env;
    } catch (OrtException e) {
      env.close();
      throw e;
    }
  }
}
