/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import java.util.OptionalLong;

/**
 * Memory of a loaded model, bytes. A figure that nobody can give is empty, never an estimate.
 * Immutable.
 */
public final class MemoryUse {
  private static final long UNKNOWN = -1;

  private final long loadBytes;
  private final long currentBytes;
  private final long peakBytes;

  private MemoryUse(long loadBytes, long currentBytes, long peakBytes) {
    this.loadBytes = loadBytes;
    this.currentBytes = currentBytes;
    this.peakBytes = peakBytes;
  }

  /** No figure known. */
  public static MemoryUse unknown() {
    return new MemoryUse(UNKNOWN, UNKNOWN, UNKNOWN);
  }

  /**
   * Figures as they are known, -1 for one that is not.
   *
   * @param loadBytes growth of the process's resident memory (or of the device's used memory) by
   *     loading
   * @param currentBytes bytes that the runtime holds for the model now, activations included
   * @param peakBytes most bytes that the runtime held for it since it was loaded
   */
  public static MemoryUse of(long loadBytes, long currentBytes, long peakBytes) {
    return new MemoryUse(loadBytes, currentBytes, peakBytes);
  }

  /**
   * Growth of resident (or device) memory by loading. Other threads' allocations meanwhile are in
   * it.
   */
  public OptionalLong loadBytes() {
    return known(loadBytes);
  }

  /** Bytes that the runtime holds for the model now. */
  public OptionalLong currentBytes() {
    return known(currentBytes);
  }

  /** Most bytes that the runtime held for the model since it was loaded. */
  public OptionalLong peakBytes() {
    return known(peakBytes);
  }

  private static OptionalLong known(long value) {
    return value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
  }

  @Override
  public String toString() {
    return "loadBytes="
        + text(loadBytes)
        + " currentBytes="
        + text(currentBytes)
        + " peakBytes="
        + text(peakBytes);
  }

  private static String text(long value) {
    return value < 0 ? "unknown" : Long.toString(value);
  }
}
