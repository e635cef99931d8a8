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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

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
  private static final Set<String> KEYS = new TreeSet<>(Set.of(HINT, REQUESTS, PRECISION));

  /**
   * With what the variant's options say.
   *
   * @throws AcceleratorException UNSUPPORTED for a key or value that has no sense
   */
  OvSettings with(ModelArtifact artifact) throws AcceleratorException {
    for (String key : artifact.options().keySet()) {
      if (key.startsWith(PREFIX) && !KEYS.contains(key)) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "an option that this driver does not know; correct it in model.json asked="
                + key
                + " known="
                + KEYS
                + " "
                + artifact);
      }
    }
    return new OvSettings(
        word(artifact, HINT, performanceHint, HINTS),
        number(artifact),
        word(artifact, PRECISION, inferencePrecision, List.of("f32", "f16")));
  }

  private static String word(
      ModelArtifact artifact, String key, String otherwise, List<String> known)
      throws AcceleratorException {
    String asked = artifact.options().get(key);
    if (asked == null) {
      return otherwise;
    }
    if (!known.contains(asked)) {
      throw nonsense(artifact, key, asked, String.join(" or ", known));
    }
    return asked;
  }

  private int number(ModelArtifact artifact) throws AcceleratorException {
    String asked = artifact.options().get(REQUESTS);
    if (asked == null) {
      return requests;
    }
    String known = "1 to " + MOST_REQUESTS;
    try {
      int value = Integer.parseInt(asked.strip());
      if (value >= 1 && value <= MOST_REQUESTS) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "an option is no number; correct it in model.json "
              + REQUESTS
              + "="
              + asked
              + " known="
              + known
              + " "
              + artifact,
          e);
    }
    throw nonsense(artifact, REQUESTS, asked, known);
  }

  private static AcceleratorException nonsense(
      ModelArtifact artifact, String key, String asked, String known) {
    return new AcceleratorException(
        Code.UNSUPPORTED,
        "an option has a value without sense; correct it in model.json "
            + key
            + "="
            + asked
            + " known="
            + known
            + " "
            + artifact);
  }
}
