/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.VariantOptions;
import java.util.List;
import java.util.Set;

/**
 * How a model is compiled. A variant overrides the driver's settings in its options.
 *
 * @param performanceHint {@code LATENCY} or {@code THROUGHPUT}
 * @param requests infer requests of a model, which is how many calls run at once; 0 for as many as
 *     the device finds best
 * @param inferencePrecision {@code f32} or {@code f16}; empty for the device's own
 */
record OvSettings(String performanceHint, int requests, String inferencePrecision) {
  static final int MOST_REQUESTS = 16;
  static final List<String> HINTS = List.of("LATENCY", "THROUGHPUT");

  private static final String PREFIX = "openvino.";
  private static final String HINT = "openvino.performanceHint";
  private static final String REQUESTS = "openvino.requests";
  private static final String PRECISION = "openvino.inferencePrecision";
  private static final Set<String> KEYS = Set.of(HINT, REQUESTS, PRECISION);

  /**
   * With what the variant's options say.
   *
   * @throws AcceleratorException UNSUPPORTED for a key or value that has no sense
   */
  OvSettings with(ModelArtifact artifact) throws AcceleratorException {
    VariantOptions options = VariantOptions.of(artifact, PREFIX, KEYS);
    return new OvSettings(
        options.word(HINT, performanceHint, HINTS),
        options.number(REQUESTS, requests, 1, MOST_REQUESTS),
        options.word(PRECISION, inferencePrecision, List.of("f32", "f16")));
  }
}
