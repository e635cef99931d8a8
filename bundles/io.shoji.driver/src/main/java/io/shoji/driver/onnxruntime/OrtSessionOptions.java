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

/** {@code OrtSessionOptions}: how a session is made. */
public final class OrtSessionOptions extends OrtHandle {
  private OrtSessionOptions(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseSessionOptions, address);
  }

  /** Options that say that the file is ONNX whatever its name, and else what the runtime likes. */
  public static OrtSessionOptions create(OrtApi api) throws OrtException {
    OrtSessionOptions options =
        new OrtSessionOptions(api, api.create(OrtFunction.CreateSessionOptions));
    try {
      options.entry("session.load_model_format", "ONNX");
      return options;
    } catch (OrtException e) {
      options.close();
      throw e;
    }
  }

  /**
   * Threads of the session.
   *
   * @param intraOp share one operator, the caller's among them; 0 for the runtime's choice
   * @param interOp run operators side by side; 1 for one after the other
   * @param spinning whether idle ones burn a core while they wait
   */
  public void threads(int intraOp, int interOp, boolean spinning) throws OrtException {
    set(OrtFunction.SetIntraOpNumThreads, intraOp);
    set(OrtFunction.SetInterOpNumThreads, interOp);
    set(OrtFunction.SetSessionExecutionMode, interOp == 1 ? 0 : 1);
    entry("session.intra_op.allow_spinning", spinning ? "1" : "0");
    entry("session.inter_op.allow_spinning", spinning ? "1" : "0");
  }

  /** How far the graph is rewritten: a {@code GraphOptimizationLevel}. */
  public void graphOptimization(int level) throws OrtException {
    set(OrtFunction.SetSessionGraphOptimizationLevel, level);
  }

  /**
   * How the host's memory is used.
   *
   * @param arena whether it is kept for the next inference
   * @param pattern whether an inference's is laid out in one block
   */
  public void memory(boolean arena, boolean pattern) throws OrtException {
    set(arena ? OrtFunction.EnableCpuMemArena : OrtFunction.DisableCpuMemArena);
    set(pattern ? OrtFunction.EnableMemPattern : OrtFunction.DisableMemPattern);
  }

  /** A size of inputs that varies by the model is this one, by the name that the model gives it. */
  public void freeDimension(String name, long size) throws OrtException {
    NativeMemory nativeName = NativeMemory.ofString(name);
    api().call(OrtFunction.AddFreeDimensionOverrideByName, address(), nativeName, size);
  }

  /**
   * Has the session note what it runs, in a file whose name begins so, until {@link
   * OrtModel#endProfiling}.
   */
  public void profiling(String filePrefix) throws OrtException {
    NativeMemory prefix = NativeMemory.ofString(filePrefix);
    api().call(OrtFunction.EnableProfiling, address(), prefix);
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

  /** An entry by key and value ({@code onnxruntime_session_options_config_keys.h}). */
  public void entry(String key, String value) throws OrtException {
    NativeMemory nativeKey = NativeMemory.ofString(key);
    NativeMemory nativeValue = NativeMemory.ofString(value);
    api().call(OrtFunction.AddSessionConfigEntry, address(), nativeKey, nativeValue);
  }
}
