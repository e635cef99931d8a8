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

import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** {@code OrtAllocator}: a session's allocator of host memory. */
final class OrtAllocator extends OrtHandle {
  private OrtAllocator(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseAllocator, address);
  }

  /** The allocator that a session uses for memory of that kind. */
  static OrtAllocator of(OrtSession session, OrtMemoryInfo memory) throws OrtException {
    OrtApi api = session.api();
    return new OrtAllocator(
        api, api.create(OrtFunction.CreateAllocator, session.address(), memory.address()));
  }

  /** The process-wide allocator that hands out names; never released. */
  static long shared(OrtApi api) throws OrtException {
    return api.create(OrtFunction.GetAllocatorWithDefaultOptions);
  }

  /**
   * Figures of the allocator by the runtime's own keys, empty if it gives none: no arena, or a
   * runtime older than 1.23.
   */
  OptionalLong[] statistics(String... keys) throws OrtException {
    OptionalLong[] values = new OptionalLong[keys.length];
    java.util.Arrays.fill(values, OptionalLong.empty());
    if (!api().has(OrtFunction.AllocatorGetStats)) {
      return values;
    }
    long pairs = api().create(OrtFunction.AllocatorGetStats, address());
    try {
      for (int i = 0; i < keys.length; i++) {
        NativeMemory key = NativeMemory.ofString(keys[i]);
        values[i] = number(api().callString(OrtFunction.GetKeyValue, pairs, key));
      }
      return values;
    } finally {
      api().callVoid(OrtFunction.ReleaseKeyValuePairs, pairs);
    }
  }

  private static OptionalLong number(@Nullable String text) {
    return text != null && text.matches("\\d{1,18}")
        ? OptionalLong.of(Long.parseLong(text))
        : OptionalLong.empty();
  }
}
