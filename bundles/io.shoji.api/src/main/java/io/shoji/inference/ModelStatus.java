/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import io.shoji.model.ModelDescription;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How an installed model is. A snapshot.
 *
 * @param description what its package says
 * @param state how it is
 * @param reason why it does not serve, in one readable message; empty if it serves
 * @param serving the generation that serves
 * @param candidates every pair of variant and accelerator that was looked at for the last placement
 * @param metrics figures since the engine started
 */
public record ModelStatus(
    ModelDescription description,
    State state,
    String reason,
    Optional<Provenance> serving,
    List<Candidate> candidates,
    ModelMetrics metrics) {

  /** How a model is. */
  public enum State {
    /** No accelerator here can run it. */
    NO_ACCELERATOR,
    /** It is being loaded and measured; nothing serves yet. */
    LOADING,
    /** It answers. */
    SERVING,
    /** Every load failed. */
    FAILED
  }

  /** Copies the list. */
  public ModelStatus {
    candidates = List.copyOf(candidates);
  }

  /**
   * One pair of variant and accelerator.
   *
   * @param variant name of the variant
   * @param accelerator kind and device, as {@code cpu:cpu0}
   * @param chosen whether it serves
   * @param verdict why it was chosen or not
   * @param latencyNanos median latency measured at load with this model on this device, nanoseconds
   * @param memoryBytes growth of memory by loading it, bytes
   */
  public record Candidate(
      String variant,
      String accelerator,
      boolean chosen,
      String verdict,
      OptionalLong latencyNanos,
      OptionalLong memoryBytes) {}
}
