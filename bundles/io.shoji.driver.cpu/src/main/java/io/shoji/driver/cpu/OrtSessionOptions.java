/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

/** {@code OrtSessionOptions}: how a session is made. */
final class OrtSessionOptions extends OrtHandle {
  private OrtSessionOptions(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseSessionOptions, address);
  }

  /** Options that say what {@code settings} say, and that the file is ONNX whatever its name. */
  static OrtSessionOptions create(OrtApi api, SessionSettings settings) throws OrtException {
    OrtSessionOptions options =
        new OrtSessionOptions(api, api.create(OrtFunction.CreateSessionOptions));
    try {
      options.set(OrtFunction.SetIntraOpNumThreads, settings.intraOpThreads());
      options.set(OrtFunction.SetInterOpNumThreads, settings.interOpThreads());
      options.set(OrtFunction.SetSessionExecutionMode, settings.interOpThreads() == 1 ? 0 : 1);
      options.set(
          OrtFunction.SetSessionGraphOptimizationLevel, settings.graphOptimization().value());
      options.set(
          settings.cpuMemArena() ? OrtFunction.EnableCpuMemArena : OrtFunction.DisableCpuMemArena);
      options.set(
          settings.memoryPattern() ? OrtFunction.EnableMemPattern : OrtFunction.DisableMemPattern);
      String spinning = settings.allowSpinning() ? "1" : "0";
      options.entry("session.intra_op.allow_spinning", spinning);
      options.entry("session.inter_op.allow_spinning", spinning);
      options.entry("session.load_model_format", "ONNX");
      return options;
    } catch (OrtException e) {
      options.close();
      throw e;
    }
  }

  /**
   * Asks a session that is being made with these options to give up at its next step. Does nothing
   * on a runtime older than 1.22.
   */
  void cancelLoad() throws OrtException {
    if (api().has(OrtFunction.SessionOptionsSetLoadCancellationFlag)) {
      api().call(OrtFunction.SessionOptionsSetLoadCancellationFlag, address(), 1);
    }
  }

  private void set(OrtFunction function) throws OrtException {
    api().call(function, address());
  }

  private void set(OrtFunction function, int value) throws OrtException {
    api().call(function, address(), value);
  }

  private void entry(String key, String value) throws OrtException {
    NativeMemory nativeKey = NativeMemory.ofString(key);
    NativeMemory nativeValue = NativeMemory.ofString(value);
    api().call(OrtFunction.AddSessionConfigEntry, address(), nativeKey, nativeValue);
  }
}
