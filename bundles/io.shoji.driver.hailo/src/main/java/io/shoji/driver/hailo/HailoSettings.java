/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.VariantOptions;
import io.shoji.tensor.ElementType;
import java.util.Set;

/**
 * How a model is configured. A variant overrides the driver's settings in its options.
 *
 * @param group network group of a HEF that has several; empty for its only one
 * @param real whether inputs and outputs are real numbers that HailoRT quantizes, instead of the
 *     chip's integers
 * @param queueSize frames of a model in flight
 * @param frameTimeoutMs after which a frame counts as never answered
 * @param priority of the scheduler, 0 to 31; -1 for HailoRT's
 * @param schedulerTimeoutMs longest wait of the scheduler for a full batch; -1 for HailoRT's
 * @param schedulerThreshold frames that the scheduler waits for; -1 for HailoRT's
 * @param ultraPerformance power mode
 */
record HailoSettings(
    String group,
    boolean real,
    int queueSize,
    int frameTimeoutMs,
    int priority,
    int schedulerTimeoutMs,
    int schedulerThreshold,
    boolean ultraPerformance) {
  static final int MOST_QUEUE = 8;
  static final int LEAST_FRAME_TIMEOUT_MS = 10;
  static final int MOST_MS = 600_000;
  static final int MOST_PRIORITY = 31;
  static final int MOST_THRESHOLD = 1_024;

  private static final String PREFIX = "hailo.";
  private static final Set<String> KEYS =
      Set.of(
          "hailo.group",
          "hailo.format",
          "hailo.queueSize",
          "hailo.frameTimeoutMs",
          "hailo.priority",
          "hailo.schedulerTimeoutMs",
          "hailo.schedulerThreshold",
          "hailo.powerMode");

  /**
   * With what the variant's options say.
   *
   * @throws AcceleratorException UNSUPPORTED for a key or value that has no sense
   */
  HailoSettings with(ModelArtifact artifact) throws AcceleratorException {
    VariantOptions options = VariantOptions.of(artifact, PREFIX, KEYS);
    return new HailoSettings(
        options.text("hailo.group", group),
        options.truth("hailo.format", isReal(artifact), "quantized", "float"),
        options.number("hailo.queueSize", queueSize, 1, MOST_QUEUE),
        options.number("hailo.frameTimeoutMs", frameTimeoutMs, LEAST_FRAME_TIMEOUT_MS, MOST_MS),
        options.number("hailo.priority", priority, 0, MOST_PRIORITY),
        options.number("hailo.schedulerTimeoutMs", schedulerTimeoutMs, 0, MOST_MS),
        options.number("hailo.schedulerThreshold", schedulerThreshold, 0, MOST_THRESHOLD),
        options.truth("hailo.powerMode", ultraPerformance, "performance", "ultra"));
  }

  /** A package that declares its inputs has said by their type what it wants. */
  private boolean isReal(ModelArtifact artifact) {
    return artifact.inputs().isEmpty()
        ? real
        : artifact.inputs().stream().allMatch(spec -> spec.type() == ElementType.FLOAT32);
  }
}
