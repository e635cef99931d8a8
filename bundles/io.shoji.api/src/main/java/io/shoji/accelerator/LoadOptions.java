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

import java.util.function.Consumer;

/** How a model is to be loaded. Immutable. */
public final class LoadOptions {
  private static final LoadOptions DEFAULTS = new LoadOptions(1, message -> {});

  private final long batchSize;
  private final Consumer<String> progress;

  private LoadOptions(long batchSize, Consumer<String> progress) {
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "a batch holds at least one sample batchSize=" + batchSize);
    }
    this.batchSize = batchSize;
    this.progress = progress;
  }

  /** Batch size 1, nobody listens to the progress. */
  public static LoadOptions defaults() {
    return DEFAULTS;
  }

  /**
   * With the batch size that a device without dynamic shapes fixes at load.
   *
   * @throws IllegalArgumentException if below 1
   */
  public LoadOptions withBatchSize(long size) {
    return new LoadOptions(size, progress);
  }

  /** With a listener that is told, on the loading thread, of each step of a long load. */
  public LoadOptions withProgress(Consumer<String> listener) {
    return new LoadOptions(batchSize, listener);
  }

  /** Batch size for devices that fix it at load; one with dynamic shapes ignores it. */
  public long batchSize() {
    return batchSize;
  }

  /** Told of each step of a long load; cheap, never null. */
  public Consumer<String> progress() {
    return progress;
  }
}
