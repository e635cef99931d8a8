/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.model;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * The steps around a model, from what a gateway has to what a person wants. Immutable.
 *
 * @param source what comes in
 * @param sampleRateHz of a signal: rate that the model was trained for
 * @param channels of a signal: names of its scalar channels, in order
 * @param pre steps from a sample to the model's input
 * @param post steps from the model's outputs to a prediction
 */
public record PipelineDescription(
    Source source,
    OptionalDouble sampleRateHz,
    List<String> channels,
    List<Step> pre,
    List<Step> post) {

  /** What comes into a pipeline. */
  public enum Source {
    /** Encoded or raw pictures. */
    IMAGE,
    /** Samples of scalar channels over time. */
    SIGNAL,
    /** Tensors as the model takes them. */
    TENSORS
  }

  /** Copies the lists. */
  public PipelineDescription {
    channels = List.copyOf(channels);
    pre = List.copyOf(pre);
    post = List.copyOf(post);
  }

  /**
   * One step.
   *
   * @param name kind of step, as {@code resize}
   * @param parameters values by name: Double for every number, String, Boolean, or a List of these
   */
  public record Step(String name, Map<String, Object> parameters) {
    /** Copies the map. */
    public Step {
      parameters = Map.copyOf(parameters);
    }
  }
}
