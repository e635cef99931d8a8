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

/** {@code OrtMemoryInfo}: where tensors lie, here always the host. */
final class OrtMemoryInfo extends OrtHandle {
  /** {@code OrtDeviceAllocator} and {@code OrtArenaAllocator} of {@code OrtAllocatorType}. */
  private static final int DEVICE_ALLOCATOR = 0;

  private static final int ARENA_ALLOCATOR = 1;

  /** {@code OrtMemTypeDefault} of {@code OrtMemType}. */
  private static final int DEFAULT_MEMORY = 0;

  private OrtMemoryInfo(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseMemoryInfo, address);
  }

  /** Host memory, from a session's arena or not. */
  static OrtMemoryInfo cpu(OrtApi api, boolean arena) throws OrtException {
    return new OrtMemoryInfo(
        api,
        api.create(
            OrtFunction.CreateCpuMemoryInfo,
            arena ? ARENA_ALLOCATOR : DEVICE_ALLOCATOR,
            DEFAULT_MEMORY));
  }
}
