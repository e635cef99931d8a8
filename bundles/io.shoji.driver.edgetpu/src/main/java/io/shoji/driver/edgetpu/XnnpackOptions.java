/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.memory.NativeMemory;

/**
 * {@code TfLiteXNNPackDelegateOptions} of {@code xnnpack_delegate.h} as the library itself fills it
 * by default, with another number of threads.
 *
 * <p>The defaults are read out of a delegate that was made without options. {@code
 * TfLiteXNNPackDelegateOptionsDefault} returns the structure by value, in memory whose address is
 * passed in a register of its own on aarch64 (x8), which no plain call sets.
 */
final class XnnpackOptions {
  /** Size of the structure in {@link TfLite#SUPPORTED}. */
  static final int BYTES = 64;

  /** Offset of {@code int32_t num_threads}, the caller's among them. */
  static final int NUM_THREADS = 0;

  private final TfLite api;
  private final byte[] defaults;

  private XnnpackOptions(TfLite api, byte[] defaults) {
    this.api = api;
    this.defaults = defaults;
  }

  /**
   * Asks the library.
   *
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME if XNNPACK does not run on this processor
   */
  static XnnpackOptions of(TfLite api) throws AcceleratorException {
    long delegate = api.callLong(TfLiteFunction.TfLiteXNNPackDelegateCreate, 0L);
    if (delegate == 0) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "XNNPACK refuses to run here: it asks for SSE4.1 on x86_64 and NEON on ARM runtime="
              + api.version());
    }
    long options = api.callLong(TfLiteFunction.TfLiteXNNPackDelegateGetOptions, delegate);
    byte[] defaults = new byte[BYTES];
    NativeMemory.view(options, BYTES).get(0, defaults);
    api.callVoid(TfLiteFunction.TfLiteXNNPackDelegateDelete, delegate);
    return new XnnpackOptions(api, defaults);
  }

  /** The defaults, a copy. */
  byte[] defaults() {
    return defaults.clone();
  }

  /**
   * Makes a delegate, which the caller deletes after its interpreter.
   *
   * @throws AcceleratorException FAILED or OUT_OF_MEMORY
   */
  Delegate delegate(int threads) throws AcceleratorException {
    return new Delegate(
        createDelegate(threads),
        address -> api.callVoid(TfLiteFunction.TfLiteXNNPackDelegateDelete, address));
  }

  private long createDelegate(int threads) throws AcceleratorException {
    try (NativeMemory options = NativeMemory.ofBytes(BYTES)) {
      options.buffer().put(0, defaults);
      options.buffer().putInt(NUM_THREADS, threads);
      long delegate = api.callLong(TfLiteFunction.TfLiteXNNPackDelegateCreate, options.address());
      if (delegate == 0) {
        throw new AcceleratorException(Code.FAILED, "XNNPACK makes no delegate threads=" + threads);
      }
      return delegate;
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(Code.OUT_OF_MEMORY, "there is no memory for a delegate", e);
    }
  }
}
