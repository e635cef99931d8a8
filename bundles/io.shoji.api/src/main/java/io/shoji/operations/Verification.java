/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import io.shoji.inference.Provenance;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a check of a model on this device found.
 *
 * @param generation the generation that was checked
 * @param passed whether nothing was found against it
 * @param problems everything that was found against it
 * @param files stored files whose digests were computed anew
 * @param bytes their sizes together
 * @param samples golden samples that were run; 0 if the package has none
 * @param metric name of the metric that the package sets a minimum for, else that of its evidence;
 *     empty if it has neither
 * @param value the metric on the golden samples here; empty if there are none, or the metric cannot
 *     be computed from them
 * @param minimum the least value that the package accepts; empty if it says none
 * @param maxDifference largest difference of an output from what the package expects; empty without
 *     golden samples
 */
public record Verification(
    Provenance generation,
    boolean passed,
    List<String> problems,
    int files,
    long bytes,
    int samples,
    Optional<String> metric,
    OptionalDouble value,
    OptionalDouble minimum,
    OptionalDouble maxDifference) {

  /** Copies the list. */
  public Verification {
    problems = List.copyOf(problems);
  }
}
