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

import java.util.concurrent.atomic.AtomicLong;

/**
 * An object of ONNX Runtime that is released once. Whoever closes it makes sure that no call uses
 * it.
 */
public abstract sealed class OrtHandle implements AutoCloseable
    permits OrtEnv,
        OrtSessionOptions,
        OrtSession,
        OrtRunOptions,
        OrtValue,
        OrtIoBinding,
        OrtMemoryInfo,
        OrtProviderOptions,
        OrtAllocator,
        OrtTypeInfo,
        OrtTensorTypeAndShapeInfo {
  private final OrtApi api;
  private final OrtFunction release;
  private final AtomicLong address;

  OrtHandle(OrtApi api, OrtFunction release, long address) {
    this.api = api;
    this.release = release;
    this.address = new AtomicLong(address);
  }

  public final OrtApi api() {
    return api;
  }

  /**
   * The object, as an argument of a call.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public final Long address() {
    long current = address.get();
    if (current == 0) {
      throw new IllegalStateException("already released by " + release);
    }
    return current;
  }

  @Override
  public final void close() {
    long current = address.getAndSet(0);
    if (current != 0) {
      api.callVoid(release, current);
    }
  }
}
